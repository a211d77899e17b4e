//! Packets by hand, for a member that is only half there.

use std::{io::Read as _, net::TcpStream};

/// CPong.
pub const CPONG: &[u8] = b"AB\0\x01\x09";

/// Reads the next packet of a front end: its code. `None` where there is none any more.
pub fn next_code(stream: &mut TcpStream) -> Option<u8> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).ok()?;
    let mut payload = vec![0; u16::from_be_bytes([head[2], head[3]]).into()];
    stream.read_exact(&mut payload).ok()?;
    payload.first().copied()
}
