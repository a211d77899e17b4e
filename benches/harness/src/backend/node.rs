//! A node: its name, its counters, and what it answers to a path.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};

use ajp13::wire::PacketSize;
use parking_lot::Mutex;

use super::{
    Counts, Options, Protocol,
    answers::{self, Answer},
    counters::Counters,
};

/// One of the two.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: &'static str,
    pub(super) options: Options,
    pub(super) counters: Counters,
    all: OnceLock<Vec<Weak<Self>>>,
    /// By path: what is asked for is nearly always the same.
    known: [Mutex<HashMap<Vec<u8>, Action>>; 2],
}

/// What a node does about a request.
#[derive(Clone, Debug)]
pub(super) enum Action {
    /// Answers at once.
    Answer(Arc<Answer>),
    /// Answers with the number of bytes that came.
    Count,
    /// Answers later.
    Delay(Duration, Arc<Answer>),
}

/// Paths that are remembered.
const MOST_KNOWN: usize = 64;

/// No answer is larger.
const LARGEST: usize = 64 << 20;

impl Node {
    pub(super) fn new(name: &'static str, options: Options) -> Self {
        Self {
            name,
            options,
            counters: Counters::default(),
            all: OnceLock::new(),
            known: Default::default(),
        }
    }

    /// Lets each node tell what all of them have counted.
    pub(super) fn introduce(nodes: &[Arc<Self>]) {
        for node in nodes {
            let _ = node.all.set(nodes.iter().map(Arc::downgrade).collect());
        }
    }

    pub(super) fn packet_size(&self) -> PacketSize {
        PacketSize::rounded(self.options.packet_size)
    }

    /// Counts a request, and says what to do about it.
    pub(super) fn asked(&self, protocol: Protocol, path: &[u8], cookie: Option<&[u8]>) -> Action {
        self.counters.request();
        if cookie
            .and_then(route)
            .is_some_and(|route| route != self.name.as_bytes())
        {
            self.counters.misrouted();
        }
        let known = &self.known[protocol as usize];
        if let Some(action) = known.lock().get(path) {
            return action.clone();
        }
        let action = self.action(protocol, path);
        let mut known = known.lock();
        if known.len() < MOST_KNOWN && !path.starts_with(b"/counters") {
            known.insert(path.to_vec(), action.clone());
        }
        action
    }

    fn action(&self, protocol: Protocol, path: &[u8]) -> Action {
        let path = std::str::from_utf8(path).unwrap_or_default();
        let (verb, number) = path.rsplit_once('/').unwrap_or_default();
        let number = number
            .parse::<usize>()
            .ok()
            .filter(|&number| number <= LARGEST);
        let text = |body: &[u8]| self.answer(protocol, 200, body, true);
        Action::Answer(match (verb, number, path) {
            ("/bytes", Some(length), _) => text(&answers::text(length)),
            ("/unsized", Some(length), _) => {
                self.answer(protocol, 200, &answers::text(length), false)
            }
            ("/delay", Some(milliseconds), _) => {
                let later = Duration::from_millis(milliseconds as u64);
                return Action::Delay(later, text(&answers::text(128)));
            }
            (.., "/echo") => return Action::Count,
            (.., "/route") => text(self.name.as_bytes()),
            (.., "/counters") => text(&self.counts()),
            (.., "/counters/reset") => {
                self.everyone().for_each(|node| node.counters.reset());
                text(b"")
            }
            _ => self.answer(protocol, 404, b"no such path\n", true),
        })
    }

    /// The answer to `/echo`.
    pub(super) fn count(&self, protocol: Protocol, body_bytes: u64) -> Arc<Answer> {
        self.answer(protocol, 200, body_bytes.to_string().as_bytes(), true)
    }

    fn answer(&self, protocol: Protocol, status: u16, body: &[u8], sized: bool) -> Arc<Answer> {
        Arc::new(match protocol {
            Protocol::Ajp => answers::ajp(
                status,
                body,
                sized,
                self.packet_size(),
                self.options.segments,
            ),
            Protocol::Http => answers::http(status, body, sized),
        })
    }

    fn counts(&self) -> Vec<u8> {
        let mut counts = Counts::default();
        self.everyone()
            .for_each(|node| node.counters.add_to(&mut counts));
        serde_json::to_vec(&counts).unwrap_or_default()
    }

    fn everyone(&self) -> impl Iterator<Item = Arc<Self>> {
        self.all
            .get()
            .into_iter()
            .flatten()
            .filter_map(Weak::upgrade)
    }
}

/// The route of the session in a Cookie header.
fn route(cookie: &[u8]) -> Option<&[u8]> {
    let name = b"JSESSIONID=";
    let id = &cookie[memchr::memmem::find(cookie, name)? + name.len()..];
    let id = id.split(|&byte| byte == b';').next()?;
    let dot = memchr::memchr(b'.', id)?;
    Some(&id[dot + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_follows_the_dot_of_the_session() {
        assert_eq!(
            route(b"a=b.c; JSESSIONID=12.node1; d=e"),
            Some(&b"node1"[..])
        );
        assert_eq!(route(b"JSESSIONID=12"), None);
        assert_eq!(route(b"a=b.c"), None);
    }
}
