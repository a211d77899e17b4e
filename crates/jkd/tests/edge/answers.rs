//! What a client reads, as the answers that it is.

/// The answers on one connection.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub(crate) finals: Vec<Final>,
    pub(crate) interim: Vec<u16>,
    /// What is no answer.
    pub(crate) garbage: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Final {
    pub(crate) status: u16,
    /// It says that the connection ends.
    pub(crate) closes: bool,
}

/// Reads all of it. `head_only`: the first answer has no body.
pub(crate) fn parse(mut bytes: &[u8], mut head_only: bool) -> Answers {
    let mut answers = Answers::default();
    while !bytes.is_empty() {
        let Some((head, rest)) = split(bytes, b"\r\n\r\n") else {
            return answers;
        };
        let head = String::from_utf8_lossy(head).into_owned();
        let status = head
            .strip_prefix("HTTP/1.")
            .and_then(|rest| rest.get(2..5)?.parse().ok());
        let Some(status) = status else {
            answers.garbage = Some(bytes.escape_ascii().take(200).map(char::from).collect());
            return answers;
        };
        if (100..200).contains(&status) {
            answers.interim.push(status);
            bytes = rest;
            continue;
        }
        let closes = field(&head, "connection").is_some_and(|value| value.contains("close"));
        let bodiless = head_only || matches!(status, 204 | 304);
        head_only = false;
        let Some(rest) = behind_body(&head, rest, bodiless) else {
            answers.finals.push(Final { status, closes });
            return answers;
        };
        answers.finals.push(Final { status, closes });
        bytes = rest;
    }
    answers
}

/// What comes behind the body. `None`: it is not whole.
fn behind_body<'b>(head: &str, bytes: &'b [u8], bodiless: bool) -> Option<&'b [u8]> {
    if bodiless {
        return Some(bytes);
    }
    if field(head, "transfer-encoding").is_some() {
        let mut rest = bytes;
        loop {
            let (size, after) = split(rest, b"\r\n")?;
            let size = usize::from_str_radix(str::from_utf8(size).ok()?, 16).ok()?;
            rest = after.get(size + 2..)?;
            if size == 0 {
                return Some(rest);
            }
        }
    }
    match field(head, "content-length") {
        Some(length) => bytes.get(length.parse::<usize>().ok()?..),
        None => Some(b""),
    }
}

fn split<'b>(bytes: &'b [u8], end: &[u8]) -> Option<(&'b [u8], &'b [u8])> {
    let at = bytes.windows(end.len()).position(|window| window == end)?;
    Some((&bytes[..at], &bytes[at + end.len()..]))
}

fn field(head: &str, name: &str) -> Option<String> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = fields.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    Some(value.trim().to_ascii_lowercase())
}
