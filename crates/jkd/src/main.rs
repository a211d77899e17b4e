//! The `jkd` binary.

fn main() {}
