//! Bars, as SVG: a group for each scenario, a bar for each front end, the value beside it.

use std::{error::Error, io};

use plotters::{
    coord::Shift,
    prelude::{DrawingArea, IntoDrawingArea, IntoTextStyle, RGBColor, Rectangle, SVGBackend, Text},
    style::{
        BLACK, Color, WHITE,
        text_anchor::{HPos, Pos, VPos},
    },
};

/// Bars that belong together.
#[derive(Clone, Debug)]
pub struct Group {
    /// What stands above them.
    pub title: String,
    /// Name and value of each.
    pub bars: Vec<(String, f64)>,
}

const WIDTH: i32 = 860;
const NAMES: i32 = 150;
const VALUES: i32 = 80;
const ROW: i32 = 17;
const TITLE: i32 = 40;

/// One for each front end, in the order of the table; they can be told apart by those who do not
/// see all colours.
const COLOURS: [RGBColor; 8] = [
    RGBColor(0x99, 0x99, 0x99),
    RGBColor(0x66, 0x66, 0x66),
    RGBColor(0x00, 0x9E, 0x73),
    RGBColor(0xE6, 0x9F, 0x00),
    RGBColor(0xF0, 0xE4, 0x42),
    RGBColor(0x56, 0xB4, 0xE9),
    RGBColor(0xD5, 0x5E, 0x00),
    RGBColor(0xCC, 0x79, 0xA7),
];

/// Draws groups of bars. All bars of a group have one scale: groups differ by orders of magnitude.
/// A name keeps its colour in all groups.
///
/// # Errors
/// When there is nothing to draw on.
pub fn bars(title: &str, groups: &[Group], digits: usize) -> io::Result<String> {
    let names = names(groups);
    let rows: usize = groups.iter().map(|group| group.bars.len() + 2).sum();
    let height = TITLE + ROW * i32::try_from(rows).unwrap_or(i32::MAX / ROW);
    let mut svg = String::new();
    let size = (WIDTH.unsigned_abs(), height.unsigned_abs());
    {
        let canvas = Canvas(SVGBackend::with_string(&mut svg, size).into_drawing_area());
        canvas.0.fill(&WHITE).map_err(failed)?;
        canvas.write(title, 22, (10, TITLE / 2), HPos::Left)?;
        let mut y = TITLE;
        for group in groups {
            y += ROW;
            canvas.write(&group.title, 16, (10, y - ROW / 2), HPos::Left)?;
            let most = group
                .bars
                .iter()
                .map(|bar| bar.1)
                .fold(f64::MIN_POSITIVE, f64::max);
            for (name, value) in &group.bars {
                let place = names.iter().position(|&known| known == name).unwrap_or(0);
                let end = canvas.bar(y, length(*value, most), COLOURS[place % COLOURS.len()])?;
                canvas.write(name, 15, (NAMES - 6, y + ROW / 2), HPos::Right)?;
                let value = format!("{value:.digits$}");
                canvas.write(&value, 15, (end + 5, y + ROW / 2), HPos::Left)?;
                y += ROW;
            }
            y += ROW;
        }
        canvas.0.present().map_err(failed)?;
    }
    Ok(svg)
}

struct Canvas<'a>(DrawingArea<SVGBackend<'a>, Shift>);

impl Canvas<'_> {
    fn write(&self, text: &str, size: i32, at: (i32, i32), side: HPos) -> io::Result<()> {
        let style = ("sans-serif", size).into_text_style(&self.0);
        let style = style.color(&BLACK).pos(Pos::new(side, VPos::Center));
        let text = Text::new(text.to_owned(), at, style);
        self.0.draw(&text).map_err(failed)
    }

    /// Draws a bar, and returns where it ends.
    fn bar(&self, y: i32, length: i32, colour: RGBColor) -> io::Result<i32> {
        let end = NAMES + length;
        let bar = Rectangle::new([(NAMES, y + 2), (end, y + ROW - 2)], colour.filled());
        self.0.draw(&bar).map_err(failed)?;
        Ok(end)
    }
}

fn names(groups: &[Group]) -> Vec<&String> {
    let mut names = Vec::new();
    for (name, _) in groups.iter().flat_map(|group| &group.bars) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Pixels of a bar: at least one.
fn length(value: f64, most: f64) -> i32 {
    let room = f64::from(WIDTH - NAMES - VALUES);
    ((value / most * room).round() as i32).max(1)
}

fn failed(error: impl Error) -> io::Error {
    io::Error::other(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_values() {
        let bar = |name: &str, value| (name.to_owned(), value);
        let groups = [
            Group {
                title: "GET <small>".into(),
                bars: vec![bar("one", 100.0), bar("two", 50.0)],
            },
            Group {
                title: "POST".into(),
                bars: vec![bar("two", 3.25)],
            },
        ];
        let svg = bars("CPU & time", &groups, 1).unwrap();
        assert!(
            svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"),
            "{svg}"
        );
        assert!(
            svg.contains("CPU &amp; time") && svg.contains("GET &lt;small&gt;"),
            "{svg}"
        );
        for value in ["100.0", "50.0", "3.2"] {
            assert!(svg.contains(value), "{value}: {svg}");
        }
        let full = WIDTH - NAMES - VALUES;
        let widths = |width: i32| svg.matches(&format!("width=\"{width}\"")).count();
        assert_eq!((widths(full), widths(full / 2)), (2, 1), "{svg}");
    }
}
