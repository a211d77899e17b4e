//! How many connections there are, of all clients and of each one.

use std::{
    collections::{HashMap, hash_map::Entry},
    fs,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use jkworkers::model::{ConnectionLimits, Host, Model};
use parking_lot::Mutex;
use rustix::process::{Resource, getrlimit};
use tokio::sync::Notify;

use crate::limits::Limit;

/// Connections of clients.
///
/// One beyond the most that there may be is accepted by each lane, and waits there; those behind it
/// wait in the queue of the system. Nobody is refused.
#[derive(Debug)]
pub(crate) struct Guests {
    open: AtomicU32,
    /// What the limit of open files leaves room for.
    room: AtomicU32,
    /// Somebody has left.
    left: Notify,
    /// The connections of each client, where they are counted.
    of_clients: Mutex<HashMap<IpAddr, u32>>,
}

/// A connection that counts until it is dropped.
#[derive(Debug)]
pub(super) struct Seat(Arc<Guests>);

/// The connection of a client, which counts as one of its own until it is dropped.
#[derive(Debug)]
pub(super) struct Guest {
    seat: Seat,
    /// The client for whom it counts.
    client: Option<IpAddr>,
    pub(super) standing: Standing,
}

/// What a client may expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Welcome,
    /// It has as many connections as it may: this one is told so.
    OneTooMany,
    /// It has twice as many: this one is not even told so.
    FarTooMany,
}

impl Guests {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            open: AtomicU32::new(0),
            room: AtomicU32::new(ConnectionLimits::DEFAULT_MOST),
            left: Notify::new(),
            of_clients: Mutex::new(HashMap::new()),
        })
    }

    /// Finds out for how many there is room, and tells if that is less than what is wanted. What
    /// stays open in any case is open by now.
    pub(crate) fn measure(&self, wanted: ConnectionLimits) {
        let files = getrlimit(Resource::Nofile).current;
        let files = files.map_or(u32::MAX, |files| u32::try_from(files).unwrap_or(u32::MAX));
        let room = room(files, open_files());
        self.room.store(room, Ordering::Relaxed);
        let most = self.most(wanted);
        match wanted.most {
            Some(_) if most > room => tracing::warn!(
                "JkdMaxConnections {most}, but with {files} open files (ulimit -n) there is room for \
                 {room}"
            ),
            None if room < ConnectionLimits::DEFAULT_MOST => tracing::info!(
                "at most {most} connections of clients at once: a third of {files} open files (ulimit -n)"
            ),
            _ => tracing::info!("at most {most} connections of clients at once"),
        }
    }

    fn most(&self, limits: ConnectionLimits) -> u32 {
        let default = || {
            let room = self.room.load(Ordering::Relaxed);
            room.min(ConnectionLimits::DEFAULT_MOST)
        };
        limits.most.map_or_else(default, u32::from)
    }

    /// Waits until there is room for one more. `limits` are asked for each time.
    pub(super) async fn seat(
        self: &Arc<Self>,
        client: IpAddr,
        limits: impl Fn() -> ConnectionLimits,
    ) -> Seat {
        loop {
            let left = self.left.notified();
            let most = self.most(limits());
            let more = |open| (open < most).then_some(open + 1);
            let taken = (self.open).fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
            if taken.is_ok() {
                return Seat(self.clone());
            }
            tell_of(client, most);
            left.await;
        }
    }

    /// The same for those who have been let in already.
    pub(super) fn extra_seat(self: &Arc<Self>) -> Seat {
        self.open.fetch_add(1, Ordering::AcqRel);
        Seat(self.clone())
    }

    /// The connections of a client, with one more.
    fn count(&self, client: IpAddr) -> u32 {
        let mut clients = self.of_clients.lock();
        let count = clients.entry(client).or_default();
        *count = count.saturating_add(1);
        *count
    }
}

fn tell_of(client: IpAddr, most: u32) {
    let client = client.to_canonical().to_string();
    let so = format_args!("{most} connections, further clients wait");
    Limit::Connections.is_reached(&client, so);
}

const fn standing(count: u32, most: u32) -> Standing {
    if count <= most {
        Standing::Welcome
    } else if count <= most.saturating_mul(2) {
        Standing::OneTooMany
    } else {
        Standing::FarTooMany
    }
}

impl Seat {
    /// Lets a client have it.
    pub(super) fn of(self, client: IpAddr, model: &Model) -> Guest {
        let most = model.global.connections.of_one_client;
        let most = most.filter(|_| !is_proxy(&model.hosts, client.to_canonical()));
        let client = most.map(|_| network(client));
        let standing = match (most, client) {
            (Some(most), Some(client)) => standing(self.0.count(client), u32::from(most)),
            _ => Standing::Welcome,
        };
        Guest {
            seat: self,
            client,
            standing,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
        self.0.left.notify_waiters();
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let Some(client) = self.client else { return };
        let mut clients = self.seat.0.of_clients.lock();
        if let Entry::Occupied(mut entry) = clients.entry(client) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

/// Of so many files, of which some are `open` for good, each connection of a client may take one, the
/// connection to a backend another one, and one that another lane keeps for later a third.
const fn room(files: u32, open: u32) -> u32 {
    let room = files.saturating_sub(open) / 3;
    if room == 0 { 1 } else { room }
}

/// Files that are open now.
fn open_files() -> u32 {
    let listed = fs::read_dir("/proc/self/fd").map(Iterator::count);
    listed.map_or(64, |count| u32::try_from(count).unwrap_or(u32::MAX))
}

/// A client of IPv6 has a whole network, and chooses its addresses there (RFC 6177).
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

/// Whether it speaks for clients of its own, as `RemoteIPInternalProxy` and its like say.
fn is_proxy(hosts: &[Host], client: IpAddr) -> bool {
    let rules = hosts.iter().filter_map(|host| host.remote_ip.as_ref());
    let mut proxies = rules.flat_map(|rules| rules.proxies.iter());
    proxies.any(|proxies| proxies.net.contains(client))
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU32, time::Duration};

    use jkworkers::{
        diag::Origin,
        model::{Global, Net, Proxies, RemoteIp},
    };
    use tokio::time::timeout;

    use super::{
        Standing::{FarTooMany, OneTooMany, Welcome},
        *,
    };

    fn model(most: u32, proxies: &[Proxies]) -> Model {
        let mut host = Host::new(Origin::new("test", 0));
        host.remote_ip = Some(RemoteIp {
            header: "X-Forwarded-For".into(),
            proxies_header: None,
            proxies: proxies.into(),
        });
        let mut global = Global::default();
        global.connections.of_one_client = NonZeroU32::new(most);
        Model {
            hosts: vec![host],
            listen: Vec::new(),
            workers: Vec::new(),
            global,
            files: Vec::new(),
        }
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_when_all_seats_are_taken_waits_for_one() {
        let guests = Guests::new();
        let limits = || ConnectionLimits {
            most: NonZeroU32::new(2),
            of_one_client: None,
        };
        let client = address("127.0.0.1");
        let first = guests.seat(client, limits).await;
        let _second = guests.seat(client, limits).await;
        let second = Duration::from_secs(1);
        assert!(timeout(second, guests.seat(client, limits)).await.is_err());
        let (third, ()) = tokio::join!(timeout(second, guests.seat(client, limits)), async {
            tokio::task::yield_now().await;
            drop(first);
        });
        assert!(third.is_ok());
        let _extra = guests.extra_seat();
        assert_eq!(guests.open.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn clients_are_told_apart_by_address_and_by_network() {
        let guests = Guests::new();
        let model = model(2, &[]);
        let come = |client: &str| guests.extra_seat().of(address(client), &model);
        let standings = |client: &str, times: usize| {
            let all: Vec<_> = (0..times).map(|_| come(client)).collect();
            all.iter().map(|guest| guest.standing).collect::<Vec<_>>()
        };
        let expected = [Welcome, Welcome, OneTooMany, OneTooMany, FarTooMany];
        assert_eq!(standings("10.0.0.1", 5), expected);
        assert!(guests.of_clients.lock().is_empty());

        let _first = [come("10.0.0.1"), come("::ffff:10.0.0.1")];
        assert_eq!(come("10.0.0.1").standing, OneTooMany);
        assert_eq!(come("10.0.0.2").standing, Welcome);
        let _second = [come("2001:db8::1"), come("2001:db8::ffff:0:0:2")];
        assert_eq!(come("2001:db8::3").standing, OneTooMany);
        assert_eq!(come("2001:db8:0:1::3").standing, Welcome);
    }

    #[test]
    fn proxies_may_have_as_many_as_they_like() {
        let guests = Guests::new();
        let ten = Net::Masked {
            address: [10, 0, 0, 0].into(),
            mask: [255, 0, 0, 0].into(),
        };
        let proxies = Proxies {
            net: ten,
            internal: true,
        };
        let model = model(1, &[proxies]);
        let come = |client: &str| guests.extra_seat().of(address(client), &model);
        let all: Vec<_> = (0..5).map(|_| come("10.1.2.3")).collect();
        assert!(all.iter().all(|guest| guest.standing == Welcome));
        let _other = come("11.1.2.3");
        assert_eq!(come("11.1.2.3").standing, OneTooMany);
    }

    #[test]
    fn open_files_leave_room_for_connections_to_both_sides() {
        assert_eq!(room(64, 24), 13);
        assert_eq!(room(20, 24), 1);
        let guests = Guests::new();
        let most = |number| {
            guests.most(ConnectionLimits {
                most: NonZeroU32::new(number),
                of_one_client: None,
            })
        };
        assert_eq!((most(0), most(50_000)), (10_000, 50_000));
        guests.room.store(500, Ordering::Relaxed);
        assert_eq!((most(0), most(50_000)), (500, 50_000));
    }
}
