//! Expressions: what is read can be evaluated, always with the same outcome, and is read again
//! from what it says of itself.

use std::{borrow::Cow, net::IpAddr};

use jkworkers::expr::{Expression, FileTest, Request, Table, Text, Variable};

use crate::first_line;

/// The longest value, bytes.
const LONGEST: usize = 8191;

/// A line with an expression, which is read as a text, too; the rest is the value of everything.
pub(crate) fn run(input: &[u8]) {
    let (text, value) = first_line(input);
    let (text, values) = (String::from_utf8_lossy(text), Values(value));
    if let Ok(expression) = Expression::new(&text) {
        assert_eq!(expression.to_string(), text);
        let outcome = expression.evaluate(&values);
        let again = Expression::new(expression.text())
            .unwrap()
            .evaluate(&values);
        let holds = |outcome: Result<jkworkers::expr::Outcome, _>| outcome.map(|o| o.holds).ok();
        assert_eq!(holds(outcome), holds(again));
    }
    if let Ok(text) = Text::new(&text) {
        let made = text.evaluate(&values).ok();
        assert_eq!(made, text.evaluate(&values).ok());
        if let Some(constant) = text.constant() {
            assert_eq!(made.as_deref(), Some(constant));
        }
        assert!(made.is_none_or(|made| made.len() <= LONGEST + value.len()));
    }
}

/// A request of which everything has the same value.
pub(crate) struct Values<'a>(pub(crate) &'a [u8]);

impl Request for Values<'_> {
    fn address(&self) -> IpAddr {
        match self.0 {
            [a, b, c, d, ..] => IpAddr::from([*a, *b, *c, *d]),
            _ => IpAddr::from([0; 16]),
        }
    }

    fn variable(&self, _: &Variable) -> Option<Cow<'_, [u8]>> {
        Some(Cow::Borrowed(self.0))
    }

    fn entry(&self, _: Table, name: &[u8]) -> Option<Cow<'_, [u8]>> {
        name.len()
            .is_multiple_of(2)
            .then_some(Cow::Borrowed(self.0))
    }

    fn holds(&self, _: FileTest, path: &[u8]) -> bool {
        path.len().is_multiple_of(2)
    }

    fn content(&self, path: &[u8]) -> Option<Vec<u8>> {
        path.len().is_multiple_of(2).then(|| self.0.to_vec())
    }

    fn size(&self, path: &[u8]) -> u64 {
        u64::try_from(path.len()).unwrap()
    }
}
