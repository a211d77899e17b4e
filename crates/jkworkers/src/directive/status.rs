//! Status workers.

use super::{Directive, Preset, Scope, Section, directives};

directives! {
    STATUS_SECTION: "Status workers", "For workers of type status.";

    /// URL of a style sheet for the HTML pages.
    CSS = Directive::text("css", Scope::STATUS);

    /// Prefix of the elements in XML, with its colon. A value that begins with `-` means none.
    NS = Directive::text("ns", Scope::STATUS).mod_jk(Preset::Text("jk:"));

    /// Attribute text of the root element in XML. A value that begins with `-` means none.
    XMLNS = Directive::text("xmlns", Scope::STATUS)
        .mod_jk(Preset::Text("xmlns:jk=\"http://tomcat.apache.org\""));

    /// Text that follows the XML declaration.
    DOCTYPE = Directive::text("doctype", Scope::STATUS);

    /// What the keys of the properties form begin with.
    PREFIX = Directive::text("prefix", Scope::STATUS).mod_jk(Preset::Text("worker"));

    /// Shows everything and changes nothing.
    READ_ONLY = Directive::flag("read_only", Scope::STATUS, false);

    /// Authenticated users who may see the page, as a list. Nobody listed means everybody.
    USER = Directive::list("user", Scope::STATUS);

    /// Compares user names without regard to case.
    USER_CASE_INSENSITIVE = Directive::flag("user_case_insensitive", Scope::STATUS, false);

    /// States of members that count as good in the summary: activation and state by their first
    /// letters with a dot between, or either alone.
    GOOD = Directive::list("good", Scope::STATUS).mod_jk(Preset::Text("a.o,a.i,a.b,a.r"));

    /// States of members that count as bad in the summary; all others are degraded.
    BAD = Directive::list("bad", Scope::STATUS).mod_jk(Preset::Text("s,e"));
}
