//! Files that nobody writes: they take time and memory in proportion to their size.

use std::{fmt::Write, time::Duration};

use super::memory::Memory;

const LINES: usize = 20_000;
/// Far more than any of these takes, and far less than work that grows with the square.
const ENOUGH: Duration = Duration::from_secs(30);
const WORKERS: &str = "worker.list=a\nworker.a.port=8009\n";

/// Loads, and gives the findings as text.
fn load(config: &str, workers: &str, map: &str) -> String {
    let config = format!("Listen 80\nJkWorkersFile w\nJkMount /* a\n{config}");
    let files = [
        ("/etc/jk.conf", &*config),
        ("/etc/w", workers),
        ("/etc/u", map),
    ];
    let begin = worked();
    let loaded = Memory::new(&files).load();
    let text = loaded.diagnostics.to_string();
    let took = worked().saturating_sub(begin);
    assert!(took < ENOUGH, "it took {took:?}");
    text
}

/// How long this thread has had a processor: what others do on the machine does not count.
/// Where the system does not tell, what the clock says.
fn worked() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|told| told.split(' ').next()?.parse().ok());
    let clock = || std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    nanoseconds.map_or_else(clock, Duration::from_nanos)
}

/// A text for each number, one after the other.
fn many(line: impl Fn(usize) -> String) -> String {
    (0..LINES).fold(String::new(), |mut text, n| {
        writeln!(text, "{}", line(n)).unwrap();
        text
    })
}

#[test]
fn a_joined_value_is_not_shown_in_full_by_each_line() {
    let dup = many(|_| "worker.a.distance=1".to_owned());
    let said = load("", &format!("{WORKERS}{dup}"), "");
    assert!(said.len() < 500 * LINES, "{} bytes", said.len());
}

#[test]
fn many_names_are_handled_one_by_one() {
    let forgotten = many(|n| format!("worker.w{n}.reference=worker.t{n}\nworker.t{n}.port=1"));
    let said = load("", &format!("{WORKERS}{forgotten}"), "");
    assert!(said.contains("`w19999` is neither"));
    let unknown = many(|n| format!("worker.w{n}.reference=worker.t{n}"));
    let said = load("", &format!("{WORKERS}{unknown}"), "");
    assert!(said.contains("no key begins with `worker.t19999.`"));
}

#[test]
fn many_members_with_lost_redirects() {
    let lines =
        (0..9000).map(|n| format!("worker.a.balance_workers=w{n}\nworker.w{n}.redirect=v{n}\n"));
    let lines: String = lines.collect();
    let said = load("", &format!("worker.list=a\nworker.a.type=lb\n{lines}"), "");
    assert!(said.contains("is the route of no member"));
    assert!(said.len() < 500 * LINES, "{} bytes", said.len());
}

#[test]
fn many_mounts_of_workers_that_do_not_exist() {
    let listed = (0..3000).map(|n| format!("worker.list=c{n}\nworker.c{n}.port=9\n"));
    let workers: String = std::iter::once(WORKERS.to_owned()).chain(listed).collect();
    let said = load(&many(|n| format!("JkMount /a{n} b{n}")), &workers, "");
    assert!(said.contains("The workers in worker.list are: a, c0, "));
    assert!(said.contains(" and 2981 more."));
    assert!(said.len() < 700 * LINES, "{} bytes", said.len());
}

#[test]
fn many_rules_in_a_mount_file() {
    let said = load("JkMountFile u", WORKERS, &many(|n| format!("/a{n}=a")));
    assert_eq!(said, "");
}

#[test]
fn sections_in_sections_in_sections() {
    let open = many(|_| "<RequireAny>\nRequire local".to_owned());
    let close = many(|_| "</RequireAny>".to_owned());
    let nested = format!("<Location /x>\n{open}Require all granted\n{close}</Location>");
    let said = load(&nested, WORKERS, "");
    assert!(
        said.contains("jk.conf:203: error: sections are nested more than 100 deep"),
        "{said}"
    );
    assert_eq!(said.matches("error").count(), 1);
}

#[test]
fn variables_that_multiply() {
    let lines = (0..60).map(|n| format!("Define v{} ${{v{n}}}${{v{n}}}\n", n + 1));
    let bomb: String = std::iter::once("Define v0 ha\n".to_owned())
        .chain(lines)
        .collect();
    let said = load(&bomb, WORKERS, "");
    assert!(
        said.contains("error: the variables of all lines put in too much text"),
        "{said}"
    );
}
