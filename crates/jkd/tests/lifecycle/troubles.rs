//! Logs that cannot be written, clients that do not read, and a clock that jumps.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use jkd_tests::{Backend, Jkd, LONG, raise_file_limit, try_within, wait_until};

use crate::front::{Nodes, binary, load, ms, secs, told};

/// Where Debian has it.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/// FLT-33: the disk is full, and whoever reads the log has gone.
#[test]
#[ignore = "takes a minute: run tests/run"]
fn logs_that_cannot_be_written() {
    let nodes = Nodes::new();
    let lines = "CustomLog /dev/full %U\nCustomLog \"|$exec true\" %U\nErrorLog /dev/full\n\
                 CustomLog access.log %U\n";
    let jkd = nodes.front(lines);
    let report = told("FLT-33", load(jkd.address, secs(3)).run());
    assert_eq!(report.failed(), 0, "{report}");
    assert_eq!(jkd.terminate(), 0);
    let lines = fs::read_to_string(jkd.path("access.log")).unwrap();
    assert_eq!(lines.lines().count(), report.total(), "{report}");
    let told = jkd.log().lines().count();
    assert!(told < 100, "{}", jkd.log());
}

/// FLT-33: a disk of 64 kB that something else has filled, until there is room again.
#[test]
#[ignore = "needs to mount: run tests/run"]
fn a_disk_that_has_room_again() {
    const DISK: &str = "mkdir -p disk && mount -t tmpfs -o size=64k none disk && \
        { cat /dev/zero >disk/filler 2>/dev/null; exec \"$0\" run -f jk.conf; }";
    const OWN: &str = "unshare --mount true 2>/dev/null || set -- --map-root-user; \
        exec unshare \"$@\" --mount --propagation private sh -c \"$DISK\" \"$0\"";
    let nodes = Nodes::new();
    let lines = "Listen 127.0.0.1:0\nCustomLog disk/access.log %U\n";
    let builder = nodes.front_by("sh", lines).environment("DISK", DISK);
    let jkd = builder.start(&["-c", OWN, &binary()]);
    let load = load(jkd.address, secs(5)).begin();
    jkd.wait_for_log("access.log are lost");
    let path = jkd.path("disk");
    let root = format!("/proc/{}/root", jkd.process().pid());
    let seen = Path::new(&root).join(path.strip_prefix("/").unwrap());
    let lines = || {
        fs::read_to_string(seen.join("access.log"))
            .unwrap()
            .lines()
            .count()
    };
    fs::remove_file(seen.join("filler")).unwrap();
    let before = lines();
    wait_until("lines to come again", || lines() > before + 20);
    let report = told("FLT-33, with room again", load.finish());
    assert_eq!(report.failed(), 0, "{report}");
    let lost = jkd.log().matches("are lost").count();
    assert!(lost < 10, "{}", jkd.log());
}

/// FLT-34: renamed again and again.
#[test]
#[ignore = "takes a minute: run tests/run"]
fn logs_that_are_rotated() {
    let nodes = Nodes::new();
    let jkd = nodes.front("CustomLog access.log \"<%m %U %s %{Host}i>\"\n");
    let load = load(jkd.address, secs(4)).begin();
    let log = jkd.path("access.log");
    let mut names = vec![log.clone()];
    for round in 1..=15 {
        load.wait_until(ms(250) * round);
        wait_until("the log", || log.exists());
        let old = jkd.path(&format!("access.log.{round}"));
        fs::rename(&log, &old).unwrap();
        names.push(old);
        jkd.process().signal("USR1");
    }
    let report = told("FLT-34", load.finish());
    assert_eq!(report.failed(), 0, "{report}");
    assert_eq!(jkd.terminate(), 0);
    let text: String = names.iter().flat_map(fs::read_to_string).collect();
    let is_whole = |line: &&str| line.starts_with('<') && line.ends_with(" 200 localhost>");
    let torn = text.lines().find(|line| !is_whole(line));
    assert_eq!(torn, None);
    assert_eq!(text.lines().count(), report.total());
}

/// FLT-35: the clock on the wall jumps; the time that passes does not.
#[test]
#[ignore = "needs libfaketime: run tests/run"]
fn a_clock_that_jumps() {
    assert!(Path::new(FAKETIME).exists(), "{FAKETIME} is missing");
    let nodes = Nodes::new();
    let lines = "Listen 127.0.0.1:0\nCustomLog access.log %{%Y-%m-%d}t\n";
    let builder = nodes.front_by(&binary(), lines).file("clock", "+0");
    let clock = builder.directory().join("clock");
    let jkd = builder
        .environment("LD_PRELOAD", FAKETIME)
        .environment("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap())
        .environment("FAKETIME_NO_CACHE", "1")
        .environment("DONT_FAKE_MONOTONIC", "1")
        .start(&["run", "-f", "jk.conf"]);
    let load = load(jkd.address, secs(7)).begin();
    let clocks = [
        ("-2h", None),
        ("+2h", None),
        ("@2028-02-29 23:59:59", Some("2028-03-01")),
        ("@2038-01-19 03:14:06", Some("2038-01-19")),
        ("@2026-03-29 00:59:59", Some("2026-03-29")),
    ];
    for (time, (told, stamp)) in (1..).zip(clocks) {
        load.wait_until(secs(time));
        // Whoever reads it meanwhile reads one or the other.
        jkd.write("next", told);
        fs::rename(jkd.path("next"), &clock).unwrap();
        let Some(stamp) = stamp else { continue };
        let seen = try_within(LONG, || {
            let log = fs::read_to_string(jkd.path("access.log")).unwrap();
            log.contains(stamp).then_some(())
        });
        assert!(seen.is_some(), "no {stamp} in the log");
    }
    let report = told("FLT-35", load.finish());
    assert_eq!(report.failed(), 0, "{report}");
    assert_eq!(jkd.terminate(), 0);
    assert!(!jkd.log().contains("member"), "{}", jkd.log());
}

/// FLT-32: clients that read nothing of what they have asked for hold back who sends it.
#[test]
#[ignore = "takes a minute: run tests/run"]
fn clients_that_do_not_read() {
    const READERS: usize = 1000;
    raise_file_limit();
    let (taken, asked) = (Arc::new(AtomicU64::new(0)), AtomicU64::new(0));
    let counts = taken.clone();
    let endless = Backend::start(move |exchange| {
        let flushes = asked.fetch_add(1, Relaxed) % 2 == 0;
        exchange.headers(200, &[("Content-Length", "100000000")])?;
        for _ in 0..100_000_000 / 8000 {
            exchange.chunk(&[b'x'; 8000])?;
            if flushes {
                exchange.flush()?;
            }
            counts.fetch_add(8000, Relaxed);
        }
        exchange.end(true)
    });
    let workers = format!(
        "worker.list=w\nworker.w.host=127.0.0.1\nworker.w.port={}\n\
         worker.w.connection_pool_size=1000\n",
        endless.address.port()
    );
    let jkd = Jkd::serving(&binary(), &workers, &["/*=w"]);
    let before = jkd.process().memory_kb("VmRSS");
    let readers: Vec<_> = (0..READERS)
        .map(|_| {
            let mut reader = TcpStream::connect(jkd.address).unwrap();
            reader.set_read_timeout(Some(LONG)).unwrap();
            reader
                .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                .unwrap();
            reader.read_exact(&mut [0; 100]).unwrap();
            reader
        })
        .collect();
    // Nobody takes anything any more.
    let mut last = (0, 0);
    wait_until("the backend to be held back", || {
        std::thread::sleep(ms(200));
        let now = taken.load(Relaxed);
        last = if now == last.0 {
            (now, last.1 + 1)
        } else {
            (now, 0)
        };
        last.1 >= 5
    });
    let peak = jkd.process().memory_kb("VmHWM");
    println!(
        "\nFLT-32: {before} kB before, {peak} kB at most with {READERS} clients that do not read; \
         {} kB of 29,296,875 were taken from the backend",
        taken.load(Relaxed) / 1024
    );
    // For each the block of which a part is still to be sent; not what was asked for.
    let all = peak.saturating_sub(before);
    assert!(all <= 65_536, "{all} kB for all of them");
    assert!(taken.load(Relaxed) < 30_000_000_000 / 4);
    drop(readers);
}
