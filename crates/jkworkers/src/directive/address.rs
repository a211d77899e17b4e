//! Where a Tomcat is and how it knows us.

use super::{Choice, Directive, Kind, Preset, Scope, Section, Unit, directives};

const RESOLVES: &[Choice] = &[
    Choice {
        name: "one",
        initials: "o",
    },
    Choice {
        name: "all",
        initials: "a",
    },
];

directives! {
    ADDRESS_SECTION: "Address of a Tomcat", "For workers of type ajp13, alone or as members.";

    /// Name or address of the Tomcat. A name is looked up again now and then, see
    /// `worker.resolve_interval` and `resolve`. IPv6 addresses are written without brackets; jkd takes them
    /// with brackets as well and warns. The port never belongs here.
    HOST = Directive::name("host", Scope::AJP).mod_jk(Preset::Text("localhost"));

    /// Port of Tomcat's AJP connector. With 0 the address is not known yet: the worker exists, but
    /// nothing is sent to it, and as a member it starts stopped. A port above 65535 is an error
    /// (mod_jk sends to another port then).
    PORT = Directive::int("port", Scope::AJP, Unit::None, 0, 65535)
        .mod_jk(Preset::Int(8009));

    /// Local address from which connections to the Tomcat are made.
    SOURCE = Directive::name("source", Scope::AJP);

    /// Where a name has several addresses, prefer its IPv6 ones. Otherwise they are tried in the
    /// resolver's order; in both cases one that has just failed is tried last.
    PREFER_IPV6 = Directive::flag("prefer_ipv6", Scope::AJP, false);

    /// What a name with several addresses is. `one`: one Tomcat; its addresses are tried one after
    /// the other. `all`: one Tomcat at each address, all on the same port, and each is a member of
    /// the balancer: those of `x` are called `x-ADDRESS`, come and go as the name changes, and have
    /// all other settings of `x`. The route of each is its address, and must be the `jvmRoute` of
    /// its Tomcat where sessions are to stick, unless `set_session_cookie` is on. With a `route` R
    /// that is not the worker's name it is `R.ADDRESS`. Without a `domain` theirs is R or `x`. What
    /// a rule says of `x` (`active=x` …) holds for each of them. As long as no address is known, `x`
    /// itself is the member. Of a name with addresses of both families the IPv4 ones count, or with
    /// `prefer_ipv6` the IPv6 ones. Only for members.
    RESOLVE =
        Directive::new("resolve", Scope::AJP, Kind::Choice(RESOLVES)).own(Preset::Text("one"));

    /// The `secret` of Tomcat's AJP connector, sent with every request. On a balancer it is the
    /// secret of all members that have none of their own. A `#` in a file ends the value. Never
    /// logged and never shown.
    SECRET = Directive::new("secret", Scope::AJP.and(Scope::LB), Kind::Secret);

    /// File whose only line is the secret, instead of `secret`: `workers.properties` may then be read by
    /// anybody. A relative name starts at `ServerRoot`, else at the directory of the first file. It is
    /// read again with the configuration. It is an error if the file is empty, if others than its
    /// owner and its group may read it, or if others than its owner may write it.
    SECRET_FILE = Directive::text("secret_file", Scope::AJP.and(Scope::LB)).own(Preset::Unset);
}
