//! Nodes that die.

use crate::rig::{Rig, secs};

/// FLT-01: killed with idle connections in the pool, and started again.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn killed_between_requests() {
    let rig = Rig::new("");
    let before = rig.warm_up();
    let load = rig.load(secs(8));
    let load = load.begin();
    load.wait_until(secs(2));
    rig.a.kill();
    load.wait_until(secs(4));
    rig.a.start();
    let back = load.elapsed();
    let report = load.finish();
    println!("killed_between_requests: before {before}\n  {report}");
    assert_eq!(report.failed(), 0, "{report}");
    let first = report.first_by('a', back).expect("the node is used again");
    println!("  back after {:?}", first - back);
    assert!(first - back < secs(5), "{report}");
}
