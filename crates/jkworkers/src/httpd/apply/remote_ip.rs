//! mod_remoteip: proxies in front, and what they say about clients.

use super::{Apply, Call};
use crate::{
    access::parse_net,
    diag::{Diagnostics, Origin},
    httpd::lex,
    model::{ForwardedHeaders, Proxies},
};

/// `RemoteIPHeader field`
pub(in crate::httpd) fn header(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.server().remote_ip.header = Some(call.first().into());
}

/// `RemoteIPProxiesHeader field`
pub(in crate::httpd) fn proxies_header(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.server().remote_ip.proxies_header = Some(call.first().into());
}

/// `RemoteIPInternalProxy address …`
pub(in crate::httpd) fn internal(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.add_proxies(call, true);
}

/// `RemoteIPTrustedProxy address …`
pub(in crate::httpd) fn trusted(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.add_proxies(call, false);
}

/// `RemoteIPInternalProxyList file`
pub(in crate::httpd) fn internal_list(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.add_list(call, true);
}

/// `RemoteIPTrustedProxyList file`
pub(in crate::httpd) fn trusted_list(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.add_list(call, false);
}

/// `JkdForwardedHeaders all|none|trusted`: jkd's own.
pub(in crate::httpd) fn forwarded(apply: &mut Apply<'_>, call: &Call<'_>) {
    let all = [
        ForwardedHeaders::All,
        ForwardedHeaders::None,
        ForwardedHeaders::Trusted,
    ];
    let word = |known: &ForwardedHeaders| known.text().eq_ignore_ascii_case(call.first());
    let said = all.into_iter().find(word);
    if said.is_none() {
        let message = format!("JkdForwardedHeaders {} says nothing", call.first());
        let help = "Write all, none or trusted.";
        apply.error(call.origin, message, help);
    }
    apply.server().remote_ip.headers = said;
}

impl Apply<'_> {
    fn add_proxies(&mut self, call: &Call<'_>, internal: bool) {
        for word in call.words {
            let net = read(word, call.origin, &mut self.diagnostics);
            let proxies = net.map(|net| Proxies { net, internal });
            self.server().remote_ip.proxies.extend(proxies);
        }
    }

    fn add_list(&mut self, call: &Call<'_>, internal: bool) {
        let path = self.path(call.first());
        let list = (path, internal, call.origin.clone());
        self.server().remote_ip.lists.push(list);
    }
}

/// The addresses of a list: one or more on a line, `#` begins a comment.
pub(crate) fn read_list(
    (name, text): (&str, &str),
    internal: bool,
    found: &mut Diagnostics,
) -> Vec<Proxies> {
    let mut proxies = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let origin = Origin::new(name, number);
        let words = lex::words(line).into_iter();
        for word in words.take_while(|word| !word.starts_with('#')) {
            let net = read(&word, &origin, found);
            proxies.extend(net.map(|net| Proxies { net, internal }));
        }
    }
    proxies
}

fn read(text: &str, origin: &Origin, found: &mut Diagnostics) -> Option<crate::model::Net> {
    match parse_net(text) {
        Ok(net) => Some(net),
        Err(bad) => {
            let message = format!("the proxy {text}: {bad}");
            found
                .error(origin, message)
                .help(format!("{}.", bad.remedy()));
            None
        }
    }
}
