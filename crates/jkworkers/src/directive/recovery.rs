//! What happens when an attempt fails.

use super::{Directive, Kind, Preset, Scope, Section, Unit, directives};

directives! {
    RECOVERY_SECTION: "Retries and failures", "`retries` and `retry_interval` are for workers of type ajp13 and lb, the others for ajp13.";

    /// On an ajp13 worker: attempts to send one request to this Tomcat. On a balancer: passes over
    /// its members. The first attempt counts, so 1 means no second one.
    RETRIES =
        Directive::int("retries", Scope::AJP.and(Scope::LB), Unit::None, 1, i32::MAX)
            .mod_jk(Preset::Int(2));

    /// The pause before each further attempt or pass. Negative: no pause. In mod_jk 0 on an ajp13
    /// worker also makes `connection_acquire_timeout` 0, and so refuses every request; here it
    /// means no pause.
    RETRY_INTERVAL =
        Directive::int("retry_interval", Scope::AJP.and(Scope::LB), Unit::Milliseconds, i32::MIN, i32::MAX)
            .mod_jk(Preset::Int(100));

    /// When a request must not be sent again, as a sum of bits. 1: once the request was sent. 2:
    /// once the answer's header was received. 4: close the connection hard when the client goes
    /// away, so that the servlet notices. 8: in spite of 1, HEAD may be sent again. 16: the same
    /// for GET. Where it is not written, jkd sends nothing a second time that may have had an
    /// effect; any number, 0 included, asks for mod_jk's rule, except that two answers are never
    /// spliced into one.
    RECOVERY_OPTIONS =
        Directive::int("recovery_options", Scope::AJP, Unit::None, 0, i32::MAX)
            .mod_jk(Preset::Int(0))
            .jkd(Preset::Rule("the safe rule"));

    /// Status codes of the Tomcat that count as failures: the answer is withheld, the request may
    /// go elsewhere, and the client gets 503 when nothing helps. A positive code also puts the
    /// member in error, a negative one does not.
    FAIL_ON_STATUS = Directive::new("fail_on_status", Scope::AJP, Kind::Codes);

    /// Requests in flight above which the worker takes no more. 0: no limit.
    BUSY_LIMIT =
        Directive::int("busy_limit", Scope::AJP, Unit::None, 0, i32::MAX)
            .mod_jk(Preset::Int(0));
}
