//! The host names of clients, and of our own addresses: asked for in the background, kept for a
//! while.
//!
//! Whoever waits for one holds up nobody else: there are at most [`LOOKUPS`] threads that ask, and
//! a resolver that does not answer within [`PATIENCE`] is taken for one that knows nothing.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, ToSocketAddrs},
    sync::{Arc, LazyLock, OnceLock},
    time::Duration,
};

use jkworkers::model::Lookups;
use parking_lot::Mutex;
use tokio::{
    sync::Semaphore,
    task::spawn_blocking,
    time::{Instant, timeout},
};

/// The name of one end of a connection, for as long as that lasts.
#[derive(Debug, Default)]
pub(crate) struct EndName(OnceLock<Option<ClientName>>);

impl EndName {
    /// Asks for the name of `address`, once.
    pub(crate) async fn find_out(&self, address: IpAddr) {
        if self.0.get().is_none() {
            // Boxed: few want to know. Another request of the connection may have been quicker.
            let _ = self.0.set(Box::pin(name_of(address)).await);
        }
    }

    /// Whether it was asked for.
    pub(crate) fn is_known(&self) -> bool {
        self.0.get().is_some()
    }

    /// The name that was found, whoever says so.
    pub(crate) fn any(&self) -> Option<&str> {
        let name = self.0.get()?.as_ref()?;
        Some(&name.text)
    }

    /// The name that was found, if it leads back to the address.
    pub(crate) fn proven(&self) -> Option<&str> {
        let name = self.0.get()?.as_ref().filter(|name| name.leads_back)?;
        Some(&name.text)
    }

    /// As `HostnameLookups` wants it.
    pub(crate) fn by(&self, lookups: Lookups) -> Option<&str> {
        match lookups {
            Lookups::On => self.any(),
            Lookups::Off | Lookups::Double => self.proven(),
        }
    }
}

/// A name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientName {
    /// In lower case.
    pub(crate) text: Arc<str>,
    /// Whether the address is one of those that the name has. Anybody can give an address any
    /// name; only whose the name is can lead it back.
    pub(crate) leads_back: bool,
}

/// The name of an address; `None` when it has none, or nobody can say.
pub(crate) async fn name_of(address: IpAddr) -> Option<ClientName> {
    static KNOWN: LazyLock<Known<IpAddr, Option<ClientName>>> = LazyLock::new(Known::default);
    KNOWN
        .get(address, move || lookup(address), Option::is_some)
        .await
        .flatten()
}

/// The addresses of a name; none when nobody can say.
pub(crate) async fn addresses_of(name: &str) -> Vec<IpAddr> {
    static KNOWN: LazyLock<Known<String, Vec<IpAddr>>> = LazyLock::new(Known::default);
    let asked = name.to_owned();
    let found = KNOWN.get(
        name.to_owned(),
        move || addresses(&asked),
        |found| !found.is_empty(),
    );
    found.await.unwrap_or_default()
}

/// Lookups at a time.
const LOOKUPS: usize = 16;

/// How long a client waits for a resolver.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long an answer is kept.
const FOUND: Duration = Duration::from_secs(60);

/// How long it is kept that there is none.
const NOT_FOUND: Duration = Duration::from_secs(5);

/// How many answers are kept.
const ROOM: usize = 4096;

/// A thread that hangs keeps its permit.
static THREADS: Semaphore = Semaphore::const_new(LOOKUPS);

fn lookup(address: IpAddr) -> Option<ClientName> {
    let text = dns_lookup::lookup_addr(&address).ok()?;
    // Without a name some resolvers give the address itself.
    if text.parse::<IpAddr>().is_ok() {
        return None;
    }
    let text = text.trim_end_matches('.').to_ascii_lowercase();
    let leads_back = addresses(&text).contains(&address.to_canonical());
    Some(ClientName {
        text: text.into(),
        leads_back,
    })
}

fn addresses(name: &str) -> Vec<IpAddr> {
    let found = (name, 0).to_socket_addrs();
    let found = found.into_iter().flatten();
    found.map(|found| found.ip().to_canonical()).collect()
}

/// Answers, each until it is too old.
struct Known<K, V>(Mutex<HashMap<K, (Instant, V)>>);

impl<K, V> Default for Known<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq + Clone, V: Clone + Send + 'static> Known<K, V> {
    /// What is kept, or what `ask` says within [`PATIENCE`].
    async fn get(
        &self,
        key: K,
        ask: impl FnOnce() -> V + Send + 'static,
        is_answer: impl Fn(&V) -> bool,
    ) -> Option<V> {
        let now = Instant::now();
        if let Some((until, value)) = self.0.lock().get(&key)
            && now < *until
        {
            return Some(value.clone());
        }
        let value = timeout(PATIENCE, asked(ask)).await.ok().flatten()?;
        let life = if is_answer(&value) { FOUND } else { NOT_FOUND };
        let mut known = self.0.lock();
        if known.len() >= ROOM {
            known.retain(|_, (until, _)| now < *until);
        }
        if known.len() >= ROOM {
            known.clear();
        }
        known.insert(key, (now + life, value.clone()));
        Some(value)
    }
}

async fn asked<V: Send + 'static>(ask: impl FnOnce() -> V + Send + 'static) -> Option<V> {
    let permit = THREADS.acquire().await.ok()?;
    let ask = move || {
        let _permit = permit;
        ask()
    };
    spawn_blocking(ask).await.ok()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;

    #[tokio::test]
    async fn the_machine_itself_has_a_name() {
        let loopback: IpAddr = "127.0.0.1".parse().unwrap();
        if let Some(name) = name_of(loopback).await {
            assert_eq!(
                name.leads_back,
                addresses_of(&name.text).await.contains(&loopback)
            );
        }
        assert!(addresses_of("localhost").await.contains(&loopback));
        assert!(addresses_of("").await.is_empty());
    }

    #[tokio::test]
    async fn whose_name_it_is_not_is_nobody_where_that_matters() {
        let name = EndName::default();
        let lent = ClientName {
            text: "bank.example".into(),
            leads_back: false,
        };
        name.0.set(Some(lent)).unwrap();
        assert_eq!(name.by(Lookups::On), Some("bank.example"));
        assert_eq!(name.by(Lookups::Double), None);
        assert_eq!(name.proven(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn answers_are_kept_and_failures_less_long() {
        let known = Known::<u8, Option<u8>>::default();
        let asked = Arc::new(AtomicUsize::new(0));
        let get = |key: u8, found: Option<u8>| {
            let asked = asked.clone();
            let ask = move || {
                asked.fetch_add(1, Relaxed);
                found
            };
            known.get(key, ask, Option::is_some)
        };
        assert_eq!(get(1, Some(1)).await, Some(Some(1)));
        assert_eq!(get(2, None).await, Some(None));
        tokio::time::advance(NOT_FOUND).await;
        assert_eq!(get(1, Some(7)).await, Some(Some(1)));
        assert_eq!(get(2, Some(2)).await, Some(Some(2)));
        assert_eq!(asked.load(Relaxed), 3);
        tokio::time::advance(FOUND).await;
        assert_eq!(get(1, Some(7)).await, Some(Some(7)));
    }
}
