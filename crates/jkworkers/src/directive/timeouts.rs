//! How long anything may take, and CPings.

use super::{Directive, Kind, Preset, Scope, Section, Unit, directives};

directives! {
    TIMEOUTS_SECTION: "Timeouts and CPings", "For workers of type ajp13, alone or as members. mod_jk waits for ever wherever nothing is written; jkd does not. Mind the units: they differ.";

    /// How long the TCP connect may take. 0 leaves it to the operating system. Where only
    /// `socket_timeout` is written, and is shorter, that applies.
    SOCKET_CONNECT_TIMEOUT =
        Directive::int("socket_connect_timeout", Scope::AJP, Unit::Milliseconds, 0, i32::MAX)
            .mod_jk(Preset::Rule("socket_timeout, in ms"))
            .jkd(Preset::Int(2000));

    /// How long a single read or write on the connection may take. 0: no limit. While the next
    /// packet of an answer is waited for `reply_timeout` counts instead, if that is written.
    SOCKET_TIMEOUT =
        Directive::int("socket_timeout", Scope::AJP, Unit::Seconds, 0, i32::MAX)
            .mod_jk(Preset::Int(0));

    /// The longest silence between two packets of an answer. A long answer is not cut off as long
    /// as it flows. 0 waits for ever. Not in effect where only `socket_timeout` is written.
    REPLY_TIMEOUT =
        Directive::int("reply_timeout", Scope::AJP, Unit::Milliseconds, 0, i32::MAX)
            .mod_jk(Preset::Int(0))
            .jkd(Preset::Int(300_000));

    /// When to ask whether the Tomcat is alive: `C` after each connect, `P` before each request,
    /// `I` on idle connections at maintenance, `A` all three. Other letters are ignored. Where
    /// neither this nor `connect_timeout` nor `prepost_timeout` is written, jkd asks after each
    /// connect, and before a request where the connection was idle for a second or more.
    PING_MODE = Directive::new("ping_mode", Scope::AJP, Kind::Letters("acip"))
        .jkd(Preset::Rule("C, and P after 1 s of idleness"));

    /// How long the CPong may take, where nothing more special is written.
    PING_TIMEOUT =
        Directive::int("ping_timeout", Scope::AJP, Unit::Milliseconds, 0, i32::MAX)
            .mod_jk(Preset::Int(10_000))
            .jkd(Preset::Rule("10000 with ping_mode, else 1000"));

    /// How long the CPong after a connect may take. Any number above 0 switches this CPing on,
    /// also without `ping_mode`. It is not the time for the connect itself: that is
    /// `socket_connect_timeout`.
    CONNECT_TIMEOUT =
        Directive::int("connect_timeout", Scope::AJP, Unit::Milliseconds, 0, i32::MAX)
            .mod_jk(Preset::Rule("ping_timeout with ping_mode C, else 0"))
            .jkd(Preset::Rule("ping_timeout with ping_mode C; 1000 where no CPing is configured at all"));

    /// How long the CPong before a request may take. Any number above 0 switches this CPing on,
    /// also without `ping_mode`. A fresh connection is only asked where `connect_timeout` is off.
    PREPOST_TIMEOUT =
        Directive::int("prepost_timeout", Scope::AJP, Unit::Milliseconds, 0, i32::MAX)
            .mod_jk(Preset::Rule("ping_timeout with ping_mode P, else 0"))
            .jkd(Preset::Rule("ping_timeout with ping_mode P; 1000 where no CPing is configured at all"));

    /// Connections that are idle for so long get a CPing at maintenance. 0 with `ping_mode` I
    /// means a hundredth of `ping_timeout`'s milliseconds, in seconds: 100 s where that is 10000.
    CONNECTION_PING_INTERVAL =
        Directive::int("connection_ping_interval", Scope::AJP, Unit::Seconds, 0, i32::MAX)
            .mod_jk(Preset::Rule("ping_timeout / 100 with ping_mode I, else 0"));
}
