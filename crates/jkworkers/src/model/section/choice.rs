//! `<If>`, `<ElseIf>` and `<Else>`: sections that hold for some requests.

use std::{fmt, sync::Arc};

use super::{Asked, Covers, Section};
use crate::{expr::Expression, model::Host};

/// One of these sections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Which of them.
    pub turn: Turn,
    /// The sections around it, the outermost one first.
    pub around: Arc<[Covers]>,
    /// What `<If>` begins, and `<ElseIf>` and `<Else>` go on with: at most one of these is taken.
    pub(crate) chain: usize,
    /// Its number in the files.
    pub(crate) id: usize,
    /// Its place among all of its host.
    pub(crate) number: usize,
}

/// When a section has its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Turn {
    /// Where none before it was taken.
    Else,
    /// Where none before it was taken, and this holds.
    ElseIf(Expression),
    /// Where this holds.
    If(Expression),
}

impl Choice {
    pub(super) fn is_among(&self, chosen: &[bool]) -> bool {
        chosen.get(self.number).is_some_and(|chosen| *chosen)
    }

    /// Those outside of all sections come first, then as the sections do that they stand in; what
    /// stands in other `<If>` sections after all that do not.
    pub(super) fn rank(&self) -> (u8, usize) {
        let is_if = |covers: &&Covers| matches!(covers, Covers::If(_));
        let nested = self.around.iter().filter(is_if).count().min(14);
        let nested = u8::try_from(nested).unwrap_or(14) * 16;
        let mut around = self.around.iter().rev();
        let inner = around.find(|covers| !is_if(covers));
        let Some(inner) = inner else {
            return (nested + 6, 0);
        };
        let (rank, depth) = inner.rank(around.next());
        (nested + 7 + rank, depth)
    }
}

/// Numbers the `<If>` sections of a host, also where they are around others.
pub(crate) fn number(sections: &mut [Section]) {
    let choices = sections.iter().filter_map(|section| match &section.covers {
        Covers::If(choice) => Some(choice.id),
        _ => None,
    });
    let ids: Vec<usize> = choices.collect();
    let number = |id: usize| {
        ids.iter()
            .position(|known| *known == id)
            .unwrap_or_default()
    };
    for section in sections {
        if let Covers::If(choice) = &mut section.covers {
            choice.number = number(choice.id);
            let around = choice.around.iter().cloned().map(|mut covers| {
                if let Covers::If(outer) = &mut covers {
                    outer.number = number(outer.id);
                }
                covers
            });
            choice.around = around.collect();
        }
    }
}

impl Turn {
    /// What the section is called.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Else => "Else",
            Self::ElseIf(_) => "ElseIf",
            Self::If(_) => "If",
        }
    }

    /// What it looks at.
    pub const fn expression(&self) -> Option<&Expression> {
        match self {
            Self::Else => None,
            Self::ElseIf(expression) | Self::If(expression) => Some(expression),
        }
    }
}

/// As it is written.
impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.turn.name();
        match self.turn.expression() {
            Some(expression) => write!(f, "<{name} \"{expression}\">"),
            None => write!(f, "<{name}>"),
        }
    }
}

impl Host {
    /// The first section with this expression.
    pub fn choice_by(&self, expression: &Expression) -> Option<&Section> {
        let mut sections = self.sections.iter();
        sections.find(|section| match &section.covers {
            Covers::If(choice) => choice.turn.expression() == Some(expression),
            _ => false,
        })
    }

    /// Which `<If>` sections hold for what is asked for, by their numbers. `holds` evaluates an
    /// expression.
    pub fn choose(
        &self,
        asked: Asked<'_>,
        mut holds: impl FnMut(&Expression) -> bool,
    ) -> Vec<bool> {
        let (mut chosen, mut taken) = (Vec::new(), Vec::new());
        let choices = self.sections.iter().filter_map(|s| match &s.covers {
            Covers::If(choice) => Some(choice),
            _ => None,
        });
        for choice in choices {
            let asked = asked.choosing(&chosen);
            let is_here = choice.around.iter().all(|covers| covers.is_about(asked));
            let is_free = !taken.contains(&choice.chain);
            let holds = is_here
                && match &choice.turn {
                    Turn::Else => is_free,
                    Turn::ElseIf(expression) => is_free && holds(expression),
                    Turn::If(expression) => holds(expression),
                };
            if holds {
                taken.push(choice.chain);
            }
            chosen.push(holds);
        }
        chosen
    }
}
