//! What a request to a status worker asks for.

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// `list`: everything. Where nothing is said.
    List,
    /// `show`: one worker, or one member of a balancer.
    Show,
    /// `version`: the server only.
    Version,
    /// `config`: what files say, for `jkd check --against`. mod_jk has no such command.
    Config,
    /// `dump`: what workers.properties says.
    Dump,
    /// `edit`: a form.
    Edit,
    /// `update`: changes settings.
    Update,
    /// `reset`: states and counters begin anew.
    Reset,
    /// `recover`: ends the rest of a member in error.
    Recover,
    /// Anything else.
    Unknown,
}

/// The form of the answer (`mime`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `html`: for people. Where nothing is said.
    Html,
    /// `json`. mod_jk has no such form.
    Json,
    /// `prop`.
    Properties,
    /// `txt`.
    Text,
    /// `xml`.
    Xml,
    /// Anything else.
    Unknown,
}

impl Command {
    /// Whether it is not for those who may only read.
    pub(super) const fn is_to_write(self) -> bool {
        matches!(
            self,
            Self::Edit | Self::Update | Self::Reset | Self::Recover
        )
    }

    /// Whether it changes something at once.
    pub(super) const fn changes(self) -> bool {
        matches!(self, Self::Update | Self::Reset | Self::Recover)
    }
}

/// The bit of `opt` that lets nothing be changed.
const READ_ONLY: i32 = 32;

/// Bits of `opt`: what is left out.
pub(super) mod without {
    /// Members.
    pub(in crate::status) const MEMBERS: i32 = 1;
    /// URI maps.
    pub(in crate::status) const MAPS: i32 = 2;
    /// Balancers.
    pub(in crate::status) const BALANCERS: i32 = 8;
    /// Workers that are mounted by themselves.
    pub(in crate::status) const WORKERS: i32 = 16;
}

/// The parameters that count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) command: Command,
    pub(super) form: Form,
    /// `w`.
    pub(super) worker: Option<String>,
    /// `sw`.
    pub(super) member: Option<String>,
    /// `opt`.
    pub(super) options: i32,
    /// `re`: after how many seconds a browser is to ask again.
    pub(super) refresh: Option<u32>,
    /// Whether a value could not be decoded. What stands behind it does not count.
    pub(super) is_broken: bool,
    /// All of them, as they were written.
    parameters: Vec<(Vec<u8>, String)>,
}

impl Query {
    /// Reads the query part of a URI as mod_jk does: of equal names the last one counts, names are
    /// not decoded, and characters that HTML would mind turn into `@`.
    pub(super) fn read(query: &[u8]) -> Self {
        let mut parameters = Vec::new();
        let mut is_broken = false;
        for pair in query.split(|byte| *byte == b'&') {
            let Some(equals) = pair.iter().position(|byte| *byte == b'=') else {
                continue;
            };
            let (name, value) = pair.split_at(equals);
            if name.is_empty() {
                continue;
            }
            let Some(value) = value.get(1..).and_then(decoded) else {
                is_broken = true;
                break;
            };
            parameters.push((name.to_vec(), value));
        }
        let last = |wanted: &str| value_of(&parameters, wanted);
        Self {
            command: last("cmd").map_or(Command::List, Command::named),
            form: last("mime").map_or(Form::Html, Form::named),
            worker: last("w").map(str::to_owned),
            member: last("sw").map(str::to_owned),
            options: last("opt").map_or(0, number),
            refresh: (last("re").map(number))
                .and_then(|seconds| u32::try_from(seconds).ok())
                .filter(|seconds| *seconds > 0),
            is_broken,
            parameters,
        }
    }

    /// The value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        value_of(&self.parameters, name)
    }

    /// Whether the client wants nothing to be changed.
    pub(super) const fn is_read_only(&self) -> bool {
        self.leaves_out(READ_ONLY)
    }

    pub(super) const fn leaves_out(&self, bit: i32) -> bool {
        self.options & bit != 0
    }
}

impl Command {
    fn named(name: &str) -> Self {
        match name {
            "list" => Self::List,
            "show" => Self::Show,
            "version" => Self::Version,
            "config" => Self::Config,
            "dump" => Self::Dump,
            "edit" => Self::Edit,
            "update" => Self::Update,
            "reset" => Self::Reset,
            "recover" => Self::Recover,
            _ => Self::Unknown,
        }
    }
}

impl Form {
    fn named(name: &str) -> Self {
        match name {
            "html" => Self::Html,
            "json" => Self::Json,
            "prop" => Self::Properties,
            "txt" => Self::Text,
            "xml" => Self::Xml,
            _ => Self::Unknown,
        }
    }
}

fn value_of<'a>(parameters: &'a [(Vec<u8>, String)], wanted: &str) -> Option<&'a str> {
    let mut found = parameters.iter().rev();
    let found = found.find(|(name, _)| name == wanted.as_bytes());
    found.map(|(_, value)| value.as_str())
}

/// A value without its percent signs and with blanks for `+`; `None` where it cannot be decoded.
fn decoded(value: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        let byte = match *first {
            b'+' => b' ',
            b'%' => {
                let [high, low, behind @ ..] = rest else {
                    return None;
                };
                rest = behind;
                digit(*high)? << 4 | digit(*low)?
            }
            other => other,
        };
        bytes.push(masked(byte)?);
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

const fn masked(byte: u8) -> Option<u8> {
    match byte {
        0 => None,
        b'<' | b'>' | b'?' | b'"' => Some(b'@'),
        other => Some(other),
    }
}

/// A number as C reads it: as far as there are digits.
fn number(text: &str) -> i32 {
    let text = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits.find(|c: char| !c.is_ascii_digit());
    let digits = digits.get(..end.unwrap_or(digits.len())).unwrap_or("");
    let value = digits
        .parse::<i32>()
        .unwrap_or(if digits.is_empty() { 0 } else { i32::MAX });
    if negative { -value } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_said_is_the_list_as_html() {
        let query = Query::read(b"");
        assert_eq!((query.command, query.form), (Command::List, Form::Html));
        assert_eq!(
            (query.options, query.refresh, query.is_broken),
            (0, None, false)
        );
    }

    #[test]
    fn the_last_of_equal_names_counts() {
        let query = Query::read(b"cmd=show&&cmd&=x&cmd=version&xcmd=list&mime=tx%74");
        assert_eq!((query.command, query.form), (Command::Version, Form::Text));
    }

    #[test]
    fn names_are_exact_and_not_decoded() {
        for text in ["cmd=LIST", "cmd=", "cmd=list+"] {
            assert_eq!(
                Query::read(text.as_bytes()).command,
                Command::Unknown,
                "{text}"
            );
        }
        assert_eq!(Query::read(b"+mime=txt&m%69me=xml").form, Form::Html);
    }

    #[test]
    fn values_are_decoded_and_masked() {
        let query = Query::read(b"w=a+b%3Cc%3e&sw=%3F*\"");
        assert_eq!(query.worker.as_deref(), Some("a b@c@"));
        assert_eq!(query.member.as_deref(), Some("@*@"));
    }

    #[test]
    fn a_broken_value_ends_the_reading() {
        for value in ["%zz", "%4", "%", "%00"] {
            let query = Query::read(format!("mime=xml&cmd={value}&w=a").as_bytes());
            assert_eq!((query.is_broken, query.form), (true, Form::Xml), "{value}");
            assert_eq!((query.command, query.worker), (Command::List, None));
        }
    }

    #[test]
    fn numbers_are_read_as_far_as_they_go() {
        for (text, expected) in [
            ("", 0),
            ("x", 0),
            (" 12x3", 12),
            ("+3", 3),
            ("-3", -3),
            ("99999999999", i32::MAX),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
        assert_eq!(Query::read(b"re=10").refresh, Some(10));
        assert_eq!(Query::read(b"re=-10").refresh, None);
        assert!(Query::read(b"opt=9").leaves_out(without::BALANCERS));
        assert!(!Query::read(b"opt=9").leaves_out(without::MAPS));
    }
}
