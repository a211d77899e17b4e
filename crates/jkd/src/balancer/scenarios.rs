//! What a cluster does with requests, story by story: under mod_jk's rule with its numbers, and
//! under jkd's own where that differs.

mod scene;

use self::scene::{Rule::*, *};

/// Plays the same requests under mod_jk's rule, as with `recovery_options=0`, and under jkd's.
fn plays(
    lines: &str,
    does: &'static dyn Fn(&str) -> Does,
    requests: &[Request],
    mod_jk: &str,
    jkd: &str,
) {
    let play = |rule| Scene::new(rule, lines, does).play(requests);
    assert_eq!(play(ModJk(0)), mod_jk, "mod_jk's rule");
    assert_eq!(play(Jkd), jkd, "jkd's rule");
}

/// Only `a` does this; the others are up.
macro_rules! only_a {
    ($does:ident) => {
        &|name| if name == "a" { $does } else { Answers(200) }
    };
}

#[test]
fn members_take_turns() {
    for rule in [ModJk(0), Jkd] {
        assert_eq!(Scene::new(rule, "", &up).members(&get(""), 4), "a b a b");
    }
}

#[test]
fn a_factor_of_two_gets_twice_as_many() {
    let told = Scene::new(Jkd, "a.lbfactor=2", &up).members(&get(""), 6);
    assert_eq!(told.matches('a').count(), 4, "{told}");
    assert_eq!(told.matches('b').count(), 2, "{told}");
}

#[test]
fn a_session_finds_its_member() {
    let mut scene = Scene::new(Jkd, "", &up);
    assert_eq!(scene.members(&get("JSESSIONID=1.b"), 3), "b b b");
}

#[test]
fn the_sessions_member_refuses() {
    let owner = [get("JSESSIONID=1.a")];
    let (mod_jk, jkd) = ("a (100) a b -> 200 | ERR OK", "a b -> 200 | ERR OK");
    plays("", only_a!(Refuses), &owner, mod_jk, jkd);
}

#[test]
fn everybody_refuses() {
    let both = [get(""), get("")];
    let told = "a (100) a b (100) b (100) a (100) a b (100) b -> 503; \
        a (100) a b (100) b (100) -> 503 | ERR ERR";
    // Nobody waits for who refuses as long as another one may work, nor for who was in error.
    let jkd = "a b (100) b (100) a b -> 503; a b -> 503 | ERR ERR";
    plays("", &|_| Refuses, &both, told, jkd);
    // Eight connects in half a second, then four in 0.3 s.
    let mut scene = Scene::new(ModJk(0), "", &|_| Refuses);
    scene.play(&both[..1]);
    assert_eq!(scene.time(), 500);
    scene.play(&both[1..]);
    assert_eq!(scene.time(), 500 + 300);
}

#[test]
fn a_disabled_member_keeps_its_sessions() {
    let mut scene = Scene::new(Jkd, "a.activation=disabled", &up);
    assert_eq!(scene.members(&get(""), 3), "b b b");
    assert_eq!(scene.members(&get("JSESSIONID=1.a"), 1), "a[DIS]");
}

#[test]
fn a_stopped_member_loses_its_sessions() {
    let mut scene = Scene::new(Jkd, "a.activation=stopped", &up);
    assert_eq!(scene.members(&get("JSESSIONID=1.a"), 2), "b b");
}

#[test]
fn everybody_is_stopped() {
    let told = "(100) -> 503 | OK/IDLE OK/IDLE";
    let lines = "a.activation=stopped\nb.activation=stopped";
    for request in [get(""), get("JSESSIONID=1.a"), post()] {
        plays(lines, &up, &[request], told, told);
    }
}

#[test]
fn the_only_member_is_disabled() {
    let both = [get(""), get("JSESSIONID=1.a"), get("JSESSIONID=1.b")];
    let told = "(100) -> 503; a[DIS] -> 200; (100) -> 503 | OK";
    let lines = "lb.balance_workers=a\na.activation=disabled";
    plays(lines, &up, &both, told, told);
}

#[test]
fn forced_sessions_do_not_move() {
    let mut scene =
        Scene::new(ModJk(0), "lb.sticky_session_force=1", only_a!(Refuses)).in_error("a");
    // In error it has one more chance; b, which is up, has none.
    let told = "a (100) a (100) -> 503 | ERR OK/IDLE";
    assert_eq!(scene.play(&[get("JSESSIONID=1.a")]), told);
    assert_eq!(scene.members(&get(""), 2), "b b");
}

#[test]
fn forced_sessions_need_a_route() {
    let told = "(100) -> 503 | OK/IDLE OK/IDLE";
    for cookie in ["JSESSIONID=nodot", "JSESSIONID=1.nobody"] {
        plays("lb.sticky_session_force=1", &up, &[get(cookie)], told, told);
    }
}

#[test]
fn a_disabled_member_is_the_hot_standby() {
    let lines = "a.redirect=b\nb.activation=disabled";
    assert_eq!(Scene::new(Jkd, lines, &up).members(&get(""), 3), "a a a");
    let mut scene = Scene::new(Jkd, lines, &up).in_error("a");
    assert_eq!(scene.members(&get(""), 2), "b[DIS] b[DIS]");
    assert_eq!(scene.members(&get("JSESSIONID=1.a"), 1), "b[DIS]");
}

#[test]
fn the_domain_takes_over() {
    let lines = "lb.balance_workers=a,c,b\na.domain=d\nb.domain=d";
    let mut scene = Scene::new(Jkd, lines, &up).in_error("a");
    assert_eq!(scene.members(&get("JSESSIONID=1.a"), 3), "b b b");
}

#[test]
fn far_members_wait() {
    let lines = "a.distance=0\nb.distance=1";
    assert_eq!(Scene::new(Jkd, lines, &up).members(&get(""), 3), "a a a");
    let mut scene = Scene::new(Jkd, lines, &up).in_error("a");
    assert_eq!(scene.members(&get(""), 2), "b b");
}

#[test]
fn a_post_is_lost_with_its_connection() {
    let mod_jk = "a (100) a b -> 200 | ERR OK";
    plays(
        "",
        only_a!(Closes),
        &[post()],
        mod_jk,
        "a -> 502 | ERR OK/IDLE",
    );
    // A GET may be repeated: once.
    let mod_jk = "a (100) a b (100) b (100) a (100) a b (100) b -> 502 | ERR ERR";
    plays("", &|_| Closes, &[get("")], mod_jk, "a b -> 502 | ERR ERR");
}

#[test]
fn a_post_that_was_sent_stays_where_it_is() {
    let mut scene = Scene::new(ModJk(1), "", only_a!(Closes));
    assert_eq!(scene.play(&[post()]), "a -> 502 | ERR OK/IDLE");
}

#[test]
fn two_answers_never_become_one() {
    // mod_jk would send the heads and parts of three answers as one.
    let told = "a -> 502 | ERR OK/IDLE";
    plays("", only_a!(DiesInAnswer), &[get("")], told, told);
}

#[test]
fn an_answer_that_has_begun_is_not_repeated() {
    let mut scene = Scene::new(ModJk(2), "", only_a!(DiesInAnswer));
    assert_eq!(scene.play(&[get("")]), "a -> 502 | ERR OK/IDLE");
}

#[test]
fn nobody_answers() {
    let mod_jk = "a (100) a b (100) b (100) a (100) a b (100) b -> 504 | ERR ERR";
    plays(
        "",
        &|_| Silent,
        &[get("")],
        mod_jk,
        "a -> 504 | ERR OK/IDLE",
    );
    // Eight times 300 ms, and the pauses.
    let mut scene = Scene::new(ModJk(0), "", &|_| Silent);
    scene.play(&[get("")]);
    assert_eq!(scene.time(), 8 * 300 + 5 * 100);
}

#[test]
fn a_status_counts_as_failure() {
    let overloaded = &|name: &str| Answers(if name == "a" { 503 } else { 200 });
    let mod_jk = "a (100) a b -> 200 | ERR OK";
    let lines = "a.fail_on_status=503";
    plays(lines, overloaded, &[get("")], mod_jk, "a b -> 200 | ERR OK");
    plays(
        lines,
        overloaded,
        &[post()],
        mod_jk,
        "a -> 503 | ERR OK/IDLE",
    );
}

#[test]
fn a_status_counts_as_failure_of_nobody() {
    let lines = "a.fail_on_status=-404\nb.fail_on_status=-404";
    let missing = &|_: &str| Answers(404);
    let mod_jk = "a (100) a b (100) b (100) a (100) a b (100) b -> 503 | OK OK";
    plays(
        lines,
        missing,
        &[get("")],
        mod_jk,
        "a b (100) a b -> 503 | OK OK",
    );
    plays(lines, missing, &[post()], mod_jk, "a -> 503 | OK OK/IDLE");
}

#[test]
fn a_worker_is_full() {
    let mut scene = Scene::alone("a.busy_limit=1", &up);
    let first = scene.hold();
    assert_eq!(scene.play(&[get("")]), "-> 503 | OK/BUSY");
    drop(first);
    assert_eq!(scene.play(&[get("")]), "a -> 200 | OK");
}

#[test]
fn a_request_is_larger_than_a_packet() {
    let large = Request {
        head: 10_000,
        ..get("")
    };
    let told = "a -> 413 | OK OK/IDLE";
    plays("", &up, &[large], told, told);
}

#[test]
fn an_error_page_is_an_answer() {
    let head = Request {
        method: http::Method::HEAD,
        ..get("")
    };
    let told = "a -> 404; b -> 404 | OK OK";
    plays("", &|_| Answers(404), &[get(""), head], told, told);
}

#[test]
fn an_answer_stops_after_its_head() {
    let mut scene = Scene::new(ModJk(2), "", only_a!(Sleeps));
    assert_eq!(scene.play(&[get("")]), "a -> 504 | ERR OK/IDLE");
}

#[test]
fn an_upload_is_half_taken() {
    let told = "a -> 502 | ERR OK/IDLE";
    plays("", only_a!(AsksAndDies), &[post()], told, told);
}

#[test]
fn head_may_be_exempt_and_get_beside_it_is_not() {
    let head = Request {
        method: http::Method::HEAD,
        ..get("")
    };
    let mut scene = Scene::new(ModJk(27), "", only_a!(Closes));
    assert_eq!(scene.play(&[get("")]), "a -> 502 | ERR OK/IDLE");
    let mut scene = Scene::new(ModJk(27), "", only_a!(Closes));
    assert_eq!(scene.play(&[head]), "a (100) a b -> 200 | ERR OK");
}

#[test]
fn the_route_from_outside_comes_first() {
    let steered = Request {
        route: "b",
        ..get("JSESSIONID=1.a")
    };
    assert_eq!(Scene::new(Jkd, "", &up).members(&steered, 3), "b b b");
}

#[test]
fn a_rule_may_ignore_sessions() {
    let ignoring = Request {
        ignores_session: true,
        ..get("JSESSIONID=1.a")
    };
    assert_eq!(Scene::new(Jkd, "", &up).members(&ignoring, 2), "a b");
    // So does the balancer itself.
    let mut scene = Scene::new(Jkd, "lb.sticky_session=0", &up);
    assert_eq!(scene.members(&get("JSESSIONID=1.a"), 2), "a b");
}

#[test]
fn a_route_is_all_behind_the_first_dot() {
    let request = get("JSESSIONID=1.a.b");
    assert_eq!(Scene::new(Jkd, "", &up).members(&request, 2), "a b");
    // Before its next dot stands a domain.
    let mut scene = Scene::new(Jkd, "b.domain=a", &up);
    assert_eq!(scene.members(&request, 3), "b b b");
}

/// Three limits nest: passes of the balancer, members in a pass, tries on a member.
#[test]
fn limits() {
    for (lines, mod_jk, jkd) in [
        (
            "",
            "a (100) a b (100) b (100) a (100) a b (100) b -> 503 | ERR ERR",
            "a b (100) b (100) a b -> 503 | ERR ERR",
        ),
        (
            "lb.retries=1",
            "a (100) a b (100) b -> 503 | ERR ERR",
            "a b (100) b -> 503 | ERR ERR",
        ),
        (
            "lb.lb_retries=1",
            "a (100) a (100) b (100) b -> 503 | ERR ERR",
            "a (100) b (100) b -> 503 | ERR ERR",
        ),
        (
            "lb.lb_retries=9\nlb.retries=1",
            "a (100) a b (100) b -> 503 | ERR ERR",
            "a b (100) b -> 503 | ERR ERR",
        ),
    ] {
        plays(lines, &|_| Refuses, &[get("")], mod_jk, jkd);
    }
    let three = "lb.balance_workers=a,b,c\n";
    // The third is tried in the second pass, then all in error have another chance.
    let mod_jk = "a (100) a b (100) b (100) c (100) c a (100) a -> 503 | ERR ERR/FRC ERR/FRC";
    let jkd = "a b (100) c (100) c a -> 503 | ERR ERR/FRC ERR/FRC";
    plays(three, &|_| Refuses, &[get("")], mod_jk, jkd);
    let all = format!("{three}lb.lb_retries=3\nlb.retries=1");
    let mod_jk = "a (100) a b (100) b c (100) c -> 503 | ERR ERR ERR";
    let jkd = "a b c (100) c -> 503 | ERR ERR ERR";
    plays(&all, &|_| Refuses, &[get("")], mod_jk, jkd);
}

#[test]
fn limits_that_are_written() {
    for (lines, told) in [
        ("a.retries=1\nb.retries=1", "a b (100) a b -> 503 | ERR ERR"),
        (
            "a.retries=3\nlb.retries=1",
            "a (100) a (100) a b (100) b -> 503 | ERR ERR",
        ),
        (
            "lb.retry_interval=250\na.retry_interval=0\nb.retry_interval=-1",
            "a a b b (250) a a b b -> 503 | ERR ERR",
        ),
        (
            "lb.retries=1\nlb.lb_retries=1\na.retries=1",
            "a -> 503 | ERR OK/IDLE",
        ),
    ] {
        plays(lines, &|_| Refuses, &[get("")], told, told);
    }
}

#[test]
fn members_that_are_fine_get_a_second_try() {
    // What they sent was no AJP, which says little about them: the second pass begins anew.
    let lines = "lb.balance_workers=a,b,c\nlb.lb_retries=3\na.fail_on_status=-500\n\
        b.fail_on_status=-500\nc.fail_on_status=-500\na.retries=1\nb.retries=1\nc.retries=1";
    let told = "a b c (100) a b c -> 503 | OK OK OK";
    plays(lines, &|_| Answers(500), &[get("")], told, told);
}

#[test]
fn the_first_redirect_names_the_standby() {
    // Whatever the state of the member that has it.
    let lines = "lb.balance_workers=a,b,c,d\na.activation=stopped\na.redirect=c\nb.redirect=d\n\
        c.activation=disabled\nd.activation=disabled";
    assert_eq!(Scene::new(Jkd, lines, &up).members(&get(""), 2), "b b");
    let mut scene = Scene::new(Jkd, lines, &up).in_error("b");
    assert_eq!(scene.members(&get(""), 2), "c[DIS] c[DIS]");
    // A standby that cannot serve names its own one, or its domain takes over.
    let chain = format!("{lines}\nc.redirect=d");
    let mut scene = Scene::new(Jkd, &chain, &up).in_error("bc");
    assert_eq!(scene.members(&get(""), 2), "d[DIS] d[DIS]");
    // Without one nobody is left, whatever other members name: those in error are all there is.
    let mut scene = Scene::new(Jkd, lines, &up).in_error("bc");
    assert_eq!(scene.members(&get(""), 1), "b");
}

#[test]
fn a_session_in_a_domain_with_a_standby() {
    let lines = "lb.balance_workers=a,b,c\na.domain=d\nb.domain=d\na.redirect=c\n\
        c.activation=disabled";
    let owner = get("JSESSIONID=1.a");
    // The redirect comes before the domain, and takes its place.
    let mut scene = Scene::new(Jkd, lines, &up).in_error("a");
    assert_eq!(scene.members(&owner, 2), "c[DIS] c[DIS]");
    let mut scene = Scene::new(Jkd, &format!("{lines}\nc.activation=stopped"), &up).in_error("a");
    assert_eq!(scene.members(&owner, 2), "b b", "by value");
    // With force neither is asked.
    let mut scene = Scene::new(
        Jkd,
        &format!("{lines}\nlb.sticky_session_force=1"),
        only_a!(Refuses),
    );
    assert!(scene.play(&[owner]).contains("-> 503"));
}

#[test]
fn too_many_silent_replies() {
    let lines = "a.max_packet_size=8192\nlb.max_reply_timeouts=2\nlb.retries=1\nlb.lb_retries=1\na.retries=1";
    let owner = [get("JSESSIONID=1.a"), get("JSESSIONID=1.a")];
    let told = "a -> 504; a -> 504 | OK OK/IDLE";
    let mut scene = Scene::new(ModJk(0), lines, only_a!(Silent));
    assert_eq!(scene.play(&owner), told);
    assert_eq!(scene.play(&owner[..1]), "a -> 504 | ERR OK/IDLE");
}
