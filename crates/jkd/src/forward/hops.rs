//! Fields about the client's connection, which end here (RFC 9110, section 7.6.1), and what only
//! proxies may say about earlier ones.

use std::sync::Arc;

use jkworkers::model::ForwardedFields;

use crate::http1::Fields;

/// Which fields of a request are about the connection on which it came.
pub(super) struct Hops<'a> {
    /// The fields that `Connection` names, as far as they are there.
    named: Vec<&'a [u8]>,
    /// Whether `Connection` says no more than `close` or `keep-alive`. So it goes on: mod_jk sends
    /// it, and no container acts on it.
    is_plain: bool,
    /// What rules about fields have a say in.
    ruled: &'a [Arc<str>],
    /// The fields of proxies, where they end here.
    withheld: Option<&'a ForwardedFields>,
}

impl<'a> Hops<'a> {
    /// Looks at all fields. Those that are `ruled` go on, whoever names them: rules stand above
    /// what a client says.
    pub(super) fn of(fields: &'a Fields, ruled: &'a [Arc<str>]) -> Self {
        let mut named: Vec<&[u8]> = Vec::new();
        let mut is_plain = true;
        for options in fields.get_all("connection") {
            let options = options.split(|b| *b == b',').map(<[u8]>::trim_ascii);
            for option in options.filter(|option| !is_plain_option(option)) {
                is_plain = false;
                // However long the list is, there are few fields.
                let is_there = fields.contains(option) && !is_for_all(option);
                if is_there && !named.iter().any(|other| is(other, option)) {
                    named.push(option);
                }
            }
        }
        Self {
            named,
            is_plain,
            ruled,
            withheld: None,
        }
    }

    /// The same, with the fields of proxies among them where there are some `withheld`.
    pub(super) const fn without(mut self, withheld: Option<&'a ForwardedFields>) -> Self {
        self.withheld = withheld;
        self
    }

    /// Whether a field goes no further than this.
    pub(super) fn end_here(&self, name: &[u8]) -> bool {
        // Rules of mod_remoteip do not make a stranger's word one of a proxy.
        if (self.withheld).is_some_and(|fields| fields.are_of_proxies(name)) {
            return true;
        }
        let is_one = is_hop_by_hop(name)
            || self.withheld.is_some() && is_of_proxies(name)
            || !self.is_plain && is(name, b"connection")
            || self.named.iter().any(|other| is(other, name));
        is_one && !self.ruled.iter().any(|ruled| is(name, ruled.as_bytes()))
    }
}

/// What is about a connection, or about a proxy, whether it is named or not. `Proxy` is not a field
/// of HTTP: programs take it for the variable `HTTP_PROXY`. `Transfer-Encoding` stays: it tells
/// that there is a body where no length does.
fn is_hop_by_hop(name: &[u8]) -> bool {
    match name.len() {
        2 => is(name, b"te"),
        5 => is(name, b"proxy"),
        7 => is(name, b"trailer") || is(name, b"upgrade"),
        10 => is(name, b"keep-alive"),
        16 => is(name, b"proxy-connection"),
        19 => is(name, b"proxy-authorization"),
        _ => false,
    }
}

/// What says nothing about fields.
fn is_plain_option(option: &[u8]) -> bool {
    is(option, b"keep-alive") || is(option, b"close") || option.is_empty()
}

/// What no client takes away by naming it: what frames a message, says whom it is for and who sends
/// it, and what proxies say of it.
fn is_for_all(name: &[u8]) -> bool {
    const FIELDS: [&[u8]; 9] = [
        b"authorization",
        b"cache-control",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"cookie",
        b"host",
        b"transfer-encoding",
        b"via",
    ];
    is_of_proxies(name) || FIELDS.iter().any(|field| is(name, field))
}

/// What proxies say about the connection on which a request came to them.
fn is_of_proxies(name: &[u8]) -> bool {
    const BEGIN: &[u8] = b"x-forwarded-";
    let begin = name.get(..BEGIN.len());
    begin.is_some_and(|begin| is(begin, BEGIN)) || is(name, b"forwarded") || is(name, b"x-real-ip")
}

fn is(name: &[u8], known: &[u8]) -> bool {
    name.eq_ignore_ascii_case(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names that go on, of fields with these names and this `Connection`.
    fn left<'n>(connection: &str, names: &[&'n str], ruled: &[&str]) -> Vec<&'n str> {
        let mut fields = Fields::default();
        for part in connection.split('|') {
            fields.add(b"Connection", part.as_bytes());
        }
        for name in names
            .iter()
            .filter(|name| !is(name.as_bytes(), b"connection"))
        {
            fields.add(name.as_bytes(), b"x");
        }
        let ruled: Vec<Arc<str>> = ruled.iter().map(|&name| name.into()).collect();
        let hops = Hops::of(&fields, &ruled);
        let names = names.iter().copied();
        names
            .filter(|name| !hops.end_here(name.as_bytes()))
            .collect()
    }

    #[test]
    fn what_is_about_the_connection_ends_here() {
        let hops = [
            "KEEP-ALIVE",
            "te",
            "Trailer",
            "Upgrade",
            "Proxy",
            "Proxy-Connection",
            "Proxy-Authorization",
        ];
        for connection in ["", "close", "keep-alive, Upgrade", "x"] {
            assert!(left(connection, &hops, &[]).is_empty(), "{connection}");
        }
        let others = [
            "Accept",
            "Tea",
            "Proxies",
            "Transfer-Encoding",
            "Proxy-Authenticat",
        ];
        assert_eq!(left("close, keep-alive,,", &others, &[]), others);
    }

    #[test]
    fn connection_goes_on_where_it_names_nothing() {
        for plain in [
            "close",
            "Keep-Alive",
            "keep-alive,, Close",
            "",
            "close|keep-alive",
        ] {
            assert_eq!(left(plain, &["Connection"], &[]), ["Connection"], "{plain}");
        }
        for other in ["Upgrade", "close, x", "close|x", "Host"] {
            assert!(left(other, &["connection"], &[]).is_empty(), "{other}");
        }
    }

    #[test]
    fn what_connection_names_ends_here() {
        let names = ["X-Secret", "X-Keep", "HTTP2-Settings"];
        assert_eq!(left("keep-alive, x-secret", &names, &[]), names[1..]);
        assert_eq!(
            left("Upgrade ,HTTP2-Settings| X-Secret", &names, &[]),
            ["X-Keep"]
        );
        assert_eq!(left("X-Secre, X-Secrets", &names, &[]), names);
    }

    #[test]
    fn what_is_for_all_cannot_be_named_away() {
        let names = [
            "Host",
            "Content-Length",
            "Content-Type",
            "Authorization",
            "Cookie",
            "X-Forwarded-For",
            "X-Forwarded-Anything",
            "X-Real-IP",
            "Forwarded",
        ];
        assert_eq!(left(&names.join(", "), &names, &[]), names);
    }

    #[test]
    fn strangers_do_not_speak_for_proxies() {
        let names = [
            "X-Forwarded-For",
            "x-forwarded-PROTO",
            "X-Forwarded-Anything",
            "Forwarded",
            "X-Real-IP",
            "X-Client",
            "X-Forwarded",
            "Forwarded-For",
            "X-Forwarded-User",
        ];
        let withheld = ForwardedFields {
            names: vec!["X-Client".into()],
            ..ForwardedFields::default()
        };
        let ruled: Vec<Arc<str>> = ["x-forwarded-user", "x-client"].map(Arc::from).to_vec();
        let fields = Fields::default();
        let left = |withheld| {
            let hops = Hops::of(&fields, &ruled).without(withheld);
            let names = names.iter().copied();
            names
                .filter(|name| !hops.end_here(name.as_bytes()))
                .collect::<Vec<_>>()
        };
        assert_eq!(left(None), names);
        assert_eq!(left(Some(&withheld)), names[6..]);
    }

    #[test]
    fn rules_stand_above_what_clients_name() {
        let names = ["X-User", "X-Other", "Upgrade"];
        assert_eq!(
            left("X-User, X-Other", &names, &["x-user", "UPGRADE"]),
            ["X-User", "Upgrade"]
        );
    }
}
