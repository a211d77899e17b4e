use super::Error;

/// Codes 1 to 27 in order.
static NAMES: [&str; 27] = [
    "OPTIONS",
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "TRACE",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "ACL",
    "REPORT",
    "VERSION-CONTROL",
    "CHECKIN",
    "CHECKOUT",
    "UNCHECKOUT",
    "SEARCH",
    "MKWORKSPACE",
    "UPDATE",
    "LABEL",
    "MERGE",
    "BASELINE-CONTROL",
    "MKACTIVITY",
];

/// The code that says: the name is in the stored method attribute.
const STORED: u8 = 255;

/// A request method: a code of one byte, or a name that travels as an attribute.
///
/// Names are case-sensitive: `get` is not `GET` and travels as an attribute.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Method<'a> {
    code: u8,
    name: &'a [u8],
}

impl<'a> Method<'a> {
    /// The method of this name, coded where a code exists.
    pub fn from_name(name: &'a [u8]) -> Self {
        // GET and POST are nearly all traffic; the table is for the rest.
        let code = match name {
            b"GET" => 2,
            b"POST" => 4,
            _ => (1..)
                .zip(&NAMES)
                .find_map(|(code, known)| (known.as_bytes() == name).then_some(code))
                .unwrap_or(STORED),
        };
        Self { code, name }
    }

    /// The method of this name, sent as an attribute even where a code exists.
    pub const fn stored(name: &'a [u8]) -> Self {
        Self { code: STORED, name }
    }

    /// The name as HTTP writes it.
    pub const fn name(&self) -> &'a [u8] {
        self.name
    }

    /// The byte in the packet: 1 to 27, or 255 for a stored name.
    pub const fn code(&self) -> u8 {
        self.code
    }

    /// Whether the name travels as an attribute.
    pub const fn is_stored(&self) -> bool {
        self.code == STORED
    }

    /// What the code and the stored method attribute of a packet mean together. The attribute
    /// wins over a code, as in Tomcat.
    pub(super) fn decode(code: u8, stored: Option<&'a [u8]>) -> Result<Self, Error> {
        let coded = Self::name_of(code);
        if coded.is_none() && code != STORED {
            return Err(Error::UnknownMethod(code));
        }
        let name = stored.or(coded).ok_or(Error::NoStoredMethod)?;
        Ok(Self { code, name })
    }

    fn name_of(code: u8) -> Option<&'static [u8]> {
        let index = usize::from(code).checked_sub(1)?;
        NAMES.get(index).map(|name| name.as_bytes())
    }
}

impl std::fmt::Debug for Method<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.name.escape_ascii(), self.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_and_back() {
        for code in 1..=27 {
            let method = Method::decode(code, None).unwrap();
            assert_eq!(Method::from_name(method.name()), method);
        }
        assert_eq!(Method::from_name(b"MKACTIVITY").code(), 27);
        assert_eq!(Method::from_name(b"LOCK").code(), 13);
    }

    #[test]
    fn other_names_are_stored() {
        for name in [&b"PATCH"[..], b"CONNECT", b"get", b""] {
            assert!(Method::from_name(name).is_stored(), "{name:?}");
        }
    }

    #[test]
    fn codes_outside_the_table() {
        for code in (28..=254).chain([0]) {
            assert_eq!(
                Method::decode(code, Some(b"GET")),
                Err(Error::UnknownMethod(code))
            );
        }
        assert_eq!(Method::decode(255, None), Err(Error::NoStoredMethod));
        assert_eq!(
            Method::decode(255, Some(b"FOO")),
            Ok(Method::from_name(b"FOO"))
        );
    }

    #[test]
    fn a_stored_name_overrides_a_code() {
        assert_eq!(Method::decode(2, Some(b"FOO")).unwrap().name(), b"FOO");
    }
}
