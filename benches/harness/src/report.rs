//! Tables and plots of results, for people.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{
    plot,
    ratio::Samples,
    record::{self, Line},
};

mod plots;
mod tables;

/// What is written, and where.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Files of results
    #[arg(default_value = "/tmp/jkd-bench/results.jsonl")]
    results: Vec<PathBuf>,
    /// The page that is written; its plots go into a folder of the same name beside it
    #[arg(long, default_value = "docs/performance.md")]
    page: PathBuf,
    /// Print the tables instead
    #[arg(long)]
    print: bool,
}

/// Reads results and writes the page.
///
/// # Errors
/// When results cannot be read, or there are none, or the page cannot be written.
pub fn write(options: &Options) -> io::Result<()> {
    let lines = record::read(&options.results)?;
    if lines.is_empty() {
        return Err(io::Error::other("there are no results"));
    }
    let samples = Samples::of(&lines);
    let plots = plots::all(&lines, &samples);
    if options.print {
        println!("{}", tables::page(&lines, &samples, &[], Path::new("")));
        return Ok(());
    }
    let folder = options.page.with_extension("");
    fs::create_dir_all(&folder)?;
    for plot in &plots {
        let svg = plot::bars(plot.title, &plot.groups, plot.digits)?;
        fs::write(folder.join(plot.file), svg)?;
    }
    let name = folder.file_name().map(PathBuf::from).unwrap_or_default();
    fs::write(&options.page, tables::page(&lines, &samples, &plots, &name))?;
    println!(
        "{} and {} plots are written",
        options.page.display(),
        plots.len()
    );
    Ok(())
}

/// The front ends that results are about, in the order of the table.
fn peers(lines: &[Line]) -> Vec<&'static crate::peer::Peer> {
    let is_there = |name: &str| {
        lines.iter().any(|line| match line {
            Line::Sample(sample) => sample.peer == name,
            Line::Calls(calls) => calls.peer == name,
            Line::Instructions(counted) => counted.peer == name,
            Line::Machine(_) => false,
        })
    };
    crate::peer::PEERS
        .iter()
        .filter(|peer| is_there(peer.name))
        .collect()
}
