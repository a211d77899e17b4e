//! Where a Tomcat is and how it knows us.

use super::{Directive, Kind, Preset, Scope, Section, Unit, directives};

directives! {
    ADDRESS_SECTION: "Address of a Tomcat", "For workers of type ajp13, alone or as members.";

    /// Name or address of the Tomcat. IPv6 addresses are written without brackets; jkd takes them
    /// with brackets as well and warns. The port never belongs here.
    HOST = Directive::name("host", Scope::AJP).mod_jk(Preset::Text("localhost"));

    /// Port of Tomcat's AJP connector. With 0 the address is not known yet: the worker exists, but
    /// nothing is sent to it, and as a member it starts stopped. A port above 65535 is an error
    /// (mod_jk sends to another port then).
    PORT = Directive::int("port", Scope::AJP, Unit::None, 0, 65535)
        .mod_jk(Preset::Int(8009));

    /// Local address from which connections to the Tomcat are made.
    SOURCE = Directive::name("source", Scope::AJP);

    /// Where a name has several addresses, prefer the first IPv6 one to the first one.
    PREFER_IPV6 = Directive::flag("prefer_ipv6", Scope::AJP, false);

    /// The `secret` of Tomcat's AJP connector, sent with every request. On a balancer it is the
    /// secret of all members that have none of their own. A `#` in a file ends the value. Never
    /// logged and never shown.
    SECRET = Directive::new("secret", Scope::AJP.and(Scope::LB), Kind::Secret);
}
