//! Every kind of hash that `htpasswd` writes, and what the system's `crypt` knows besides.

mod apr1;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

/// Whether a password is the one of a hash. As in httpd a hash that is none is no password either:
/// nobody gets in with clear text from the file.
pub(super) fn is_right(password: &[u8], hash: &str) -> bool {
    if let Some(sha) = hash.strip_prefix("{SHA}") {
        let own = STANDARD.encode(Sha1::digest(password));
        return is_same(&own, sha);
    }
    if hash.starts_with("$apr1$") {
        return apr1::hash(password, hash).is_some_and(|own| is_same(&own, hash));
    }
    if hash.starts_with("$2") {
        return is_bcrypt(password, hash);
    }
    if hash.starts_with("$5$") {
        pwhash::sha256_crypt::verify(password, hash)
    } else if hash.starts_with("$6$") {
        pwhash::sha512_crypt::verify(password, hash)
    } else if hash.starts_with("$1$") {
        pwhash::md5_crypt::verify(password, hash)
    } else {
        hash.len() == DES && pwhash::unix_crypt::verify(password, hash)
    }
}

/// The length of a hash of the first `crypt`: two characters of salt and eleven more.
const DES: usize = 13;

/// `$2y$` and its sisters differ in what old programs did wrong.
fn is_bcrypt(password: &[u8], hash: &str) -> bool {
    let end = password.iter().position(|&b| b == 0);
    let password = end.map_or(password, |end| password.get(..end).unwrap_or_default());
    bcrypt::verify(password, hash).unwrap_or(false)
}

fn is_same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by htpasswd for the password `pw`.
    const HASHES: [&str; 7] = [
        "$apr1$NS3Cv2B/$Zjt.rywxojKB0dW9TeyCo0",
        "$2y$05$AoEPrdKytAwm5VKYEetuNeL0/QyLsolV2Kbioc7m72vgq/PWBvr12",
        "{SHA}GpHWL3ymc5liWkNopqtdSjuqYHM=",
        "okPIWjDymOJmU",
        "$5$zswuBz3yaNLOgIt5$Jclj/XcU8rkMVKNsWGE7qtXaOa.JgsZclRwy0LAKE47",
        "$6$2/ha7eGnlAppi67U$5BF.I6sjXjlOc5VVt19I4m4OuaxlqM3x0l8cPRiaIth01qDa3vVqULuP9n5sZq7vmJDvjVPxmmN62K3u/.c4T1",
        "$1$abcdefgh$IQtUouv7y7Q9dRWkQEPCc.",
    ];

    #[test]
    fn every_kind_of_hash() {
        for hash in HASHES {
            assert!(is_right(b"pw", hash), "{hash}");
            for wrong in ["", "pw ", "PW", "pw1"] {
                assert!(!is_right(wrong.as_bytes(), hash), "{wrong} {hash}");
            }
        }
    }

    #[test]
    fn what_is_no_hash_is_no_password() {
        for text in [
            "pw",
            "",
            "$",
            "$2",
            "$2y$",
            "$2y$99$x",
            "$5$",
            "$6$rounds=x$",
            "$apr1$",
            "$1$",
            "{SHA}",
            "{sha}GpHWL3ymc5liWkNopqtdSjuqYHM=",
            "{SHA}GpHWL3ymc5liWkNopqtdSjuqYHM= ",
            "*",
        ] {
            assert!(!is_right(b"pw", text), "{text}");
            assert!(!is_right(text.as_bytes(), text), "{text}");
        }
    }
}
