//! Directives of modules that are not there and that protect something, or send requests
//! elsewhere: they are errors, because whoever wrote them relies on them.

use super::Apply;
use crate::{
    diag::Origin,
    httpd::{Node, lex},
};

/// What mod_rewrite is told in one server.
#[derive(Debug, Default)]
pub(super) struct Rewriting {
    /// `RewriteEngine On`, here or in a section.
    on: bool,
    /// Rules that would be lost, as they are written.
    rules: Vec<(Origin, String)>,
}

const TLS: &str = "Let something in front of jkd do TLS and remove the line, or put it into <IfModule \
                   ssl_module>, which only httpd reads.";
const ADDRESSES: &str = "Remove the line and the access rules for addresses of clients, or put both \
                         into <IfModule remoteip_module>, which only httpd reads.";
const METHODS: &str = "Remove the line, and let the application refuse methods.";
const REWRITING: &str = "Write it as JkMount, JkUnMount, Redirect, SetEnvIf or <Location>, or put it into \
                         <IfModule rewrite_module>, which only httpd reads.";

impl Apply<'_> {
    /// Refuses a directive that is known, not in effect, and relied on. Gives whether it does.
    pub(super) fn refuse_lost_protection(&mut self, node: &Node) -> bool {
        let words = lex::words(&node.args);
        let first = words.first().map_or("", String::as_str);
        let is = |text: &str| first.eq_ignore_ascii_case(text);
        let (what, help) = match &*node.name.to_ascii_lowercase() {
            "rewriteengine" => {
                self.rewriting().on |= is("on");
                return false;
            }
            "rewriterule" => {
                self.note_rewrite_rule(node, &words);
                return false;
            }
            "sslengine" if !is("off") => ("requests would be answered without TLS", TLS),
            "sslrequiressl" | "sslrequire" => ("requests without TLS would be answered", TLS),
            "mdrequirehttps" if !is("off") => ("requests without TLS would be answered", TLS),
            "sslverifyclient" if !is("none") => ("nobody would be asked for a certificate", TLS),
            "remoteipheader" => ("every client would have the proxy's address", ADDRESSES),
            "remoteipproxyprotocol" if is("on") => {
                ("every client would have the proxy's address", ADDRESSES)
            }
            "allowmethods" if !is("reset") => ("all methods would be allowed", METHODS),
            _ => return false,
        };
        let message = format!("{} {first}", node.name);
        let message = format!("{} is not in effect: {what}", message.trim_end());
        self.error(&node.origin, message, help);
        true
    }

    /// Tells of the rules of servers in which rewriting is switched on.
    pub(super) fn refuse_rewriting(&mut self) {
        let servers = std::mem::take(&mut self.rewriting);
        for (origin, rule) in servers.into_values().filter(|s| s.on).flat_map(|s| s.rules) {
            let message =
                format!("RewriteRule {rule} is not in effect: requests would go elsewhere");
            self.error(&origin, message, REWRITING);
        }
    }

    /// A rule that changes nothing but variables is none of these.
    fn note_rewrite_rule(&mut self, node: &Node, words: &[String]) {
        let [pattern, substitution, rest @ ..] = words else {
            return;
        };
        let flags = rest.first().map_or("", String::as_str);
        let mut names = flags.trim_matches(['[', ']']).split(',');
        let refuses = names.any(|flag| {
            let name = flag.split('=').next().unwrap_or_default().trim();
            ["F", "forbidden", "G", "gone", "R", "redirect"]
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name))
        });
        if substitution != "-" || refuses {
            let rule = format!("{pattern} {substitution} {flags}");
            let rule = (node.origin.clone(), rule.trim_end().to_owned());
            self.rewriting().rules.push(rule);
        }
    }

    fn rewriting(&mut self) -> &mut Rewriting {
        self.rewriting.entry(self.server).or_default()
    }
}
