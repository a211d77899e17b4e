//! What measures jkd beside other front ends: a load generator, a synthetic backend, the floor,
//! which is the least that a front end can do, and a conductor that starts, loads and watches them.

pub mod account;
pub mod aims;
pub mod backend;
pub mod calls;
pub mod cli;
pub mod conduct;
pub mod floor;
pub mod instructions;
pub mod load;
pub mod machine;
pub mod peer;
pub mod plot;
pub mod process;
pub mod ratio;
pub mod record;
pub mod report;
pub mod scenario;

mod input;
