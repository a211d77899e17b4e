//! One request, and what became of it.

use std::{fmt::Write, time::Duration};

use crate::dice::Dice;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) id: u64,
    pub(crate) method: &'static str,
    /// Bytes of the request's body.
    pub(crate) body: usize,
    body_is_chunked: bool,
    /// Bytes of the answer's body.
    pub(crate) size: usize,
    answer_is_chunked: bool,
    pub(crate) status: u16,
    ms: u64,
    /// The member that has the session.
    pub(crate) session: Option<char>,
    /// The client says that it is the last one of the connection.
    pub(crate) closes: bool,
    expects: bool,
    pub(crate) slow: Slow,
    pub(crate) leaves: Option<Leaves>,
}

/// What a client takes its time for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slow {
    Nothing,
    Sending,
    Reading,
}

/// When a client goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// Within its head.
    InHead,
    /// Within its body, or at once behind its head.
    InBody,
    /// While it waits.
    Waiting(Duration),
    /// Within the answer, after so many bytes.
    InAnswer(usize),
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// It has a whole answer.
    Whole,
    /// The answer broke off, and that showed.
    Cut,
    /// The connection ended before the answer.
    Lost,
    /// So it did, and it had been used before.
    Stale,
    /// It stood behind another one, after which the connection ended.
    Behind,
    /// The client has left before all of the head was sent.
    LeftEarly,
    /// The client has left.
    Left,
    /// The client has left within the answer.
    LeftInAnswer,
    /// No answer came.
    TimedOut,
    /// There was no connection.
    Refused,
    /// The answer looks whole, and is another one than was asked for.
    Wrong,
}

/// What a client has seen of a request.
#[derive(Clone, Copy, Debug)]
#[allow(
    dead_code,
    reason = "how long it took is read where something is found"
)]
pub(crate) struct Seen {
    pub(crate) id: u64,
    pub(crate) method: &'static str,
    pub(crate) fate: Fate,
    /// Of the answer; 0 where none came.
    pub(crate) status: u16,
    /// Of the answer's body.
    pub(crate) bytes: u64,
    /// Who answered; none for the server itself.
    pub(crate) node: Option<char>,
    /// The member that has its session.
    pub(crate) session: Option<char>,
    pub(crate) took: Duration,
}

impl Job {
    /// A request of a client that stays.
    pub(crate) fn calm(id: u64, dice: &mut Dice, nodes: &[char]) -> Self {
        let (method, body) = match dice.below(100) {
            0..60 => ("GET", 0),
            60..70 => ("HEAD", 0),
            70..90 => ("POST", 20_000),
            90..95 => ("POST", 1_000_000),
            _ => ("POST", 1 + dice.below(300)),
        };
        let size = match dice.below(100) {
            0..80 => dice.below(3000),
            80..96 => dice.below(60_000),
            _ => 200_000 + dice.below(1_000_000),
        };
        Self {
            id,
            method,
            body,
            body_is_chunked: dice.per_mille(500),
            size,
            answer_is_chunked: dice.per_mille(400),
            status: if dice.per_mille(50) { 404 } else { 200 },
            ms: if dice.per_mille(100) {
                dice.next() % 60
            } else {
                0
            },
            session: dice.per_mille(300).then(|| dice.one_of(nodes)),
            closes: dice.per_mille(20),
            expects: body > 0 && dice.per_mille(50),
            slow: Slow::Nothing,
            leaves: None,
        }
    }

    /// One of a client that may do anything.
    pub(crate) fn rough(id: u64, dice: &mut Dice, nodes: &[char]) -> Self {
        let mut job = Self::calm(id, dice, nodes);
        job.slow = match dice.below(100) {
            0..2 => Slow::Sending,
            2..4 => Slow::Reading,
            _ => Slow::Nothing,
        };
        job.leaves = dice.per_mille(20).then(|| match dice.below(4) {
            0 => Leaves::InHead,
            1 => Leaves::InBody,
            2 => Leaves::Waiting(dice.ms(0..30)),
            _ => Leaves::InAnswer(dice.below(job.size + 300)),
        });
        job
    }

    /// One without a body, for requests that are sent together.
    pub(crate) fn one_of_many(id: u64, dice: &mut Dice, nodes: &[char]) -> Self {
        let job = Self::calm(id, dice, nodes);
        Self {
            method: "GET",
            body: 0,
            expects: false,
            size: job.size.min(20_000),
            closes: false,
            ..job
        }
    }

    pub(crate) const fn body_is_chunked(&self) -> bool {
        self.body_is_chunked
    }

    pub(crate) fn head(&self) -> Vec<u8> {
        let Self {
            method,
            id,
            size,
            status,
            ms,
            ..
        } = self;
        let mut head = format!("{method} /soak?size={size}&status={status}&ms={ms}");
        if self.answer_is_chunked {
            head.push_str("&chunked=1");
        }
        let _ = write!(head, " HTTP/1.1\r\nHost: localhost\r\nX-Id: {id:x}\r\n");
        if let Some(node) = self.session {
            let _ = write!(head, "Cookie: JSESSIONID={id:x}.{node}\r\n");
        }
        if self.closes {
            head.push_str("Connection: close\r\n");
        }
        if self.expects {
            head.push_str("Expect: 100-continue\r\n");
        }
        match self.body {
            0 => {}
            _ if self.body_is_chunked => head.push_str("Transfer-Encoding: chunked\r\n"),
            body => _ = write!(head, "Content-Length: {body}\r\n"),
        }
        head.push_str("\r\n");
        head.into_bytes()
    }
}
