//! What measures jkd beside other front ends: a load generator, a synthetic backend, and the floor,
//! which is the least that a front end can do.

pub mod backend;
pub mod floor;
pub mod load;
pub mod scenario;

mod input;
