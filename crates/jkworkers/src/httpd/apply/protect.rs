//! Directives of modules that are not there and that protect something: they are errors, because whoever wrote them relies on them.

use super::Apply;
use crate::httpd::{Node, lex};

const TLS: &str = "Write SSLRequireSSL into <Location />.";
const EXPRESSION: &str = "Write SSLRequireSSL, SSLVerifyClient or Require instead.";
const ADDRESSES: &str = "Remove the line, and let the proxy write addresses into a field, which RemoteIPHeader \
                         names.";
impl Apply<'_> {
    /// Refuses a directive that is known, not in effect, and relied on. Gives whether it does.
    pub(super) fn refuse_lost_protection(&mut self, node: &Node) -> bool {
        let words = lex::words(&node.args);
        let first = words.first().map_or("", String::as_str);
        let is = |text: &str| first.eq_ignore_ascii_case(text);
        let (what, help) = match &*node.name.to_ascii_lowercase() {
            "sslrequire" => ("requests that it forbids would be answered", EXPRESSION),
            "mdrequirehttps" if !is("off") => ("requests without TLS would be answered", TLS),
            "remoteipproxyprotocol" if is("on") => {
                ("every client would have the proxy's address", ADDRESSES)
            }
            _ => return false,
        };
        let message = format!("{} {first}", node.name);
        let message = format!("{} is not in effect: {what}", message.trim_end());
        self.error(&node.origin, message, help);
        true
    }
}
