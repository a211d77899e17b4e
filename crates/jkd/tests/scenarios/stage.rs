//! Plays a case in front of one web server, and writes down what is seen.
//!
//! Steps:
//! - `GET /x | Cookie: … | body 10`: a request. `chunked 10` is a body in chunks, `headers 9`
//!   are nine headers of 1000 bytes. What is seen is the status with the body, headers that
//!   matter, and then the requests that backends heard, in their order.
//! - `least 100 GET /`: a request whose answer takes so many milliseconds at least.
//! - `6 x GET /`: several, one after the other; only the answers are shown.
//! - `begin GET /`: a request that goes on until `end`; both wait.
//! - `until 200 b GET /`: repeats the request until this is the answer.
//! - `a plays ok`: a backend changes its mind.
//! - `states`, `connects`, `elected`, `errors`, `read`: what the server says of the members, or how often a backend was
//!   connected.

use std::{net::SocketAddr, thread::JoinHandle, time::Duration};

use jkd_tests::{Answer, Cast, Entry, Http, Request, wait_until};

use tokio::time::Instant;

use super::case::{Case, Step};

/// What a web server shows of itself.
pub(crate) trait Server {
    fn address(&self) -> SocketAddr;
    /// Names of the balancer's members and one of their facts.
    fn members(&self, fact: Fact) -> Vec<(String, String)>;
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Fact {
    Elected,
    Errors,
    /// Bytes, with AJP's framing.
    Read,
    State,
}

/// A case in front of a server.
pub(crate) struct Stage<'a> {
    server: &'a dyn Server,
    cast: Cast,
    begun: Vec<JoinHandle<String>>,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(server: &'a dyn Server, cast: Cast) -> Self {
        Self {
            server,
            cast,
            begun: Vec::new(),
        }
    }

    /// What is seen of each step.
    pub(crate) fn play(mut self, case: &Case) -> Vec<Vec<String>> {
        case.steps.iter().map(|step| self.step(step)).collect()
    }

    fn step(&mut self, step: &Step) -> Vec<String> {
        let what = &*step.what;
        let (first, rest) = what.split_once(' ').unwrap_or((what, ""));
        match first {
            "states" => self.facts(Fact::State),
            "errors" => self.facts(Fact::Errors),
            "read" => self.facts(Fact::Read),
            "elected" => self.facts(Fact::Elected),
            "connects" => vec![pairs(&self.cast.connections())],
            "least" => self.at_least(rest),
            "begin" => self.begin(rest),
            "end" => self.end(),
            "until" => self.until(rest),
            _ => match rest.split_once(' ') {
                Some(("plays", plays)) => {
                    self.cast.change(first, plays);
                    Vec::new()
                }
                Some(("x", request)) => self.several(first, request),
                _ => self.request(what),
            },
        }
    }

    fn facts(&self, fact: Fact) -> Vec<String> {
        vec![pairs(&self.server.members(fact))]
    }

    fn request(&self, line: &str) -> Vec<String> {
        let mut seen = ask(self.server.address(), line);
        seen.extend(collapsed(&self.cast.take_record()));
        seen
    }

    fn at_least(&self, line: &str) -> Vec<String> {
        let (least, line) = line.split_once(' ').expect("milliseconds and a request");
        let least = Duration::from_millis(least.parse().expect("milliseconds"));
        let begin = Instant::now();
        let mut seen = self.request(line);
        if begin.elapsed() < least {
            seen.push(format!("after {:?}", begin.elapsed()));
        }
        seen
    }

    fn several(&self, count: &str, line: &str) -> Vec<String> {
        let count: usize = count.parse().expect("a number");
        let answers = (0..count).map(|_| ask(self.server.address(), line).join(", "));
        let seen = answers.collect::<Vec<_>>().join(" / ");
        self.cast.take_record();
        vec![seen]
    }

    fn begin(&mut self, line: &str) -> Vec<String> {
        let (address, line) = (self.server.address(), line.to_owned());
        self.begun
            .push(std::thread::spawn(move || ask(address, &line).join(", ")));
        self.cast.wait_for(1);
        collapsed(&self.cast.take_record())
    }

    fn end(&mut self) -> Vec<String> {
        self.cast.release();
        let ended = self
            .begun
            .drain(..)
            .map(|thread| thread.join().expect("an answer"));
        ended.collect()
    }

    fn until(&self, line: &str) -> Vec<String> {
        let at = line.find(" GET ").expect("a request");
        let (wanted, request) = line.split_at(at);
        let request = request.trim();
        wait_until(line, || {
            ask(self.server.address(), request).join(", ") == wanted
        });
        self.cast.take_record();
        Vec::new()
    }
}

/// Whether what was seen is what was expected. In an expected line ` or ` separates what may be
/// seen, and `…` is anything.
pub(crate) fn is_expected(seen: &[String], expected: &[String]) -> bool {
    let fits = |(seen, expected): (&String, &String)| {
        expected.split(" or ").any(|one| match one.split_once('…') {
            Some((begin, end)) => seen.starts_with(begin) && seen.ends_with(end),
            None => one == seen,
        })
    };
    seen.len() == expected.len() && seen.iter().zip(expected).all(fits)
}

fn pairs<T: std::fmt::Display>(pairs: &[(String, T)]) -> String {
    let words = pairs.iter().map(|(name, value)| format!("{name} {value}"));
    words.collect::<Vec<_>>().join(", ")
}

/// One line for each request, and one for several equal ones in a row.
fn collapsed(record: &[Entry]) -> Vec<String> {
    let lines: Vec<_> = record.iter().map(ToString::to_string).collect();
    let runs = lines.chunk_by(|a, b| a == b).map(|run| match run.len() {
        1 => format!("  {}", run[0]),
        more => format!("  {} x{more}", run[0]),
    });
    runs.collect()
}

fn ask(address: SocketAddr, line: &str) -> Vec<String> {
    let mut parts = line.split(" | ");
    let (method, path) = parts
        .next()
        .and_then(|p| p.split_once(' '))
        .expect("a request");
    let mut request = Request::new(method, path);
    let (mut body, mut chunked) = (None, false);
    for part in parts {
        match part.split_once(' ').expect("an option") {
            ("body", length) => body = Some(length.parse().expect("a length")),
            ("chunked", length) => {
                (body, chunked) = (Some(length.parse().expect("a length")), true);
            }
            ("headers", count) => {
                for number in 0..count.parse().expect("a number") {
                    request = request.header(&format!("X-Long-{number}"), &"h".repeat(990));
                }
            }
            (name, value) => request = request.header(name.trim_end_matches(':'), value),
        }
    }
    let bytes = vec![b'x'; body.unwrap_or(0)];
    let mut reader = &bytes[..];
    if body.is_some() {
        let length = u64::try_from(bytes.len()).expect("a length");
        request = request.body(&mut reader, (!chunked).then_some(length));
    }
    match Http::new(address).send_anyhow(request) {
        Ok(answer) if answer.complete => shown(&answer),
        // How much of it came is a matter of luck.
        _ => vec!["cut off".to_owned()],
    }
}

fn shown(answer: &Answer) -> Vec<String> {
    let mut first = answer.status.to_string();
    let body = brief(&answer.text());
    if !body.is_empty() {
        first += &format!(" {body}");
    }
    let mut lines = vec![first];
    for (name, value) in &answer.headers {
        if name == "set-cookie" || name.starts_with("x-") {
            lines.push(format!("  {name}: {value}"));
        }
    }
    lines
}

/// A body in few words: error pages by that name, and no long runs.
fn brief(body: &str) -> String {
    let page = ["<!DOCTYPE", "<html"]
        .iter()
        .filter_map(|mark| body.find(mark))
        .min();
    let (text, page) = body.split_at(page.unwrap_or(body.len()));
    let bytes: Vec<_> = text.trim_end().chars().collect();
    let mut words: Vec<_> = bytes
        .chunk_by(|a, b| a == b)
        .map(|run| match run.len() {
            0..9 => run.iter().collect(),
            long => format!("{}*{long}", run[0]),
        })
        .collect();
    if !page.is_empty() {
        words.push("(page)".to_owned());
    }
    words.concat()
}
