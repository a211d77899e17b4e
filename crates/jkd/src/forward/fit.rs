//! Whether a request fits a packet, asked before there is a connection for it.

use ajp13::wire::{PacketSize, TooLarge};
use bytes::BytesMut;

use super::{Destination, Forward};

/// What goes into a packet beside what a client or a variable has said, bytes: more than there is.
const REST: usize = 1024;

impl Forward<'_> {
    /// Looks whether the packet that [`write`](Self::write) makes will have this size.
    ///
    /// # Errors
    ///
    /// When the head does not fit one packet.
    pub(crate) fn fits(&self, size: PacketSize, to: &Destination<'_>) -> Result<(), TooLarge> {
        // What is written as `a:b` and an end of line takes less than twice that. Hardly any
        // request is looked at more closely.
        if 2 * self.said() + REST < size.max_packet() {
            return Ok(());
        }
        self.write(&mut BytesMut::new(), size, to)
    }

    /// How much there is that may be of any length, bytes.
    fn said(&self) -> usize {
        let said = self.indicated;
        let known = [
            said.remote_host,
            said.remote_user,
            said.auth_type,
            said.local_name,
        ];
        let known = known.into_iter().flatten().map(<[u8]>::len);
        let attributes = said.attributes.iter();
        let attributes = attributes.map(|(name, value)| name.len() + value.len() + 8);
        let tls = said.tls.as_ref().map_or(0, |tls| tls.length());
        self.head.headers.length() + self.uri.len() + tls + known.chain(attributes).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward::tests::{STANDALONE, forwarded};

    #[test]
    fn what_is_let_through_unseen_fits() {
        let size = PacketSize::DEFAULT;
        let mut unseen = 0;
        for length in (0..8200).step_by(50) {
            for count in [1, 40] {
                let value = "v".repeat(length / count);
                let names: Vec<_> = (0..count).map(|n| format!("X{n}")).collect();
                let fields: Vec<_> = names.iter().map(|name| (&**name, &*value)).collect();
                forwarded(&fields, |forward| {
                    let written = forward.write(&mut BytesMut::new(), size, &STANDALONE);
                    assert_eq!(forward.fits(size, &STANDALONE).is_ok(), written.is_ok());
                    unseen += usize::from(2 * forward.said() + REST < size.max_packet());
                });
            }
        }
        assert!((60..300).contains(&unseen), "{unseen}");
    }
}
