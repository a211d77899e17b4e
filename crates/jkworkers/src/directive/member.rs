//! What a balancer wants to know about its members.

use super::{Choice, Directive, Kind, Preset, Scope, Section, Unit, directives};

const ACTIVATIONS: &[Choice] = &[
    Choice {
        name: "active",
        initials: "a0",
    },
    Choice {
        name: "disabled",
        initials: "d1",
    },
    Choice {
        name: "stopped",
        initials: "s2",
    },
];

directives! {
    MEMBER_SECTION: "Members of a balancer", "For workers of type ajp13 that are members; without effect on others.";

    /// Share of the load: a member with 2 gets twice as much as one with 1. Whole numbers only.
    LBFACTOR =
        Directive::int("lbfactor", Scope::MEMBER, Unit::None, 1, i32::MAX)
            .mod_jk(Preset::Int(1));

    /// Preference: members with a smaller number get everything as long as one of them is usable.
    /// Written twice, the first value counts.
    DISTANCE =
        Directive::int("distance", Scope::MEMBER, Unit::None, i32::MIN, i32::MAX)
            .mod_jk(Preset::Int(0));

    /// What stands behind the first dot of this Tomcat's session ids: the `jvmRoute` of its
    /// Engine. Unique within a balancer.
    ROUTE = Directive::name("route", Scope::MEMBER).mod_jk(Preset::Rule("the worker's name"));

    /// Group of members that share sessions: where a session's own member fails, members of its
    /// domain are preferred.
    DOMAIN = Directive::name("domain", Scope::MEMBER)
        .mod_jk(Preset::Rule("the part of route before its first dot, if there is one"));

    /// Route of the member that takes over when this one fails.
    REDIRECT = Directive::name("redirect", Scope::MEMBER);

    /// Whether the member serves: active, disabled (only its own sessions) or stopped (nothing).
    /// The first letter or the number decides.
    ACTIVATION = Directive::new("activation", Scope::MEMBER, Kind::Choice(ACTIVATIONS))
        .mod_jk(Preset::Text("active"));
}
