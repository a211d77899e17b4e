//! Workers of type ajp13, and what a balancer wants to know about them.

use std::{sync::Arc, time::Duration};

use super::{Builder, first_written, host, ping, probe, settings::Settings};
use crate::{
    diag::Origin,
    directive::{
        ACTIVATION, BUSY_LIMIT, CONNECTION_ACQUIRE_TIMEOUT, CONNECTION_POOL_MINSIZE,
        CONNECTION_POOL_SIZE, CONNECTION_POOL_TIMEOUT, DISABLED, DISTANCE, DOMAIN, Directive,
        FAIL_ON_STATUS, HOST, LBFACTOR, MAX_PACKET_SIZE, PORT, PREFER_IPV6, RECOVERY_OPTIONS,
        REDIRECT, REPLY_TIMEOUT, RESOLVE, RETRIES, RETRY_INTERVAL, ROUTE, SECRET, SOCKET_BUFFER,
        SOCKET_CONNECT_TIMEOUT, SOCKET_KEEPALIVE, SOCKET_TIMEOUT, SOURCE, STOPPED,
    },
    model::{
        Activation, AjpWorker, Member, PoolSettings, RecoveryOptions, Resolve, Retries, Secret,
        SocketSettings,
    },
    values,
};

/// A pool that is smaller than this was meant for one httpd process of many.
const SMALL_POOL: u32 = 16;

impl Builder<'_, '_> {
    /// The ajp13 worker of this name with its settings as a member.
    pub(super) fn member(&mut self, name: &str, asked_at: &Origin) -> Member {
        if let Some(member) = self.members.get(name) {
            return member.clone();
        }
        let origin = first_written(self.properties, name)
            .unwrap_or(asked_at)
            .clone();
        let mut settings = self.settings(name);
        let worker = ajp_worker(name, origin, &mut settings);
        let member = member(name, worker, &mut settings);
        self.members.insert(name.to_owned(), member.clone());
        member
    }
}

fn ajp_worker(name: &str, origin: Origin, settings: &mut Settings<'_, '_>) -> AjpWorker {
    let max_packet_size = max_packet_size(settings);
    AjpWorker {
        name: name.into(),
        host: host_of(settings, &HOST).unwrap_or_default(),
        port: port(settings),
        source: host_of(settings, &SOURCE),
        prefer_ipv6: settings.flag(&PREFER_IPV6),
        resolve: resolve(settings),
        secret: secret(settings),
        max_packet_size,
        pool: pool(settings),
        socket: socket(settings, max_packet_size),
        ping: ping::policy(settings),
        reply_timeout: reply_timeout(settings),
        retries: retries(settings),
        recovery_options: recovery_options(settings),
        fail_on_status: fail_on_status(settings),
        probe: probe::probe(settings),
        busy_limit: settings.count(&BUSY_LIMIT),
        origin,
    }
}

fn member(name: &str, worker: AjpWorker, settings: &mut Settings<'_, '_>) -> Member {
    let route: Arc<str> = settings.text(&ROUTE).unwrap_or(name).into();
    Member {
        lbfactor: settings.count(&LBFACTOR),
        distance: settings.int(&DISTANCE),
        domain: domain(settings, &route),
        redirect: settings.text(&REDIRECT).map(Arc::from),
        activation: activation(settings),
        configured: 0,
        route,
        worker: Arc::new(worker),
    }
}

/// The secret of a worker or a balancer.
pub(super) fn secret(settings: &Settings<'_, '_>) -> Option<Secret> {
    settings.property(&SECRET).map(|p| Secret::new(p.text()))
}

fn host_of(settings: &mut Settings<'_, '_>, directive: &Directive) -> Option<String> {
    let text = settings.text(directive)?;
    let unusable = match host::read(text) {
        host::Written::Plain => return Some(text.to_owned()),
        host::Written::Bracketed(address) => {
            settings.warn(directive, |key| {
                (
                    format!("`{key}={text}`: an address in brackets is a name that nobody finds"),
                    format!("Write `{key}={address}`."),
                )
            });
            return Some(text.to_owned());
        }
        host::Written::WithPort(host, port) => {
            let port_key = settings.key(PORT.name);
            format!(
                "Write `{}={host}` and `{port_key}={port}`.",
                settings.key(directive.name)
            )
        }
        host::Written::Url(host) => format!("Write `{}={host}`.", settings.key(directive.name)),
        host::Written::Unusable => "Write a host name or an IP address.".to_owned(),
    };
    settings.error(directive, |key| {
        (
            format!("`{key}={text}` is neither a host name nor an IP address"),
            unusable,
        )
    });
    Some(text.to_owned())
}

fn resolve(settings: &mut Settings<'_, '_>) -> Resolve {
    match settings.choice(&RESOLVE) {
        Some("all") => Resolve::All,
        _ => Resolve::One,
    }
}

fn port(settings: &mut Settings<'_, '_>) -> u16 {
    let Some(number) = settings.raw_int(&PORT) else {
        return u16::try_from(Settings::preset_int(&PORT)).unwrap_or(0);
    };
    let Ok(port) = u16::try_from(number) else {
        settings.error(&PORT, |key| {
            (
                format!("`{key}={number}` is no port"),
                "Write a number from 1 to 65535.".to_owned(),
            )
        });
        return 0;
    };
    if port == 0 {
        settings.warn(&PORT, |key| {
            (
                format!("`{key}=0`: the address is not known yet, nothing is sent to the worker"),
                "Write the port of Tomcat's AJP connector.".to_owned(),
            )
        });
    }
    port
}

fn max_packet_size(settings: &mut Settings<'_, '_>) -> u32 {
    let size = settings.count(&MAX_PACKET_SIZE);
    let rounded = size.next_multiple_of(1024);
    if rounded != size {
        settings.warn(&MAX_PACKET_SIZE, |key| {
            (
                format!("`{key}={size}` is rounded up to {rounded}"),
                format!("Write {rounded} here and as packetSize of Tomcat's connector."),
            )
        });
    }
    rounded
}

fn pool(settings: &mut Settings<'_, '_>) -> PoolSettings {
    let size = pool_size(settings);
    let half = size.map_or(0, |size| size.div_ceil(2));
    let min_size = match settings.written_int(&CONNECTION_POOL_MINSIZE) {
        Some(min) => u32::try_from(min).unwrap_or(0),
        None => half,
    };
    if size.is_some_and(|size| min_size > size) {
        settings.warn(&CONNECTION_POOL_MINSIZE, |key| {
            (
                format!("`{key}={min_size}` is more than connection_pool_size: that applies"),
                "Write a smaller number.".to_owned(),
            )
        });
    }
    PoolSettings {
        size,
        min_size: size.map_or(min_size, |size| min_size.min(size)),
        idle_timeout: some(settings.seconds(&CONNECTION_POOL_TIMEOUT)),
        acquire_timeout: acquire_timeout(settings),
    }
}

fn pool_size(settings: &mut Settings<'_, '_>) -> Option<u32> {
    let written = settings.raw_int(&CONNECTION_POOL_SIZE)?;
    let size = u32::try_from(written).unwrap_or(0);
    if size == 0 {
        settings.warn(&CONNECTION_POOL_SIZE, |key| {
            (
                match written {
                    0 => format!(
                        "`{key}=0`, with which mod_jk refuses every request, means no limit here"
                    ),
                    _ => format!("`{key}={written}` is out of range: there is no limit"),
                },
                "Remove the line.".to_owned(),
            )
        });
    } else if size < SMALL_POOL {
        settings.warn(&CONNECTION_POOL_SIZE, |key| {
            (
                format!("`{key}={size}` is the limit of the whole server; in mod_jk it is that of one httpd process of many"),
                "Multiply it by the number of httpd processes, or remove the line: there is no limit then.".to_owned(),
            )
        });
    }
    (size > 0).then_some(size)
}

fn acquire_timeout(settings: &mut Settings<'_, '_>) -> Duration {
    let preset = Settings::preset_int(&CONNECTION_ACQUIRE_TIMEOUT);
    let preset = Duration::from_millis(u64::try_from(preset).unwrap_or(0));
    match settings.raw_int(&CONNECTION_ACQUIRE_TIMEOUT) {
        None => preset,
        Some(millis) if millis > 0 => Duration::from_millis(u64::try_from(millis).unwrap_or(0)),
        Some(millis) => {
            settings.warn(&CONNECTION_ACQUIRE_TIMEOUT, |key| {
                (
                    format!("`{key}={millis}`, with which mod_jk refuses every request, is replaced by {} ms", preset.as_millis()),
                    "Write the milliseconds that a request may wait for a connection.".to_owned(),
                )
            });
            preset
        }
    }
}

fn socket(settings: &mut Settings<'_, '_>, max_packet_size: u32) -> SocketSettings {
    SocketSettings {
        connect_timeout: connect_timeout(settings),
        timeout: some(settings.seconds(&SOCKET_TIMEOUT)),
        keepalive: settings.flag(&SOCKET_KEEPALIVE),
        buffer: socket_buffer(settings, max_packet_size),
    }
}

/// As in mod_jk `socket_timeout` counts for what has no limit of its own, where it is shorter than
/// ours: a machine that is gone shall not hold requests.
fn connect_timeout(settings: &mut Settings<'_, '_>) -> Option<Duration> {
    let instead = socket_timeout_alone(settings, &SOCKET_CONNECT_TIMEOUT);
    let own = some(settings.timeout(&SOCKET_CONNECT_TIMEOUT));
    instead
        .filter(|instead| own.is_none_or(|own| *instead < own))
        .or(own)
}

/// `None` also where `socket_timeout` limits the wait.
fn reply_timeout(settings: &mut Settings<'_, '_>) -> Option<Duration> {
    match socket_timeout_alone(settings, &REPLY_TIMEOUT) {
        Some(_) => None,
        None => some(settings.timeout(&REPLY_TIMEOUT)),
    }
}

/// `socket_timeout`, where it is written and the other is not.
fn socket_timeout_alone(settings: &Settings<'_, '_>, other: &Directive) -> Option<Duration> {
    let seconds = settings.property(&SOCKET_TIMEOUT)?.text();
    let seconds = u64::try_from(values::int(seconds)?.value).ok()?;
    let alone = seconds > 0 && !settings.is_written(other);
    alone.then(|| Duration::from_secs(seconds))
}

fn socket_buffer(settings: &mut Settings<'_, '_>, max_packet_size: u32) -> Option<u32> {
    let written = settings.count(&SOCKET_BUFFER);
    if (1..max_packet_size).contains(&written) {
        settings.warn(&SOCKET_BUFFER, |key| {
            (
                format!("`{key}={written}` is raised to max_packet_size, {max_packet_size}"),
                "Write at least max_packet_size, or remove the line.".to_owned(),
            )
        });
    }
    (written > 0).then_some(written.max(max_packet_size))
}

fn retries(settings: &mut Settings<'_, '_>) -> Retries {
    let retries = any_retries(settings);
    let zero = settings.is_written(&RETRY_INTERVAL) && retries.interval.is_zero();
    if zero && !settings.is_written(&CONNECTION_ACQUIRE_TIMEOUT) {
        settings.warn(&RETRY_INTERVAL, |key| {
            (
                format!("`{key}`: without a pause mod_jk would refuse every request; here there is just no pause"),
                "Write a pause of at least 1 ms, or connection_acquire_timeout as well.".to_owned(),
            )
        });
    }
    retries
}

/// `retries` and `retry_interval` of a worker or a balancer.
pub(super) fn any_retries(settings: &mut Settings<'_, '_>) -> Retries {
    Retries {
        attempts: settings.count(&RETRIES),
        interval: settings.millis(&RETRY_INTERVAL),
    }
}

fn recovery_options(settings: &mut Settings<'_, '_>) -> Option<RecoveryOptions> {
    let bits = settings.written_int(&RECOVERY_OPTIONS)?;
    if bits > 31 {
        settings.warn(&RECOVERY_OPTIONS, |key| {
            (
                format!("`{key}={bits}` has unknown bits: {} applies", bits & 31),
                "Write a sum of 1, 2, 4, 8 and 16.".to_owned(),
            )
        });
    }
    let bits = u32::try_from(bits).unwrap_or_default();
    Some(RecoveryOptions::from_bits(bits))
}

/// mod_jk reads 0 where an item is no number; that never matches.
fn fail_on_status(settings: &mut Settings<'_, '_>) -> Vec<i32> {
    let remedy = "Write codes such as 503, or -404 for a failure that leaves the member usable.";
    statuses(settings, &FAIL_ON_STATUS, remedy, |code| {
        (100..=999).contains(&code.abs()).then_some(code)
    })
}

/// The items that `read` takes; the others are reported.
pub(super) fn statuses<T>(
    settings: &mut Settings<'_, '_>,
    directive: &Directive,
    remedy: &str,
    read: impl Fn(i32) -> Option<T>,
) -> Vec<T> {
    let Some(list) = settings.property(directive) else {
        return Vec::new();
    };
    let mut codes = Vec::new();
    for (item, _) in list.items() {
        match values::int(item).and_then(|number| read(number.value)) {
            Some(code) => codes.push(code),
            None => settings.warn(directive, |key| {
                let what = format!("`{item}` in `{key}` is no status code and never matches");
                (what, remedy.to_owned())
            }),
        }
    }
    codes
}

fn domain(settings: &mut Settings<'_, '_>, route: &str) -> Option<Arc<str>> {
    let Some(domain) = settings.text(&DOMAIN) else {
        return route.split_once('.').map(|(domain, _)| domain.into());
    };
    if domain.contains('.') {
        settings.warn(&DOMAIN, |key| {
            (
                format!(
                    "`{key}={domain}` can never match a session: a domain ends at the first dot"
                ),
                "Choose a domain without dots.".to_owned(),
            )
        });
    }
    Some(domain.into())
}

/// `stopped` and `disabled` count only where `activation` is not written.
fn activation(settings: &mut Settings<'_, '_>) -> Activation {
    if settings.is_written(&ACTIVATION) {
        return match settings.choice(&ACTIVATION) {
            Some("disabled") => Activation::Disabled,
            Some("stopped") => Activation::Stopped,
            _ => Activation::Active,
        };
    }
    match (settings.flag(&STOPPED), settings.flag(&DISABLED)) {
        (true, _) => Activation::Stopped,
        (false, true) => Activation::Disabled,
        (false, false) => Activation::Active,
    }
}

/// Zero means none.
pub(super) fn some(duration: Duration) -> Option<Duration> {
    (!duration.is_zero()).then_some(duration)
}
