//! `$apr1$`: the MD5 hash that `htpasswd -m` writes. It is that of FreeBSD's `crypt` under another
//! name.

use md5::{Digest, Md5};

const MAGIC: &str = "$apr1$";

/// Hashes a password with the salt of `known`; `None` when that is no such hash.
pub(super) fn hash(password: &[u8], known: &str) -> Option<String> {
    let (salt, _) = known.strip_prefix(MAGIC)?.split_once('$')?;
    let salt = salt.get(..salt.len().min(8))?;
    let sum = stretch(password, salt.as_bytes(), mix(password, salt.as_bytes()));
    Some(format!("{MAGIC}{salt}${}", encode(&sum)))
}

type Sum = [u8; 16];

fn mix(password: &[u8], salt: &[u8]) -> Sum {
    let inner: Sum = Md5::new()
        .chain_update(password)
        .chain_update(salt)
        .chain_update(password)
        .finalize()
        .into();
    let mut outer = Md5::new();
    outer.update(password);
    outer.update(MAGIC);
    outer.update(salt);
    for part in password.chunks(inner.len()) {
        outer.update(inner.get(..part.len()).unwrap_or_default());
    }
    let mut bits = password.len();
    while bits != 0 {
        // A zero byte, or the password's first one.
        let first = password.get(..1).unwrap_or_default();
        outer.update(if bits & 1 == 1 { b"\0" } else { first });
        bits >>= 1;
    }
    outer.finalize().into()
}

/// A thousand rounds, to take time.
fn stretch(password: &[u8], salt: &[u8], mut sum: Sum) -> Sum {
    for round in 0..1000 {
        let odd = round % 2 == 1;
        let mut next = Md5::new();
        next.update(if odd { password } else { &sum });
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        next.update(if odd { &sum[..] } else { password });
        sum = next.finalize().into();
    }
    sum
}

/// In an order of its own, six bits at a time, the lowest first.
fn encode(sum: &Sum) -> String {
    const ALPHABET: &[u8] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const ORDER: [[usize; 3]; 5] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];
    let byte = |at: usize| u32::from(sum.get(at).copied().unwrap_or_default());
    let groups = ORDER.map(|[a, b, c]| (byte(a) << 16 | byte(b) << 8 | byte(c), 4));
    let mut text = String::with_capacity(22);
    for (mut bits, characters) in groups.into_iter().chain([(byte(11), 2)]) {
        for _ in 0..characters {
            let at = usize::try_from(bits & 0x3f).unwrap_or_default();
            text.extend(ALPHABET.get(at).map(|&b| char::from(b)));
            bits >>= 6;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `openssl passwd -apr1`.
    #[test]
    fn known_hashes() {
        for (password, known) in [
            ("pw", "$apr1$NS3Cv2B/$Zjt.rywxojKB0dW9TeyCo0"),
            ("", "$apr1$abcdefgh$L.PT565ESX4Tp2bqNs7Ie."),
            (
                "a password of more than sixteen bytes",
                "$apr1$x$.61V/urwpq5/FHUkybitK1",
            ),
        ] {
            assert_eq!(hash(password.as_bytes(), known).as_deref(), Some(known));
        }
        assert_eq!(hash(b"pw", "$1$abc$def"), None);
        assert_eq!(hash(b"pw", "$apr1$abc"), None);
    }
}
