//! The words of an expression.
//!
//! Of several readings the longest one counts, and of equally long ones the operator's.

use super::BadExpression;

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// `$1`
    Back(usize),
    /// `-name`, two letters and more.
    Binary(&'t str),
    /// The end of the text.
    End,
    Number(&'t str),
    Name(&'t str),
    /// An operator or a bracket, with what it is called.
    Plain(&'static str),
    /// A quote, and with it a string.
    Quote(char),
    /// With whether case is ignored.
    Regex(&'t str, bool),
    /// `-x`
    Unary(&'t str),
    /// `%{`
    Variable,
}

impl Token<'_> {
    /// For messages.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Back(number) => format!("${number}"),
            Self::Binary(name) | Self::Unary(name) => format!("-{name}"),
            Self::End => "end".to_owned(),
            Self::Name(text) | Self::Number(text) | Self::Plain(text) => (*text).to_owned(),
            Self::Quote(quote) => format!("{quote}"),
            Self::Regex(..) => "regular expression".to_owned(),
            Self::Variable => "%{".to_owned(),
        }
    }
}

/// What is left of a text.
pub(super) struct Scanner<'t> {
    pub(super) rest: &'t str,
}

impl<'t> Scanner<'t> {
    /// The next word. Nothing of a string or a variable is read but how it begins.
    pub(super) fn next(&mut self) -> Result<Token<'t>, BadExpression> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n']);
        let Some(first) = self.rest.chars().next() else {
            return Ok(Token::End);
        };
        match first {
            '"' | '\'' => {
                self.skip(1);
                Ok(Token::Quote(first))
            }
            '/' => self.regex(1),
            'm' if self.is_regex() => self.regex(2),
            '$' => self.back(),
            '-' => self.dash(),
            '0'..='9' => Ok(Token::Number(self.take(digits(self.rest)))),
            'a'..='z' | 'A'..='Z' => {
                let text = self.take(name(self.rest));
                Ok(keyword(text).map_or(Token::Name(text), Token::Plain))
            }
            _ => self.plain(first),
        }
    }

    fn plain(&mut self, first: char) -> Result<Token<'t>, BadExpression> {
        if self.rest.starts_with("%{") {
            self.skip(2);
            return Ok(Token::Variable);
        }
        let mut known = PLAIN.iter();
        let Some((text, token)) = known.find(|(text, _)| self.rest.starts_with(text)) else {
            return Err(BadExpression::Character(first));
        };
        self.skip(text.len());
        Ok(Token::Plain(token))
    }

    /// `m` is a name, too.
    fn is_regex(&self) -> bool {
        let delimiter = self.rest.chars().nth(1);
        delimiter.is_some_and(|c| DELIMITERS.contains(c)) && name(self.rest) <= 2
    }

    /// `opening` are the bytes before the text.
    fn regex(&mut self, opening: usize) -> Result<Token<'t>, BadExpression> {
        let delimiter = self.rest.chars().nth(opening - 1).unwrap_or('/');
        self.skip(opening);
        let end = self.rest.find(delimiter);
        let end = end.ok_or(BadExpression::Unterminated("regular expression"))?;
        let text = self.take(end);
        self.skip(1);
        let ignores_case = self.rest.starts_with('i');
        self.skip(usize::from(ignores_case));
        Ok(Token::Regex(text, ignores_case))
    }

    fn back(&mut self) -> Result<Token<'t>, BadExpression> {
        let digit = self.rest.chars().nth(1).and_then(|c| c.to_digit(10));
        let number = digit.and_then(|digit| usize::try_from(digit).ok());
        let number = number.ok_or(BadExpression::Character('$'))?;
        self.skip(2);
        Ok(Token::Back(number))
    }

    fn dash(&mut self) -> Result<Token<'t>, BadExpression> {
        let behind = self.rest.get(1..).unwrap_or_default();
        let letters = |c: char| c.is_ascii_alphabetic() || c == '_';
        if behind.starts_with(letters) {
            let of_name = |c: char| letters(c) || c.is_ascii_digit();
            let end = behind.find(|c| !of_name(c)).unwrap_or(behind.len());
            let text = self.take(1 + end).get(1..).unwrap_or_default();
            return Ok(match operator(text) {
                Some(token) => Token::Plain(token),
                None if text.len() == 1 => Token::Unary(text),
                None => Token::Binary(text),
            });
        }
        match digits(behind) {
            0 => Err(BadExpression::Character('-')),
            count => Ok(Token::Number(self.take(1 + count))),
        }
    }

    pub(super) fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    pub(super) fn take(&mut self, count: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at_checked(count).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }
}

/// What may stand behind the `m` of a regular expression.
const DELIMITERS: &str = "/#$%^,;:_?|-!.'\"";

/// Longer ones first.
const PLAIN: &[(&str, &str)] = &[
    ("==", "=="),
    ("=~", "=~"),
    ("=", "=="),
    ("!=", "!="),
    ("!~", "!~"),
    ("!", "!"),
    ("<=", "<="),
    ("<", "<"),
    (">=", ">="),
    (">", ">"),
    ("&&", "&&"),
    ("||", "||"),
    (".", "."),
    ("(", "("),
    (")", ")"),
    ("{", "{"),
    ("}", "}"),
    (",", ","),
];

fn keyword(text: &str) -> Option<&'static str> {
    Some(match text {
        "and" => "&&",
        "false" => "false",
        "not" => "!",
        "or" => "||",
        "true" => "true",
        _ => return operator(text),
    })
}

fn operator(text: &str) -> Option<&'static str> {
    let all = ["-eq", "-ge", "-gt", "-in", "-le", "-lt", "-ne"];
    all.into_iter().find(|known| known.get(1..) == Some(text))
}

/// How many bytes of the beginning are digits.
fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// How many bytes of the beginning are a name.
pub(super) fn name(text: &str) -> usize {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return 0;
    }
    let of_name = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    text.bytes().take_while(of_name).count()
}
