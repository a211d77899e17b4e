//! The addresses of a host name, kept up to date by somebody else than the pool.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Notify, watch};

use super::signs::Signs;

/// What a host name stands for, as far as is known at the moment.
///
/// A [`Pool`](super::Pool) asks the system's resolver for every connection that it opens to a
/// [name](super::Address::Name), unless it was made by
/// [`Pool::with_addresses`](super::Pool::with_addresses). Then it connects to the addresses that
/// stand here, while somebody else looks the name up, as often as seems good:
///
/// * New connections go to the addresses that are known; where none ever was, they wait for the
///   first lookup, at most for the connect timeout.
/// * Connections to addresses that are gone are used no more: idle ones are closed, busy ones as
///   soon as their exchange has ended.
/// * A connect that fails, or finds no address, asks for a lookup: see [`wanted`](Self::wanted).
///
/// Cloning is cheap and shares the addresses, also among pools of different ports.
///
/// ```
/// use ajp13::{Address, Addresses, Pool, PoolOptions};
///
/// # async fn example() {
/// let addresses = Addresses::new();
/// let address = Address::new("tomcat.example", 8009);
/// let pool = Pool::with_addresses(address, addresses.clone(), PoolOptions::default());
/// tokio::spawn(async move {
///     loop {
///         match tokio::net::lookup_host("tomcat.example:8009").await {
///             Ok(found) => _ = addresses.set(found),
///             Err(error) => addresses.fail(&error.to_string()),
///         }
///         tokio::time::sleep(std::time::Duration::from_secs(1)).await;
///         addresses.wanted().await;
///     }
/// });
/// # }
/// ```
#[derive(Clone)]
pub struct Addresses {
    inner: Arc<Inner>,
}

struct Inner {
    known: watch::Sender<Known>,
    /// Counts the changes of the list, so that a connection need not look for its address in it
    /// before every use.
    generation: AtomicU64,
    wanted: Notify,
}

#[derive(Clone, Debug)]
struct Known {
    list: Arc<[SocketAddr]>,
    /// Why the last lookup brought nothing.
    failure: Option<Arc<str>>,
}

/// Where a connection leads to.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    pub(crate) address: SocketAddr,
    pub(crate) signs: Signs,
    /// The generation of the list in which the address stood last.
    generation: u64,
}

impl Addresses {
    /// Nothing is known yet.
    pub fn new() -> Self {
        let known = Known {
            list: Arc::default(),
            failure: None,
        };
        Self {
            inner: Arc::new(Inner {
                known: watch::Sender::new(known),
                generation: AtomicU64::new(0),
                wanted: Notify::new(),
            }),
        }
    }

    /// A lookup brought these addresses, most preferred first; their ports do not matter. Says
    /// whether they are others than before: a new order alone changes nothing.
    ///
    /// Nothing found counts as a lookup that [failed](Self::fail).
    pub fn set(&self, found: impl IntoIterator<Item = SocketAddr>) -> bool {
        let mut list: Vec<SocketAddr> = Vec::new();
        for mut address in found {
            address.set_port(0);
            if !list.contains(&address) {
                list.push(address);
            }
        }
        if list.is_empty() {
            self.fail("the name has no address");
            return false;
        }
        let mut changed = false;
        self.inner.known.send_modify(|known| {
            known.failure = None;
            changed = !is_same_set(&known.list, &list);
            if changed {
                known.list = list.into();
            }
        });
        if changed {
            self.inner.generation.fetch_add(1, Ordering::Release);
        }
        changed
    }

    /// A lookup failed. Addresses that were known before stay; where there are none, connects
    /// fail with this reason.
    pub fn fail(&self, reason: &str) {
        let failure = Some(reason.into());
        self.inner
            .known
            .send_modify(|known| known.failure = failure);
    }

    /// The addresses that are known, with port 0; empty before the first lookup has succeeded.
    pub fn known(&self) -> Arc<[SocketAddr]> {
        Arc::clone(&self.inner.known.borrow().list)
    }

    /// Waits until a connect asks for a lookup: because it failed, or because no address is
    /// known. For one who waits; what is asked for while nobody does is not lost.
    ///
    /// # Cancel safety
    /// Nothing is lost by dropping the future.
    pub async fn wanted(&self) {
        self.inner.wanted.notified().await;
    }

    pub(super) fn want(&self) {
        self.inner.wanted.notify_one();
    }

    /// The addresses to try, after the first lookup; otherwise why there are none.
    pub(super) async fn usable(&self) -> Result<Arc<[SocketAddr]>, Arc<str>> {
        let mut news = self.inner.known.subscribe();
        loop {
            let Known { list, failure } = news.borrow_and_update().clone();
            if !list.is_empty() {
                return Ok(list);
            }
            self.want();
            if let Some(reason) = failure {
                return Err(reason);
            }
            // The sender is in `self`.
            let _ = news.changed().await;
        }
    }

    /// Whether a connection to `remote` may still be used.
    pub(super) fn still_has(&self, remote: &mut Remote) -> bool {
        let generation = self.inner.generation.load(Ordering::Acquire);
        if remote.generation == generation {
            return true;
        }
        let mut address = remote.address;
        address.set_port(0);
        let found = self.inner.known.borrow().list.contains(&address);
        if found {
            remote.generation = generation;
        }
        found
    }

    /// To be asked for before the list, lest a change in between goes unnoticed.
    pub(super) fn generation(&self) -> u64 {
        self.inner.generation.load(Ordering::Acquire)
    }
}

impl Remote {
    pub(super) fn new(address: SocketAddr, signs: Signs, generation: u64) -> Self {
        Self {
            address,
            signs,
            generation,
        }
    }
}

impl Default for Addresses {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Addresses").field(&self.known()).finish()
    }
}

/// Neither list has an address twice.
fn is_same_set(one: &[SocketAddr], other: &[SocketAddr]) -> bool {
    one.len() == other.len() && one.iter().all(|address| other.contains(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(text: &[&str]) -> Vec<SocketAddr> {
        text.iter().map(|t| t.parse().unwrap()).collect()
    }

    #[test]
    fn only_another_set_is_a_change() {
        let names = Addresses::new();
        assert!(names.set(addresses(&["10.0.0.1:80", "10.0.0.2:81"])));
        assert!(!names.set(addresses(&["10.0.0.2:1", "10.0.0.1:2", "10.0.0.1:3"])));
        let first = addresses(&["10.0.0.1:0", "10.0.0.2:0"]);
        assert_eq!(&*names.known(), first);
        assert!(!names.set([]), "nothing found changes nothing");
        names.fail("no answer");
        assert_eq!(&*names.known(), first);
        assert!(names.set(addresses(&["10.0.0.2:0"])));
    }

    #[test]
    fn a_connection_is_good_as_long_as_its_address_stands_in_the_list() {
        let names = Addresses::new();
        names.set(addresses(&["10.0.0.1:0", "10.0.0.2:0"]));
        let to =
            |text: &str| Remote::new(text.parse().unwrap(), Signs::default(), names.generation());
        let (mut stays, mut goes) = (to("10.0.0.1:8009"), to("10.0.0.2:8009"));
        names.set(addresses(&["10.0.0.3:0", "10.0.0.1:0"]));
        assert!(names.still_has(&mut stays) && !names.still_has(&mut goes));
        assert_eq!(stays.generation, names.generation());
        names.set(addresses(&["10.0.0.2:0"]));
        assert!(!names.still_has(&mut stays) && names.still_has(&mut goes));
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_lookup_is_waited_for_and_asked_for() {
        let names = Addresses::new();
        let resolver = async {
            names.wanted().await;
            names.set(addresses(&["10.0.0.1:0"]));
        };
        let (found, ()) = tokio::join!(names.usable(), resolver);
        assert_eq!(&*found.unwrap(), addresses(&["10.0.0.1:0"]));
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_failed_lookup_nobody_waits_but_another_one_is_asked_for() {
        let names = Addresses::new();
        names.fail("no such name");
        assert_eq!(&*names.usable().await.unwrap_err(), "no such name");
        names.wanted().await;
    }
}
