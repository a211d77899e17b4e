//! What concerns all workers, and what every worker has.

use super::{Directive, Preset, Scope, Section, Unit, directives};

directives! {
    GLOBAL_SECTION: "All workers", "`worker.list`, `worker.maintain` and `worker.resolve_interval` stand without a worker's name; the others are `worker.NAME.…` for a worker of any type.";

    /// The workers that exist and can be mounted, as a list of names that may be spread over
    /// several lines. Members of a balancer and templates do not belong here. A name that is
    /// listed twice counts once. A listed name without any settings is a worker of type ajp13 on
    /// `localhost:8009`.
    LIST = Directive::list("list", Scope::GLOBAL).mod_jk(Preset::Text("ajp13"));

    /// How often maintenance runs: decay of load values, recovery of members, closing of idle
    /// connections, CPings at an interval. 0 switches maintenance off.
    MAINTAIN = Directive::int("maintain", Scope::GLOBAL, Unit::Seconds, 0, i32::MAX)
        .mod_jk(Preset::Int(60));

    /// How often the names in `host` are looked up again, in the background. After a connect that
    /// failed a name is looked up at once, but not more often than once a second. Connections
    /// follow when its addresses change; when a lookup fails, those that were found before stay.
    /// 0: names are looked up when files are read, and again only as long as they were never found.
    RESOLVE_INTERVAL =
        Directive::int("resolve_interval", Scope::GLOBAL, Unit::Seconds, 0, i32::MAX)
            .own(Preset::Int(30));

    /// What the worker is: `ajp13` is one Tomcat, `lb` a balancer over several of them, `status`
    /// the status page. Upper and lower case count. `ajp12`, `ajp14` and `jni` are refused.
    TYPE = Directive::text("type", Scope::WORKER).mod_jk(Preset::Text("ajp13"));

    /// Inherits settings: the value is the beginning of other keys, such as `worker.template`, and
    /// each setting that is written for that template and not for this worker is copied.
    /// Templates may inherit in turn, up to 19 deep. The order of lines does not matter.
    REFERENCE = Directive::text("reference", Scope::WORKER);

    /// URI patterns that this worker serves, as a list: rules for the main server, as if written
    /// with JkMount. A leading `!` excludes, a leading `-` disables a pattern; the `|` shortcut of
    /// other places does not work here. Only for workers in `worker.list`.
    MOUNT = Directive::list("mount", Scope::WORKER);
}
