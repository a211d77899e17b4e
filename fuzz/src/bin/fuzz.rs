//! libFuzzer's entry: the target that the environment names.
#![no_main]

use std::sync::OnceLock;

use jkd_fuzz::Target;
use libfuzzer_sys::fuzz_target;

static TARGET: OnceLock<Target> = OnceLock::new();

fuzz_target!(
    init: {
        let name = std::env::var("JKD_FUZZ").unwrap_or_default();
        let target = jkd_fuzz::find(&name).expect("JKD_FUZZ names a target");
        let _ = TARGET.set(target);
    },
    |input: &[u8]| {
        if let Some(target) = TARGET.get() {
            (target.run)(input);
        }
    }
);
