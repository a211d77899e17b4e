//! mod_remoteip's directives.

use super::{Directive, MANY, ONE, Server, Works, row};
use crate::httpd::apply::remote_ip;

pub(super) const REMOTE_IP: &[Directive] = &[
    row("RemoteIPHeader", Server, ONE, Works(remote_ip::header)),
    row(
        "RemoteIPInternalProxy",
        Server,
        MANY,
        Works(remote_ip::internal),
    ),
    row(
        "RemoteIPInternalProxyList",
        Server,
        ONE,
        Works(remote_ip::internal_list),
    ),
    row(
        "RemoteIPProxiesHeader",
        Server,
        ONE,
        Works(remote_ip::proxies_header),
    ),
    row(
        "RemoteIPTrustedProxy",
        Server,
        MANY,
        Works(remote_ip::trusted),
    ),
    row(
        "RemoteIPTrustedProxyList",
        Server,
        ONE,
        Works(remote_ip::trusted_list),
    ),
];
