//! In which order the addresses of a name are tried.

use std::net::SocketAddr;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::options::TcpOptions;
use super::signs::Signs;

/// How long an address that failed is tried after the others.
const DISTRUST: Duration = Duration::from_secs(30);

/// What a pool remembers of the addresses it has connected to. Looked at only when a connection
/// is opened.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    /// The last one that worked.
    worked: Option<SocketAddr>,
    /// Those that failed, and until when that counts.
    failed: Vec<(SocketAddr, Instant)>,
    /// What counts the signs of life of those that there are connections to.
    signs: Vec<(SocketAddr, Signs)>,
}

impl Memory {
    /// The addresses of the usable families: first those that have not just failed, of these
    /// those of the preferred family, of these the one that worked last, then as they come.
    pub(super) fn in_order(
        &self,
        found: impl IntoIterator<Item = SocketAddr>,
        options: &TcpOptions,
        now: Instant,
    ) -> Vec<SocketAddr> {
        let mut addresses: Vec<_> = (found.into_iter())
            .filter(|to| {
                options
                    .source
                    .is_none_or(|from| from.is_ipv4() == to.is_ipv4())
            })
            .collect();
        let mut memory = self.0.lock();
        memory.failed.retain(|(_, until)| *until > now);
        addresses.sort_by_key(|address| {
            (
                memory.failed.iter().any(|(failed, _)| failed == address),
                options.prefer_ipv6 && address.is_ipv4(),
                memory.worked != Some(*address),
            )
        });
        addresses
    }

    pub(super) fn worked(&self, address: SocketAddr) {
        let mut memory = self.0.lock();
        memory.worked = Some(address);
        memory.failed.retain(|(failed, _)| *failed != address);
    }

    /// What counts the signs of life of this address: the same for all its connections.
    pub(super) fn signs_of(&self, address: SocketAddr) -> Signs {
        let signs = &mut self.0.lock().signs;
        if let Some((_, known)) = signs.iter().find(|(of, _)| *of == address) {
            return known.clone();
        }
        signs.retain(|(_, signs)| signs.are_of_use());
        let new = Signs::default();
        signs.push((address, new.clone()));
        new
    }

    pub(super) fn failed(&self, address: SocketAddr, now: Instant) {
        let mut memory = self.0.lock();
        memory.failed.retain(|(failed, _)| *failed != address);
        memory.failed.push((address, now + DISTRUST));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: [&str; 3] = ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"];

    fn order(memory: &Memory, found: &[&str], options: &TcpOptions, now: Instant) -> Vec<String> {
        let found = found.iter().map(|text| text.parse().unwrap());
        let order = memory.in_order(found, options, now);
        order.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_last_one_that_worked_comes_first_and_one_that_failed_last_for_a_while() {
        let (memory, now) = (Memory::default(), Instant::now());
        let options = TcpOptions::default();
        let [a, b, c] = V4;
        assert_eq!(order(&memory, &V4, &options, now), V4);
        memory.worked(b.parse().unwrap());
        assert_eq!(order(&memory, &V4, &options, now), [b, a, c]);
        memory.failed(b.parse().unwrap(), now);
        assert_eq!(order(&memory, &V4, &options, now), [a, c, b]);
        memory.failed(a.parse().unwrap(), now);
        memory.worked(c.parse().unwrap());
        // Among those that failed, the resolver's order and what worked before still count.
        assert_eq!(order(&memory, &V4, &options, now), [c, a, b]);
        memory.worked(a.parse().unwrap());
        assert_eq!(order(&memory, &V4, &options, now), [a, c, b]);
        let later = now + DISTRUST;
        memory.failed(a.parse().unwrap(), now);
        assert_eq!(order(&memory, &V4, &options, later), [a, b, c]);
    }

    #[test]
    fn connections_to_one_address_count_its_signs_together_and_nothing_is_kept_of_those_without() {
        let (memory, [a, b, c]) = (Memory::default(), V4.map(|text| text.parse().unwrap()));
        let (one, another, of_b) = (memory.signs_of(a), memory.signs_of(a), memory.signs_of(b));
        one.add();
        assert_eq!([&one, &another, &of_b].map(Signs::count), [1, 1, 0]);
        drop(of_b);
        memory.signs_of(c);
        assert_eq!(memory.signs_of(a).count(), 1);
        let kept: Vec<_> = memory.0.lock().signs.iter().map(|(of, _)| *of).collect();
        assert_eq!(kept, [a, c]);
    }

    #[test]
    fn the_preferred_family_comes_first_unless_it_just_failed() {
        let (memory, now) = (Memory::default(), Instant::now());
        let found = ["127.0.0.1:1", "[::1]:1"];
        let prefer = TcpOptions {
            prefer_ipv6: true,
            ..TcpOptions::default()
        };
        memory.worked("127.0.0.1:1".parse().unwrap());
        assert_eq!(order(&memory, &found, &prefer, now), [found[1], found[0]]);
        memory.failed("[::1]:1".parse().unwrap(), now);
        assert_eq!(order(&memory, &found, &prefer, now), found);
        let source = TcpOptions {
            source: Some("127.0.0.1".parse().unwrap()),
            ..prefer
        };
        assert_eq!(order(&memory, &found, &source, now), [found[0]]);
    }
}
