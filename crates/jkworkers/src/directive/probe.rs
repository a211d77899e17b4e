//! How a member in error is found to work again.

use super::{Directive, Kind, Preset, Scope, Section, Unit, directives};

directives! {
    PROBE_SECTION: "Probes of members in error", "For workers of type ajp13 that are members; without effect on others. mod_jk finds out with a client's request, and has none of these.";

    /// How often a member in error is asked by a CPing of jkd's own whether it works again. 0: not
    /// at all; as in mod_jk, the first request after `recover_time` is the probe. So it is without
    /// `probe_uri` after `fail_on_status` and reply timeouts, about which a CPing says nothing.
    PROBE_INTERVAL =
        Directive::int("probe_interval", Scope::MEMBER, Unit::Seconds, 0, i32::MAX)
            .own(Preset::Int(1));

    /// Path, and perhaps query, that a probe gets over AJP after the CPing: the member is back only
    /// when the application answers it properly. Begins with `/`.
    PROBE_URI = Directive::text("probe_uri", Scope::MEMBER).own(Preset::Unset);

    /// Status codes of that answer with which the member is back.
    PROBE_STATUS =
        Directive::new("probe_status", Scope::MEMBER, Kind::Codes)
            .own(Preset::Rule("all below 400"));

    /// How long a probe may take: connect, CPing and the head of the answer together.
    PROBE_TIMEOUT =
        Directive::int("probe_timeout", Scope::MEMBER, Unit::Milliseconds, 1, i32::MAX)
            .own(Preset::Int(1000));
}
