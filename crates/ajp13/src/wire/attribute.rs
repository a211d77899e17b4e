use std::fmt;

use super::Error;
use super::primitive::{PacketWriter, Parsed, byte, fail, int, string};

/// Ends the list of attributes.
const END: u8 = 0xFF;
/// Introduces a free name and value.
const REQUEST_ATTRIBUTE: u8 = 10;

/// One attribute of a FORWARD_REQUEST. Values are bytes of no particular charset.
///
/// mod_jk writes them in the order secret, remote user, authentication type, query string, route,
/// certificate, cipher, session, key size, stored method, request attributes; a container takes
/// any order.
#[derive(Clone, Copy, Eq, PartialEq)]
#[non_exhaustive]
pub enum Attribute<'a> {
    /// 1: context path. Tomcat ignores it.
    Context(&'a [u8]),
    /// 2: servlet path. Tomcat ignores it.
    ServletPath(&'a [u8]),
    /// 3: the user the web server authenticated.
    RemoteUser(&'a [u8]),
    /// 4: how it did so, such as `Basic`.
    AuthType(&'a [u8]),
    /// 5: what follows the `?` of the URI. Empty means `?` followed by nothing.
    QueryString(&'a [u8]),
    /// 6: route of the chosen member of a balancer. Tomcat ignores it.
    Route(&'a [u8]),
    /// 7: certificate of the client as PEM text; its chain may follow in the same value.
    SslCert(&'a [u8]),
    /// 8: cipher suite.
    SslCipher(&'a [u8]),
    /// 9: TLS session id as hexadecimal text.
    SslSession(&'a [u8]),
    /// 10: a free name and value, such as `AJP_REMOTE_PORT`. Tomcat answers 403 to a request with
    /// a name that it neither knows nor is configured to allow.
    RequestAttribute {
        /// Name.
        name: &'a [u8],
        /// Value.
        value: &'a [u8],
    },
    /// 11: bits of the cipher's key: an integer, not text.
    SslKeySize(u16),
    /// 12: the shared secret. Never shown by `Debug`.
    Secret(&'a [u8]),
    /// 13: the name of a method without a code.
    StoredMethod(&'a [u8]),
}

impl Attribute<'_> {
    /// The byte that introduces it.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Context(_) => 1,
            Self::ServletPath(_) => 2,
            Self::RemoteUser(_) => 3,
            Self::AuthType(_) => 4,
            Self::QueryString(_) => 5,
            Self::Route(_) => 6,
            Self::SslCert(_) => 7,
            Self::SslCipher(_) => 8,
            Self::SslSession(_) => 9,
            Self::RequestAttribute { .. } => REQUEST_ATTRIBUTE,
            Self::SslKeySize(_) => 11,
            Self::Secret(_) => 12,
            Self::StoredMethod(_) => 13,
        }
    }

    /// What it is called.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Context(_) => "context",
            Self::ServletPath(_) => "servlet_path",
            Self::RemoteUser(_) => "remote_user",
            Self::AuthType(_) => "auth_type",
            Self::QueryString(_) => "query_string",
            Self::Route(_) => "route",
            Self::SslCert(_) => "ssl_cert",
            Self::SslCipher(_) => "ssl_cipher",
            Self::SslSession(_) => "ssl_session",
            Self::RequestAttribute { .. } => "req_attribute",
            Self::SslKeySize(_) => "ssl_key_size",
            Self::Secret(_) => "secret",
            Self::StoredMethod(_) => "stored_method",
        }
    }

    pub(super) fn write(&self, writer: &mut PacketWriter<'_>) {
        writer.byte(self.code());
        match *self {
            Self::SslKeySize(bits) => writer.int(bits),
            Self::RequestAttribute { name, value } => {
                writer.string(Some(name));
                writer.string(Some(value));
            }
            Self::Context(value)
            | Self::ServletPath(value)
            | Self::RemoteUser(value)
            | Self::AuthType(value)
            | Self::QueryString(value)
            | Self::Route(value)
            | Self::SslCert(value)
            | Self::SslCipher(value)
            | Self::SslSession(value)
            | Self::Secret(value)
            | Self::StoredMethod(value) => writer.string(Some(value)),
        }
    }

    pub(super) fn write_end(writer: &mut PacketWriter<'_>) {
        writer.byte(END);
    }

    /// The value as text; with the secret as it is, so mind where it goes.
    pub(crate) fn show_value(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::SslKeySize(bits) => write!(f, "{bits}"),
            Self::RequestAttribute { name, value } => {
                write!(f, "{} = {}", name.escape_ascii(), value.escape_ascii())
            }
            Self::Context(value)
            | Self::ServletPath(value)
            | Self::RemoteUser(value)
            | Self::AuthType(value)
            | Self::QueryString(value)
            | Self::Route(value)
            | Self::SslCert(value)
            | Self::SslCipher(value)
            | Self::SslSession(value)
            | Self::Secret(value)
            | Self::StoredMethod(value) => write!(f, "{}", value.escape_ascii()),
        }
    }
}

/// Writes a request attribute whose value may be null.
pub(super) fn write_request_attribute(
    name: &[u8],
    value: Option<&[u8]>,
    writer: &mut PacketWriter<'_>,
) {
    writer.byte(REQUEST_ATTRIBUTE);
    writer.string(Some(name));
    writer.string(value);
}

impl fmt::Debug for Attribute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.label())?;
        match self {
            Self::Secret(_) => f.write_str("[redacted]"),
            _ => self.show_value(f),
        }
    }
}

/// The attributes of a decoded packet: checked when it was decoded, walked as often as you like,
/// nothing allocated.
#[derive(Clone, Copy)]
pub struct Attributes<'a> {
    bytes: &'a [u8],
}

impl<'a> Attributes<'a> {
    /// The attributes in the order of the packet. One whose value is the null string counts as
    /// not sent.
    pub fn iter(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        let mut bytes = self.bytes;
        std::iter::from_fn(move || {
            loop {
                let (rest, item) = item(bytes).ok()?;
                bytes = rest;
                match item {
                    Item::End => return None,
                    Item::Null => {}
                    Item::Here(attribute) => return Some(attribute),
                }
            }
        })
    }

    /// Parses up to and including the end marker; also the last stored method.
    pub(super) fn parse<'i: 'a>(input: &'i [u8]) -> Parsed<'i, (Self, Option<&'i [u8]>)> {
        let mut rest = input;
        let mut stored = None;
        loop {
            if rest.is_empty() {
                return fail(Error::NoAttributeEnd);
            }
            let (after, item) = item(rest)?;
            rest = after;
            match item {
                Item::End => return Ok((rest, (Self { bytes: input }, stored))),
                Item::Here(Attribute::StoredMethod(name)) => stored = Some(name),
                Item::Here(_) | Item::Null => {}
            }
        }
    }
}

impl PartialEq for Attributes<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Attributes<'_> {}

impl fmt::Debug for Attributes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

enum Item<'a> {
    End,
    Here(Attribute<'a>),
    Null,
}

fn item(input: &[u8]) -> Parsed<'_, Item<'_>> {
    let (rest, code) = byte(input)?;
    match code {
        1 => text(rest, Attribute::Context),
        2 => text(rest, Attribute::ServletPath),
        3 => text(rest, Attribute::RemoteUser),
        4 => text(rest, Attribute::AuthType),
        5 => text(rest, Attribute::QueryString),
        6 => text(rest, Attribute::Route),
        7 => text(rest, Attribute::SslCert),
        8 => text(rest, Attribute::SslCipher),
        9 => text(rest, Attribute::SslSession),
        10 => request_attribute(rest),
        11 => int(rest).map(|(rest, bits)| (rest, Item::Here(Attribute::SslKeySize(bits)))),
        12 => text(rest, Attribute::Secret),
        13 => text(rest, Attribute::StoredMethod),
        END => Ok((rest, Item::End)),
        unknown => fail(Error::UnknownAttribute(unknown)),
    }
}

fn text<'a>(input: &'a [u8], make: fn(&'a [u8]) -> Attribute<'a>) -> Parsed<'a, Item<'a>> {
    let (rest, value) = string(input)?;
    Ok((
        rest,
        value.map_or(Item::Null, |value| Item::Here(make(value))),
    ))
}

fn request_attribute(input: &[u8]) -> Parsed<'_, Item<'_>> {
    let (rest, Some(name)) = string(input)? else {
        return fail(Error::NullAttributeName);
    };
    text_pair(rest, name)
}

fn text_pair<'a>(input: &'a [u8], name: &'a [u8]) -> Parsed<'a, Item<'a>> {
    let (rest, value) = string(input)?;
    let attribute = value.map(|value| Attribute::RequestAttribute { name, value });
    Ok((rest, attribute.map_or(Item::Null, Item::Here)))
}

#[cfg(test)]
mod tests {
    use super::super::primitive::run;
    use super::*;

    fn parse(bytes: &[u8]) -> Result<Vec<Attribute<'_>>, Error> {
        run(Attributes::parse(bytes)).map(|(_, (attributes, _))| attributes.iter().collect())
    }

    #[test]
    fn key_size_is_an_integer() {
        let list = parse(b"\x0b\x01\x00\x05\x00\x01q\x00\xff").unwrap();
        assert_eq!(
            list,
            [Attribute::SslKeySize(256), Attribute::QueryString(b"q")]
        );
    }

    #[test]
    fn null_values_count_as_not_sent() {
        assert_eq!(
            parse(b"\x0c\xff\xff\x0a\x00\x01n\x00\xff\xff\xff"),
            Ok(vec![])
        );
        assert_eq!(
            parse(b"\x05\x00\x00\x00\xff"),
            Ok(vec![Attribute::QueryString(b"")])
        );
    }

    #[test]
    fn malformed_lists() {
        assert_eq!(parse(b""), Err(Error::NoAttributeEnd));
        assert_eq!(parse(b"\x05\x00\x01q\x00"), Err(Error::NoAttributeEnd));
        assert_eq!(parse(b"\x05\x00\x01"), Err(Error::Truncated));
        assert_eq!(parse(b"\x00\xff"), Err(Error::UnknownAttribute(0)));
        assert_eq!(parse(b"\x0e\xff"), Err(Error::UnknownAttribute(14)));
        assert_eq!(
            parse(b"\x0a\xff\xff\x00\x00\x00\xff"),
            Err(Error::NullAttributeName)
        );
    }

    #[test]
    fn the_secret_is_not_shown() {
        let shown = format!("{:?}", Attribute::Secret(b"hush"));
        assert_eq!(shown, "secret: [redacted]");
        assert_eq!(
            format!("{:?}", Attribute::SslKeySize(128)),
            "ssl_key_size: 128"
        );
    }
}
