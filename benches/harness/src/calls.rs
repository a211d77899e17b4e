//! System calls for each request, counted by the kernel while the front end is under load.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read},
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use tokio::{runtime::Handle, task::spawn_blocking, time::sleep};

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
    let ids = front.process.ids();
    let (counter, seconds) = (backend.addresses.http[0], options.seconds);
    let warm_up = timing.warm_up;
    let counted = async move {
        sleep(warm_up).await;
        let handle = Handle::current();
        spawn_blocking(move || with_perf(&ids, seconds, &handle, counter)).await?
    };
    let (outcome, counted) = tokio::join!(load, counted);
    outcome?;
    let (requests, text) = counted?;
    let mut calls = read(&text, requests)?;
    calls.peer = peer.name.into();
    calls.scenario = scenario.name.into();
    Ok(calls)
}

/// Lets perf count for so long. Returns the requests that the backend saw in that time, and what
/// perf said.
fn with_perf(
    ids: &[u32],
    seconds: f64,
    handle: &Handle,
    counter: SocketAddr,
) -> io::Result<(u64, String)> {
    let mut perf = Command::new("perf");
    perf.args(["stat", "-x", ";", "-e", ALL, "-e", SWITCH]);
    for name in NAMES {
        if Path::new(EVENTS).join(format!("sys_enter_{name}")).exists() {
            perf.arg("-e").arg(format!("syscalls:sys_enter_{name}"));
        }
    }
    let ids: Vec<_> = ids.iter().map(u32::to_string).collect();
    perf.args(["-p", &ids.join(","), "--", "sh", "-c"]);
    // perf begins to count when it starts this, and ends with it.
    perf.arg(format!("echo begin; sleep {seconds}; echo end"));
    let mut perf = perf
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let output = perf.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let requests = || {
        handle
            .block_on(backends::counts(counter))
            .map(|counts| counts.requests)
    };
    let mut seen = Vec::new();
    for line in BufReader::new(output).lines() {
        if matches!(line?.as_str(), "begin" | "end") {
            seen.push(requests()?);
        }
    }
    let mut text = String::new();
    if let Some(mut errors) = perf.stderr.take() {
        errors.read_to_string(&mut text)?;
    }
    perf.wait()?;
    match seen[..] {
        // Each question is a request, too.
        [begin, end] if end > begin + 1 => Ok((end - begin - 1, text)),
        _ => Err(io::Error::other(format!(
            "perf does not count here: {text}"
        ))),
    }
}

/// Reads what perf said: count, unit, name of the event …
fn read(text: &str, requests: u64) -> io::Result<Calls> {
    let mut calls = Calls {
        requests,
        ..Calls::default()
    };
    let mut is_counted = false;
    for line in text.lines() {
        let fields: Vec<_> = line.split(';').collect();
        let [count, _, event, ..] = fields[..] else {
            continue;
        };
        let Ok(count) = count.parse::<u32>() else {
            continue;
        };
        let each = f64::from(count) / requests as f64;
        match event {
            ALL => (calls.calls, is_counted) = (each, true),
            SWITCH => calls.switches = each,
            // Less is nothing that a request needs.
            _ if each < 0.005 => {}
            _ => {
                let name = event.trim_start_matches("syscalls:sys_enter_");
                calls.by_name.push((name.into(), each));
            }
        }
    }
    if !is_counted {
        return Err(io::Error::other(format!(
            "perf cannot count system calls here: {text}"
        )));
    }
    calls
        .by_name
        .sort_by(|one, other| other.1.total_cmp(&one.1));
    Ok(calls)
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
        let text = "4100;;raw_syscalls:sys_enter;1;100.00;;\n\
                    20;;sched:sched_switch;1;100.00;;\n\
                    1000;;syscalls:sys_enter_writev;1;100.00;;\n\
                    2000;;syscalls:sys_enter_recvfrom;1;100.00;;\n\
                    3;;syscalls:sys_enter_mmap;1;100.00;;\n\
                    <not counted>;;syscalls:sys_enter_poll;0;100.00;;\n";
        let calls = read(text, 1000).unwrap();
        assert_eq!((calls.calls, calls.switches), (4.1, 0.02));
        let expected = [("recvfrom".to_owned(), 2.0), ("writev".to_owned(), 1.0)];
        assert_eq!(calls.by_name, expected);
        assert!(read("Error: no permission", 10).is_err());
    }
}
