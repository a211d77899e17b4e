//! A process that has no descriptor left for another connection.

use std::fs::File;
use std::process::Command;

use ajp13::{ErrorKind, PingPolicy, PoolOptions};

use crate::support::*;

/// Set for the copy of a test that may open few files.
const INSIDE: &str = "AJP13_FEW_FILES";

/// Runs this test once more, in a process of its own that may open few files, and says whether
/// this is it.
fn inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let output = Command::new("sh")
        .args(["-c", "ulimit -n 60 && exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{output:?}"
    );
    false
}

#[test]
fn what_is_idle_in_another_lane_serves_where_nothing_can_be_opened() {
    if !inside("lacks::what_is_idle_in_another_lane_serves_where_nothing_can_be_opened") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let backend = Backend::bind().await;
        let pool = backend.pool(PoolOptions {
            lanes: 2,
            ping: PingPolicy::NEVER,
            ..PoolOptions::default()
        });
        drop(pool.checkout_on(0).await.unwrap());
        let _peer = backend.accept().await;
        let files: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
        let conn = pool.checkout_on(1).await.unwrap();
        assert_eq!((pool.stats().opened, pool.stats().reused), (1, 1));
        let error = pool.checkout_on(0).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exhausted, "{error}");
        assert!(!error.is_silence());
        drop((files, conn));
        drop(pool.checkout_on(0).await.unwrap());
    });
}

#[cfg(unix)]
#[test]
fn a_socket_in_the_file_system_needs_a_descriptor_too() {
    if !inside("lacks::a_socket_in_the_file_system_needs_a_descriptor_too") {
        return;
    }
    let directory = std::env::temp_dir().join(format!("ajp13-lacks-{}", std::process::id()));
    let listener = std::os::unix::net::UnixListener::bind(&directory).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let pool = ajp13::Pool::new(
            ajp13::Address::Unix(directory.clone()),
            PoolOptions {
                ping: PingPolicy::NEVER,
                ..PoolOptions::default()
            },
        );
        let files: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
        let error = pool.checkout().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exhausted, "{error}");
        drop(files);
        drop(pool.checkout().await.unwrap());
    });
    drop(listener);
    std::fs::remove_file(directory).unwrap();
}
