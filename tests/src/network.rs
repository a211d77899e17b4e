//! Tests in a network of their own, of which only the loopback device is up: what they change about it
//! concerns nobody else.

use std::process::Command;

/// Set for the copy of a test that runs in the network of its own.
const INSIDE: &str = "JKD_TESTS_NETWORK";

/// Runs this test once more, in a network of its own, and says whether this is it. `test` is its
/// path. Needs root, and `unshare` and `ip`.
pub fn in_own_network(test: &str) -> bool {
    if is_in_own_network() {
        return true;
    }
    let status = Command::new("unshare")
        .args([
            "--net",
            "sh",
            "-c",
            "ip link set lo up && exec \"$0\" \"$@\"",
        ])
        .arg(std::env::current_exe().expect("a test binary"))
        .args(["--ignored", "--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .status();
    let status = status.expect("unshare runs");
    assert!(status.success(), "{test} in a network of its own: {status}");
    false
}

/// Whether this process runs there.
pub fn is_in_own_network() -> bool {
    std::env::var_os(INSIDE).is_some()
}
