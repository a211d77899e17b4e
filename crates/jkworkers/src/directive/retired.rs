//! Old names, and directives that no longer do anything.

use super::{Directive, Kind, Scope, Section, Standing, Unit, directives};

const fn ignored(name: &'static str) -> Directive {
    Directive::text(name, Scope::WORKER).standing(Standing::Ignored)
}

const fn old_int(name: &'static str, by: &'static str, unit: Unit) -> Directive {
    Directive::int(name, Scope::AJP, unit, 0, i32::MAX).standing(Standing::Alias(by))
}

directives! {
    RETIRED_SECTION: "Retired directives", "All are accepted with a warning.";

    /// Old name of `connection_pool_size`.
    CACHESIZE = old_int("cachesize", "connection_pool_size", Unit::None);

    /// Old name of `connection_pool_timeout`.
    CACHE_TIMEOUT = old_int("cache_timeout", "connection_pool_timeout", Unit::Seconds);

    /// Old name of `balance_workers`; read only where that is missing.
    BALANCED_WORKERS = Directive::list("balanced_workers", Scope::LB)
        .standing(Standing::Alias("balance_workers"));

    /// Old name of `route`.
    JVM_ROUTE = Directive::name("jvm_route", Scope::MEMBER).standing(Standing::Alias("route"));

    /// Old form of `activation=disabled`; read only where `activation` is missing.
    DISABLED = Directive::flag("disabled", Scope::MEMBER, false)
        .standing(Standing::Superseded("activation"));

    /// Old form of `activation=stopped`; read only where `activation` is missing, and before
    /// `disabled`.
    STOPPED = Directive::flag("stopped", Scope::MEMBER, false)
        .standing(Standing::Superseded("activation"));

    /// Was the idle time of connections; use `connection_pool_timeout`.
    RECYCLE_TIMEOUT = Directive::int("recycle_timeout", Scope::WORKER, Unit::Seconds, 0, i32::MAX)
        .standing(Standing::Ignored);

    /// Was a balancer's preference for one member; use `distance`.
    LOCAL_WORKER = Directive::flag("local_worker", Scope::WORKER, false).standing(Standing::Ignored);

    /// Was a balancer's preference for one member; use `distance`.
    LOCAL_WORKER_ONLY = Directive::flag("local_worker_only", Scope::WORKER, false)
        .standing(Standing::Ignored);

    /// Login key of the ajp14 protocol, which is refused; for ajp13 write `secret`.
    SECRETKEY = Directive::new("secretkey", Scope::WORKER, Kind::Secret)
        .standing(Standing::Ignored);

    /// Was for Tomcat inside the web server (jni).
    BRIDGE = ignored("bridge");

    /// Was for Tomcat inside the web server (jni).
    CLASS_PATH = ignored("class_path");

    /// Was for Tomcat inside the web server (jni).
    CMD_LINE = ignored("cmd_line");

    /// Was for Tomcat inside the web server (jni).
    JVM_LIB = ignored("jvm_lib");

    /// Was for Tomcat inside the web server (jni).
    LD_PATH = ignored("ld_path");

    /// Was for Tomcat inside the web server (jni).
    MS = ignored("ms");

    /// Was for Tomcat inside the web server (jni).
    MX = ignored("mx");

    /// Was for Tomcat inside the web server (jni).
    NATIVE_LIB = ignored("native_lib");

    /// Was for Tomcat inside the web server (jni).
    STDERR = ignored("stderr");

    /// Was for Tomcat inside the web server (jni).
    STDOUT = ignored("stdout");

    /// Was for Tomcat inside the web server (jni).
    SYSPROPS = ignored("sysprops");
}
