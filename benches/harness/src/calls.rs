//! System calls for each request, counted by the kernel while the front end is under load.

use std::{
    collections::HashMap,
    fs, io,
    path::Path,
    process::{self, Command},
    time::Duration,
};

use tokio::{task::spawn_blocking, time::sleep};

use crate::{
    conduct::{self, Options, backends},
    load::{self, Timing},
    peer::{Peer, Start},
    record::{Calls, Line, Writer},
    scenario::Scenario,
};

/// Where the kernel lists the calls that can be counted by name.
const EVENTS: &str = "/sys/kernel/tracing/events/syscalls";

const ALL: &str = "raw_syscalls:sys_enter";
const SWITCH: &str = "sched:sched_switch";
const NAMED: &str = "syscalls:sys_enter_";

/// With what the generator sends a request.
const SENDING: &str = "sendto";

/// A request with a larger body takes several.
const ONE_CALL: usize = 16 * 1024;

/// Calls that front ends make; one that is in none of them only counts among all.
const NAMES: [&str; 42] = [
    "accept4",
    "brk",
    "clock_gettime",
    "clock_nanosleep",
    "close",
    "connect",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "fcntl",
    "futex",
    "getpid",
    "getpeername",
    "getrandom",
    "getsockname",
    "getsockopt",
    "io_uring_enter",
    "ioctl",
    "madvise",
    "mmap",
    "munmap",
    "newfstatat",
    "nanosleep",
    "openat",
    "poll",
    "ppoll",
    "read",
    "readv",
    "recvfrom",
    "recvmsg",
    "sched_yield",
    "select",
    "semop",
    "sendmsg",
    "sendto",
    "setsockopt",
    "shutdown",
    "socket",
    "times",
    "write",
    "writev",
];

/// Counts what the options name, and writes each result as soon as it is there.
///
/// # Errors
/// For names that are none, where calls cannot be counted, and when a front end does not work.
pub async fn run(options: &Options) -> io::Result<()> {
    let peers = options.peers()?;
    let scenarios = options.scenarios_or("c64")?;
    let mut writer = Writer::open(&options.out)?;
    writer.write(&Line::Machine(options.describe(&peers)))?;
    options.pin.bind()?;
    let directory = conduct::directory()?;
    let mut backends = backends::Backends::new(options.segments);
    for scenario in scenarios {
        for peer in &peers {
            let backend = backends.with(peer.packet_size).await?;
            let place = directory.path().join(peer.name);
            let calls = count(options, peer, scenario, backend, &place).await?;
            print(&calls);
            writer.write(&Line::Calls(calls))?;
        }
    }
    Ok(())
}

fn print(calls: &Calls) {
    let named: Vec<_> = (calls.by_name.iter())
        .map(|(name, count)| format!("{name} {count:.2}"))
        .collect();
    println!(
        "{:8} {:14} {:6.2} calls, {:.2} switches: {}",
        calls.scenario,
        calls.peer,
        calls.calls,
        calls.switches,
        named.join(", ")
    );
}

async fn count(
    options: &Options,
    peer: &Peer,
    scenario: &Scenario,
    backend: &backends::Running,
    place: &Path,
) -> io::Result<Calls> {
    if scenario.plan.body > ONE_CALL {
        return Err(io::Error::other(
            "such a request takes more than one call to send",
        ));
    }
    let start = Start {
        few_threads: true,
        ..options.start(backend, place)
    };
    let front = peer.start(&start).await?;
    let timing = Timing {
        warm_up: Duration::from_secs_f64(options.warm_up),
        measured: Duration::from_secs_f64(options.seconds + 2.0),
    };
    let load = load::run(front.address, &scenario.plan, timing, |_| ());
    let perf = perf(&front.process.ids(), options.seconds);
    let warm_up = timing.warm_up;
    let counted = async move {
        sleep(warm_up).await;
        spawn_blocking(move || output(perf)).await?
    };
    let (outcome, text) = tokio::join!(load, counted);
    outcome?;
    let mut calls = read(&text?, process::id())?;
    calls.peer = peer.name.into();
    calls.scenario = scenario.name.into();
    Ok(calls)
}

/// perf, which counts for so long what these processes and this one call. This one counts requests:
/// each is one call that sends.
fn perf(ids: &[u32], seconds: f64) -> Command {
    let mut perf = Command::new("perf");
    perf.args(["stat", "--per-thread", "-x", ";", "-e", ALL, "-e", SWITCH]);
    for name in NAMES {
        if Path::new(EVENTS).join(format!("sys_enter_{name}")).exists() {
            perf.arg("-e").arg(format!("{NAMED}{name}"));
        }
    }
    let own = process::id();
    let ids: Vec<_> = ids.iter().chain([&own]).map(u32::to_string).collect();
    perf.args(["-p", &ids.join(","), "--", "sleep", &seconds.to_string()]);
    perf
}

fn output(mut perf: Command) -> io::Result<String> {
    let output = perf.output()?;
    Ok(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// What perf counted.
#[derive(Debug, Default)]
struct Counts<'a> {
    /// Requests that this process has sent.
    requests: u32,
    /// By event, in all threads of the front end.
    events: HashMap<&'a str, f64>,
}

impl<'a> Counts<'a> {
    /// Reads a line for each thread and event: thread, count, unit, event …
    fn read(text: &'a str, own: u32) -> Self {
        let mut counts = Self::default();
        for line in text.lines() {
            let fields: Vec<_> = line.split(';').collect();
            let [thread, count, _, event, ..] = fields[..] else {
                continue;
            };
            let Ok(count) = count.parse::<u32>() else {
                continue;
            };
            let thread = thread
                .rsplit('-')
                .next()
                .and_then(|id| id.parse::<u32>().ok());
            if thread != Some(own) {
                *counts.events.entry(event).or_default() += f64::from(count);
            } else if event.strip_prefix(NAMED) == Some(SENDING) {
                counts.requests = count;
            }
        }
        counts
    }
}

/// What perf said, for each request.
fn read(text: &str, own: u32) -> io::Result<Calls> {
    let Counts { requests, events } = Counts::read(text, own);
    if requests == 0 || !events.contains_key(ALL) {
        return Err(io::Error::other(format!(
            "perf cannot count system calls here: {text}"
        )));
    }
    let each = |count: f64| count / f64::from(requests);
    let of = |event| each(events.get(event).copied().unwrap_or_default());
    // What is rarer is nothing that a request needs.
    let is_frequent = |call: &(String, f64)| call.1 >= 0.005;
    let mut by_name: Vec<_> = (events.iter())
        .filter_map(|(event, &count)| Some((event.strip_prefix(NAMED)?.into(), each(count))))
        .filter(is_frequent)
        .collect();
    by_name.sort_by(|one, other| other.1.total_cmp(&one.1));
    Ok(Calls {
        requests: requests.into(),
        calls: of(ALL),
        switches: of(SWITCH),
        by_name,
        ..Calls::default()
    })
}

/// Makes the kernel's list of events visible, where that was not done.
///
/// # Errors
/// When it cannot be.
pub fn prepare() -> io::Result<()> {
    if fs::exists(EVENTS)? {
        return Ok(());
    }
    let mount = ["-t", "tracefs", "none", "/sys/kernel/tracing"];
    let status = Command::new("mount").args(mount).status()?;
    let failed = || io::Error::other("there are no events of system calls here");
    status.success().then_some(()).ok_or_else(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_perf_says_is_read() {
        let text = "jkd-7;4000;;raw_syscalls:sys_enter;1;100.00;;\n\
                    jkd-bench-9;9000;;raw_syscalls:sys_enter;1;100.00;;\n\
                    jkd-8;100;;raw_syscalls:sys_enter;1;100.00;;\n\
                    jkd-7;20;;sched:sched_switch;1;100.00;;\n\
                    jkd-7;1000;;syscalls:sys_enter_sendto;1;100.00;;\n\
                    jkd-bench-9;1000;;syscalls:sys_enter_sendto;1;100.00;;\n\
                    jkd-7;2000;;syscalls:sys_enter_recvfrom;1;100.00;;\n\
                    jkd-7;3;;syscalls:sys_enter_mmap;1;100.00;;\n\
                    jkd-7;<not counted>;;syscalls:sys_enter_poll;0;100.00;;\n";
        let calls = read(text, 9).unwrap();
        assert_eq!(
            (calls.requests, calls.calls, calls.switches),
            (1000, 4.1, 0.02)
        );
        let expected = [("recvfrom".to_owned(), 2.0), ("sendto".to_owned(), 1.0)];
        assert_eq!(calls.by_name, expected);
        assert!(read("Error: no permission", 9).is_err());
    }
}
