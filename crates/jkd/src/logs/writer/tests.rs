use std::fs;

use super::*;

fn file(path: &std::path::Path) -> LogTarget {
    LogTarget::File(path.to_owned())
}

fn program(command: String) -> LogTarget {
    LogTarget::Program {
        command,
        shell: true,
    }
}

fn say(sink: &Sink, lane: usize, text: &str) {
    sink.line(lane, |line| {
        line.extend_from_slice(format!("{text}\n").as_bytes());
    });
}

#[test]
fn one_name_is_one_file_and_nothing_is_lost_when_it_is_moved_away() {
    let dir = tempfile::tempdir().unwrap();
    let (path, old) = (dir.path().join("a.log"), dir.path().join("a.log.1"));
    let writer = Writer::start(2).unwrap();
    let sink = writer.open(&file(&path)).unwrap();
    assert!(Arc::ptr_eq(&sink, &writer.open(&file(&path)).unwrap()));
    for number in 0..1000 {
        say(&sink, number % 2, &format!("before {number}"));
    }
    fs::rename(&path, &old).unwrap();
    writer.reopen(writer.all());
    for number in 0..1000 {
        say(&sink, number % 2, &format!("after {number}"));
    }
    writer.close();
    let (old, new) = (
        fs::read_to_string(&old).unwrap(),
        fs::read_to_string(&path).unwrap(),
    );
    assert_eq!(old.lines().count() + new.lines().count(), 2000);
    assert!(new.contains("after 999") && old.contains("before 999"));
}

#[test]
fn a_sink_that_nobody_uses_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let writer = Writer::start(1).unwrap();
    let sink = writer.open(&file(&path)).unwrap();
    say(&sink, 0, "one");
    drop(sink);
    writer.flush();
    fs::remove_file(&path).unwrap();
    let sink = writer.open(&file(&path)).unwrap();
    say(&sink, 0, "two");
    writer.flush();
    assert_eq!(fs::read_to_string(&path).unwrap(), "two\n");
}

#[test]
fn a_program_reads_everything_before_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out");
    let writer = Writer::start(1).unwrap();
    let command = format!("sleep 0.2; cat > {}", path.display());
    let sink = writer.open(&program(command)).unwrap();
    for number in 0..20_000 {
        say(&sink, 0, &format!("line {number}"));
    }
    writer.close();
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 20_000);
}

#[test]
fn a_program_that_ends_is_started_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out");
    let writer = Writer::start(1).unwrap();
    let command = format!("head -n 1 >> {}", path.display());
    let sink = writer.open(&program(command)).unwrap();
    let lines = || {
        fs::read_to_string(&path)
            .unwrap_or_default()
            .lines()
            .count()
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    while lines() < 3 {
        assert!(Instant::now() < deadline, "{} lines", lines());
        say(&sink, 0, "line");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_program_that_does_not_read_holds_up_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let writer = Writer::start(1).unwrap();
    let mute = writer.open(&program("exec sleep 30".to_owned())).unwrap();
    let other = writer.open(&file(&path)).unwrap();
    let long = "x".repeat(1000);
    for _ in 0..5000 {
        say(&mute, 0, &long);
    }
    say(&other, 0, "here");
    writer.flush();
    assert_eq!(fs::read_to_string(&path).unwrap(), "here\n");
    writer.close();
}

#[test]
fn a_full_disk_loses_lines_and_nothing_else() {
    let writer = Writer::start(1).unwrap();
    let full = LogTarget::File("/dev/full".into());
    let sink = writer.open(&full).unwrap();
    say(&sink, 0, "lost");
    writer.flush();
    say(&sink, 0, "lost, too");
    writer.flush();
    assert!(!sink.has_any());
}
