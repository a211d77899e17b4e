//! `RewriteCond`: what has to be so for a rule to count.

use std::cmp::Ordering;

use super::{Request, SoFar, Unknown, engine::Run, expand::Found, text::Text};
use crate::{
    expr::{Expression, Fault},
    pattern::Pattern,
};

/// One `RewriteCond`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    /// Nothing where an expression says it all.
    pub(crate) subject: Text,
    /// `!`
    pub(crate) negated: bool,
    pub(crate) looks: Looks,
    /// `OR`
    pub(crate) or_next: bool,
    /// `NV`: caches need not know.
    pub(crate) no_vary: bool,
}

/// What a subject has to look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Looks {
    Pattern(Pattern),
    /// `=text`
    Equal {
        text: String,
        ignores_case: bool,
    },
    /// `<text`, `>=text`: the longer text is the greater one, unless case makes no difference.
    Text {
        order: Order,
        text: String,
        ignores_case: bool,
    },
    /// `-eq 5`
    Number(Order, i64),
    /// `-f`
    File(FileTest),
    /// `-U`, `-F`: a request for this path, or this file, would be answered.
    Answered {
        is_file: bool,
    },
    /// `expr`: of the request, not of a subject.
    Expression(Expression),
}

/// Which orders of subject and operand will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    GreaterOrEqual,
    Greater,
}

/// A test of the file that a subject names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileTest {
    /// `-f`: a regular file.
    Regular,
    /// `-d`: a directory.
    Directory,
    /// `-s`: a regular file with something in it.
    NotEmpty,
    /// `-l`, `-L`, `-h`: a symbolic link.
    Link,
    /// `-x`: somebody may execute it.
    Executable,
    /// Anything of this name.
    Exists,
}

impl Order {
    const fn allows(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Greater => order.is_gt(),
        }
    }
}

impl<R: Request> Run<'_, R> {
    /// Whether all conditions hold, as `OR` joins them.
    pub(super) fn all_hold(&mut self, conditions: &[Condition]) -> Result<bool, Unknown> {
        let mut vary = Vec::new();
        let mut holds_already = false;
        for condition in conditions {
            if holds_already {
                holds_already = condition.or_next;
                continue;
            }
            self.seen_headers.clear();
            let holds = self.holds(condition)?;
            if holds && !condition.no_vary {
                vary.append(&mut self.seen_headers);
            }
            holds_already = holds && condition.or_next;
            if !holds && !condition.or_next {
                return Ok(false);
            }
        }
        self.result.vary.append(&mut vary);
        Ok(true)
    }

    fn holds(&mut self, condition: &Condition) -> Result<bool, Unknown> {
        let subject = self.expand(&condition.subject, None)?.text;
        let holds = match &condition.looks {
            Looks::Expression(expression) => self.is_so(expression, condition),
            Looks::Pattern(pattern) => {
                let groups = pattern.search(&subject);
                self.is_uncertain |= groups.is_err();
                let found = groups.ok().flatten().map(|groups| Found::new(&groups));
                let holds = found.is_some();
                if let Some(found) = found.filter(|_| !condition.negated) {
                    self.by_condition = found;
                }
                holds
            }
            Looks::Equal { text, ignores_case } => {
                let text = text.as_bytes();
                *subject == *text || *ignores_case && subject.eq_ignore_ascii_case(text)
            }
            Looks::Text {
                order,
                text,
                ignores_case: true,
            } => {
                let text = text.to_ascii_lowercase();
                order.allows(subject.to_ascii_lowercase().as_slice().cmp(text.as_bytes()))
            }
            Looks::Text { order, text, .. } => {
                let text = text.as_bytes();
                let lengths = subject.len().cmp(&text.len());
                order.allows(lengths.then_with(|| (*subject).cmp(text)))
            }
            Looks::Number(order, number) => order.allows(number_of(&subject).cmp(number)),
            Looks::File(test) => self.request.holds(*test, &subject)?,
            Looks::Answered { .. } if subject.is_empty() => false,
            Looks::Answered { is_file } => {
                let seen = self.request.ahead(&self.ahead_of(subject, *is_file))?;
                seen.is_had(*is_file)
            }
        };
        Ok(holds != condition.negated)
    }

    /// What cannot be said does not hold. Caches have to know what was looked at, whatever follows.
    fn is_so(&mut self, expression: &Expression, condition: &Condition) -> bool {
        let so_far = SoFar {
            filename: &self.filename,
            path_info: self.path_info(),
            query: self.query.as_deref(),
            variables: &self.result.variables,
        };
        let outcome = match self.request.evaluate(expression, so_far) {
            Ok(outcome) => outcome,
            Err(fault) => {
                self.is_uncertain |= fault == Fault::Pattern;
                return false;
            }
        };
        if !condition.no_vary {
            let fields = outcome.vary.iter();
            let fields = fields.map(|name| String::from_utf8_lossy(name).into_owned());
            self.result.vary.extend(fields);
        }
        if outcome.holds && !condition.negated {
            self.by_condition = Found::new(&outcome.found.groups());
        }
        outcome.holds
    }
}

/// As C's `atoi` reads it: as much of the beginning as is a number.
pub(crate) fn number_of(text: &[u8]) -> i64 {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] | rest => (false, rest),
    };
    let digits = digits.iter().take_while(|b| b.is_ascii_digit());
    let number = digits.fold(0_i64, |sum, digit| {
        sum.saturating_mul(10)
            .saturating_add(i64::from(digit - b'0'))
    });
    if negative { -number } else { number }
}
