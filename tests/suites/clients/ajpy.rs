//! AJPy, driven by a script that prints what it got back.

use std::process::Command;

use super::container::{Container, SECRET, checksum, pattern};

/// The interpreter that sees Debian's packages, whatever else comes first in the path.
const DEBIAN_PYTHON: &str = "/usr/bin/python3";

/// Runs the script; its answer is `status reuse reason` in one line, then the body.
fn ask(container: &Container, arguments: &[&str]) -> (String, Vec<u8>) {
    let output = Command::new(DEBIAN_PYTHON)
        .args(["-c", include_str!("ajpy.py")])
        .arg(container.address.port().to_string())
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let line = output
        .stdout
        .iter()
        .position(|&byte| byte == b'\n')
        .unwrap();
    let head = String::from_utf8(output.stdout[..line].to_vec()).unwrap();
    (head, output.stdout[line + 1..].to_vec())
}

#[test]
#[ignore = "needs AJPy: run tests/run"]
fn gets() {
    let container = Container::start();
    let (head, body) = ask(&container, &["GET", "/path", "0", SECRET]);
    assert_eq!(head, "200 1 OK");
    let body = String::from_utf8(body).unwrap();
    assert!(
        body.contains("method=GET path=/path query=none version=HTTP/1.1 host=test"),
        "{body}"
    );
    let (head, body) = ask(&container, &["GET", "/download?100000", "0", SECRET]);
    assert!(
        head == "200 1 OK" && body == pattern(100_000),
        "{head}: {}",
        body.len()
    );
    assert_eq!(
        ask(&container, &["HEAD", "/download?10", "0", SECRET]),
        ("200 1 OK".into(), vec![])
    );
}

#[test]
#[ignore = "needs AJPy: run tests/run"]
fn posts() {
    let container = Container::start();
    for size in [1, 8185, 8186, 8187, 100_000] {
        let (head, body) = ask(&container, &["POST", "/count", &size.to_string(), SECRET]);
        let expected = format!(
            "bytes={size} sum={} announced=true\n",
            checksum(&pattern(size))
        );
        assert_eq!((head.as_str(), body), ("200 1 OK", expected.into_bytes()));
    }
}

#[test]
#[ignore = "needs AJPy: run tests/run"]
fn a_wrong_secret_is_refused() {
    let container = Container::start();
    for secret in ["wrong", ""] {
        let (head, _) = ask(&container, &["GET", "/", "0", secret]);
        assert_eq!(head, "403 0 Forbidden");
    }
}
