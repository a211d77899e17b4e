//! From words to a tree.

use std::str;

use super::{
    BadExpression,
    names::{FileTest, Function, Table, Variable, unknown},
    scan::{self, Scanner, Token},
    string::Until,
    tree::{About, Compared, Condition, Glob, Order, Uses, Word},
};
use crate::{access::parse_net, model::Net, pattern::Pattern};

/// How deep brackets, functions and strings may be nested.
const MAX_DEPTH: usize = 60;

/// A text that is read.
pub(super) struct Parser<'t> {
    pub(super) scanner: Scanner<'t>,
    /// The word that is looked at.
    token: Token<'t>,
    depth: usize,
    uses: Uses,
}

pub(super) type Read<T> = Result<T, BadExpression>;

impl<'t> Parser<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self {
            scanner: Scanner { rest: text },
            token: Token::End,
            depth: 0,
            uses: Uses {
                user: false,
                answer: false,
                any_variable: false,
                names: Vec::new(),
            },
        }
    }

    pub(super) fn uses(self) -> Uses {
        self.uses
    }

    /// The text as a condition.
    pub(super) fn whole_condition(&mut self) -> Read<Condition> {
        self.advance()?;
        let condition = self.condition()?;
        match self.token {
            Token::End => Ok(condition),
            _ => self.unexpected("the end"),
        }
    }

    /// The text as a string.
    pub(super) fn whole_text(&mut self) -> Read<Word> {
        self.string(Until::End)
    }

    fn advance(&mut self) -> Read<()> {
        self.token = self.scanner.next()?;
        Ok(())
    }

    fn unexpected<T>(&self, expected: &'static str) -> Read<T> {
        Err(BadExpression::Syntax {
            found: self.token.shown(),
            expected,
        })
    }

    fn is(&self, plain: &str) -> bool {
        matches!(self.token, Token::Plain(token) if token == plain)
    }

    /// Goes on behind an operator or a bracket.
    fn expect(&mut self, plain: &'static str) -> Read<()> {
        if self.is(plain) {
            return self.advance();
        }
        self.unexpected(plain)
    }

    pub(super) fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(BadExpression::Nested);
        }
        let read = inner(self)?;
        self.depth -= 1;
        Ok(read)
    }

    fn condition(&mut self) -> Read<Condition> {
        let first = self.conjunction()?;
        let mut all = vec![first];
        while self.is("||") {
            self.advance()?;
            all.push(self.conjunction()?);
        }
        Ok(one_or(all, Condition::Any))
    }

    fn conjunction(&mut self) -> Read<Condition> {
        let first = self.negation()?;
        let mut all = vec![first];
        while self.is("&&") {
            self.advance()?;
            all.push(self.negation()?);
        }
        Ok(one_or(all, Condition::All))
    }

    fn negation(&mut self) -> Read<Condition> {
        let mut negated = false;
        while self.is("!") {
            negated = !negated;
            self.advance()?;
        }
        let condition = self.primary()?;
        Ok(if negated {
            Condition::Not(Box::new(condition))
        } else {
            condition
        })
    }

    fn primary(&mut self) -> Read<Condition> {
        match self.token {
            Token::Plain("true") => self.always(true),
            Token::Plain("false") => self.always(false),
            Token::Plain("(") => {
                self.advance()?;
                let inner = self.deeper(Self::condition)?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Unary(letter) => {
                self.advance()?;
                let word = self.word()?;
                unary(letter, word)
            }
            _ => {
                let word = self.word()?;
                self.comparison(word)
            }
        }
    }

    fn always(&mut self, holds: bool) -> Read<Condition> {
        self.advance()?;
        Ok(Condition::Always(holds))
    }

    /// What stands behind a word.
    fn comparison(&mut self, word: Word) -> Read<Condition> {
        match self.token {
            Token::Binary(name) => {
                self.advance()?;
                let other = self.word()?;
                binary(name, word, other)
            }
            Token::Plain("-in") => {
                self.advance()?;
                Ok(Condition::Listed(word, self.list()?))
            }
            Token::Plain(operator @ ("=~" | "!~")) => {
                self.advance()?;
                let matches = Condition::Matches(word, self.regex()?);
                Ok(match operator {
                    "=~" => matches,
                    _ => Condition::Not(Box::new(matches)),
                })
            }
            Token::Plain(operator) => {
                let Some(compared) = compared(operator) else {
                    return self.unexpected("an operator");
                };
                self.advance()?;
                Ok(Condition::Compare(word, compared, self.word()?))
            }
            _ => self.unexpected("an operator"),
        }
    }

    fn regex(&mut self) -> Read<Pattern> {
        let Token::Regex(text, ignores_case) = self.token else {
            return self.unexpected("a regular expression");
        };
        let pattern = Pattern::new(text, ignores_case).map_err(BadExpression::Pattern)?;
        self.advance()?;
        Ok(pattern)
    }

    /// `{ word, … }`; none of httpd's functions makes a list.
    fn list(&mut self) -> Read<Vec<Word>> {
        if let Token::Name(name) = self.token {
            return Err(unknown("List-returning function", name));
        }
        self.expect("{")?;
        let mut words = vec![self.word()?];
        while self.is(",") {
            self.advance()?;
            words.push(self.word()?);
        }
        self.expect("}")?;
        Ok(words)
    }

    fn word(&mut self) -> Read<Word> {
        let first = self.atom()?;
        let mut all = vec![first];
        while self.is(".") {
            self.advance()?;
            all.push(self.atom()?);
        }
        Ok(one_or(all, Word::Joined))
    }

    fn atom(&mut self) -> Read<Word> {
        let word = match self.token {
            Token::Number(text) => Word::Literal(text.into()),
            Token::Back(number) => Word::Found(number),
            Token::Variable => self.deeper(Self::variable)?,
            Token::Quote(quote) => self.deeper(|parser| parser.string(Until::Quote(quote)))?,
            Token::Name(name) => {
                self.advance()?;
                self.expect("(")?;
                let argument = self.deeper(Self::word)?;
                if !self.is(")") {
                    return self.unexpected(")");
                }
                self.call(name, argument)?
            }
            _ => return self.unexpected("a word"),
        };
        self.advance()?;
        Ok(word)
    }

    /// Behind `%{`.
    pub(super) fn variable(&mut self) -> Read<Word> {
        let name = self.scanner.take(scan::name(self.scanner.rest));
        let next = self.scanner.rest.chars().next();
        let next = next.ok_or(BadExpression::Unterminated("variable"))?;
        self.scanner.skip(next.len_utf8());
        match next {
            _ if name.is_empty() => Err(BadExpression::Name(next)),
            '}' => {
                let variable = Variable::named(name)?;
                self.uses.user |= variable == Variable::RemoteUser;
                Ok(Word::Variable(variable))
            }
            ':' => {
                let argument = self.deeper(|parser| parser.string(Until::Brace))?;
                if matches!(&argument, Word::Literal(text) if text.is_empty()) {
                    let found = "}".to_owned();
                    let expected = "a text";
                    return Err(BadExpression::Syntax { found, expected });
                }
                self.call(name, argument)
            }
            other => Err(BadExpression::Name(other)),
        }
    }

    fn call(&mut self, name: &str, argument: Word) -> Read<Word> {
        let function = Function::named(name)?;
        self.uses.answer |= matches!(function, Function::Table(Table::Response, _));
        if let Function::Env | Function::Table(Table::Environment, _) = function {
            match &argument {
                Word::Literal(name) => {
                    let name = String::from_utf8_lossy(name);
                    self.uses.names.push((&*name).into());
                }
                _ => self.uses.any_variable = true,
            }
        }
        Ok(Word::Call(function, Box::new(argument)))
    }
}

/// The only one, or all of them.
pub(super) fn one_or<T>(mut all: Vec<T>, several: fn(Vec<T>) -> T) -> T {
    match all.len() {
        1 => all.swap_remove(0),
        _ => several(all),
    }
}

fn unary(letter: &str, word: Word) -> Read<Condition> {
    Ok(match letter {
        "n" => Condition::Word(About::NotEmpty, word),
        "z" => Condition::Word(About::Empty, word),
        "T" => Condition::Word(About::True, word),
        "R" => Condition::In(None, net("R", &word)?),
        _ => Condition::File(FileTest::named(letter)?, word),
    })
}

fn binary(name: &str, word: Word, other: Word) -> Read<Condition> {
    let glob = match &*name.to_ascii_lowercase() {
        "fnmatch" => Glob::Path,
        "ipmatch" => return Ok(Condition::In(Some(word), net("ipmatch", &other)?)),
        "strcmatch" => Glob::TextIgnoringCase,
        "strmatch" => Glob::Text,
        _ => return Err(unknown("Binary operator", &format!("-{name}"))),
    };
    Ok(Condition::Wildcard(word, glob, other))
}

/// A network has to be known when the text is read.
fn net(operator: &'static str, word: &Word) -> Read<Net> {
    let Word::Literal(text) = word else {
        return Err(BadExpression::SubnetConstant(operator));
    };
    let text = str::from_utf8(text).map_err(|_| BadExpression::Subnet)?;
    parse_net(text).map_err(|_| BadExpression::Subnet)
}

fn compared(operator: &str) -> Option<Compared> {
    let (numbers, order) = match operator {
        "==" => (false, Order::Equal),
        "!=" => (false, Order::NotEqual),
        "<" => (false, Order::Less),
        "<=" => (false, Order::LessOrEqual),
        ">" => (false, Order::Greater),
        ">=" => (false, Order::GreaterOrEqual),
        "-eq" => (true, Order::Equal),
        "-ne" => (true, Order::NotEqual),
        "-lt" => (true, Order::Less),
        "-le" => (true, Order::LessOrEqual),
        "-gt" => (true, Order::Greater),
        "-ge" => (true, Order::GreaterOrEqual),
        _ => return None,
    };
    Some(Compared { numbers, order })
}
