//! `JkOptions`.

use super::{Apply, Call};
use crate::{diag::nearest, httpd::draft::OptionBits, model::ForwardUri};

/// `JkOptions [+|-]option …`
pub(in crate::httpd) fn options(apply: &mut Apply<'_>, call: &Call<'_>) {
    for word in call.words {
        let (on, name) = match word.strip_prefix('-') {
            Some(name) => (false, name),
            None => (true, word.strip_prefix('+').unwrap_or(word)),
        };
        apply.option(on, name, call);
    }
}

impl Apply<'_> {
    fn option(&mut self, on: bool, name: &str, call: &Call<'_>) {
        let known = OPTIONS
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        match known {
            Some(&(_, Bit(bit))) => self.server().options.say(bit, on),
            Some(&(known, Collapse)) => {
                let message =
                    format!("JkOptions {known} has no effect: slashes are always collapsed");
                self.tell_once(&message, call.origin, message.clone());
            }
            Some(&(known, Uri(_))) if !on => {
                let message = format!("JkOptions: -{known} is not allowed");
                self.error(
                    call.origin,
                    message,
                    "Write the one that you want; the last one wins.",
                );
            }
            Some(&(_, Uri(form))) => self.server().forward_uri = Some(form),
            None => self.refuse_option(name, call),
        }
    }

    fn refuse_option(&mut self, name: &str, call: &Call<'_>) {
        let names = || OPTIONS.iter().map(|(name, _)| *name);
        let help = match nearest(name, names()) {
            Some(known) => format!("Did you mean {known}?"),
            None => format!("Write one of {}.", names().collect::<Vec<_>>().join(", ")),
        };
        let message = format!("JkOptions: Illegal option '{name}'");
        self.error(call.origin, message, help);
    }
}

#[derive(Clone, Copy)]
enum Meaning {
    /// On or off.
    Bit(OptionBits),
    /// One of several: the last one that a server writes counts.
    Uri(ForwardUri),
    /// Without an effect.
    Collapse,
}

use Meaning::{Bit, Collapse, Uri};

const OPTIONS: &[(&str, Meaning)] = &[
    ("CollapseSlashesAll", Collapse),
    ("CollapseSlashesNone", Collapse),
    ("CollapseSlashesUnmount", Collapse),
    ("DisableReuse", Bit(OptionBits::DISABLE_REUSE)),
    ("FlushHeader", Bit(OptionBits::FLUSH_HEADER)),
    ("FlushPackets", Bit(OptionBits::FLUSH_PACKETS)),
    ("ForwardDirectories", Bit(OptionBits::DIRECTORIES)),
    ("ForwardKeySize", Bit(OptionBits::KEY_SIZE)),
    ("ForwardLocalAddress", Bit(OptionBits::LOCAL)),
    ("ForwardPhysicalAddress", Bit(OptionBits::PHYSICAL)),
    ("ForwardSSLCertChain", Bit(OptionBits::CERT_CHAIN)),
    ("ForwardURICompat", Uri(ForwardUri::Compat)),
    ("ForwardURICompatUnparsed", Uri(ForwardUri::CompatUnparsed)),
    ("ForwardURIEscaped", Uri(ForwardUri::Escaped)),
    ("ForwardURIProxy", Uri(ForwardUri::Proxy)),
    ("RejectUnsafeURI", Bit(OptionBits::REJECT_UNSAFE)),
];
