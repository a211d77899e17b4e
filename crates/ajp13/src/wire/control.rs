/// "Are you there?": a whole packet, allowed whenever the connection is idle.
pub const CPING: [u8; 5] = [0x12, 0x34, 0, 1, 10];

/// "I am": the answer to one CPing, a whole packet. It proves that a worker thread is free, not
/// that a secret is right: a container answers it without one.
pub const CPONG: [u8; 5] = [b'A', b'B', 0, 1, 9];

/// The obsolete "stop the JVM", as a whole packet. Nobody should send it.
pub(super) const SHUTDOWN: [u8; 5] = [0x12, 0x34, 0, 1, 7];

/// A ping of a login phase that was never implemented, as a whole packet.
pub(super) const PING: [u8; 5] = [0x12, 0x34, 0, 1, 8];
