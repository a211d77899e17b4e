//! Balancers that chance has made, with members that fail: who is tried, in which order, and what
//! becomes of them. All with mod_jk's own rules for repeating requests.

use std::fmt::Write as _;

use crate::{
    case::{self, Case},
    chance::Chance,
    in_parallel, jkd, mod_jk,
};

const CASES: u64 = 80;

#[test]
#[ignore = "needs Apache with mod_jk: run tests/run"]
fn balancers_made_by_chance_fail_in_the_same_way() {
    let first = std::env::var("JKD_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seeds: Vec<u64> = match first {
        Some(seed) => vec![seed],
        None => (1..=CASES).collect(),
    };
    let complaints = in_parallel(&seeds, |seed| {
        let text = written(*seed);
        let case = case::read(&text).pop().expect("a case");
        let [jkd, mod_jk] = [jkd(&case), mod_jk(&case)].map(without_routes);
        let differs = case
            .steps
            .iter()
            .zip(jkd.iter().zip(&mod_jk))
            .find(|(_, (a, b))| a != b);
        differs.map_or_else(String::new, |(step, (jkd, mod_jk))| {
            let (jkd, mod_jk) = (jkd.join("\n"), mod_jk.join("\n"));
            format!(
                "\n{text}\n> {}\njkd:\n{jkd}\nmod_jk:\n{mod_jk}\n",
                step.what
            )
        })
    });
    let cases = seeds
        .iter()
        .filter_map(|seed| case::read(&written(*seed)).pop());
    let requests: usize = cases.map(|case| Case::requests(&case)).sum();
    println!("{requests} requests compared");
    assert!(complaints.is_empty(), "{complaints}");
}

/// The route that mod_jk sends is that of the first member tried: a difference of its own, which
/// also keeps equal lines apart.
fn without_routes(seen: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let step = |lines: Vec<String>| lines.iter().flat_map(|line| without_route(line)).collect();
    seen.into_iter().map(step).collect()
}

fn without_route(line: &str) -> Vec<String> {
    let (line, times) = match line.rsplit_once(" x") {
        Some((line, times)) if line.starts_with(' ') => (line, times.parse().expect("a number")),
        _ => (line, 1),
    };
    // After a domain it may be any bytes.
    let rest = line.split_once(" route=").map(|(request, rest)| {
        let activation = [" ACT", " DIS", " STP"]
            .iter()
            .find_map(|word| rest.rfind(word));
        format!("{request}{}", &rest[activation.unwrap_or(0)..])
    });
    vec![rest.unwrap_or_else(|| line.to_owned()); times]
}

#[rustfmt::skip]
const MEMBER: [&str; 16] = [
    "activation=D", "activation=S", "distance=1", "domain=d", "domain=e", "lbfactor=2", "lbfactor=5",
    "redirect=a", "redirect=b", "redirect=c", "route=x", "retries=1", "retries=3",
    "fail_on_status=503", "fail_on_status=-503", "fail_on_status=404,-500",
];

#[rustfmt::skip]
const BALANCER: [&str; 12] = [
    "sticky_session_force=1", "sticky_session=0", "method=S", "method=N", "method=B", "retries=1",
    "retries=3", "lb_retries=1", "lb_retries=3", "lb_retries=4", "error_escalation_time=0",
    "max_reply_timeouts=1",
];

const ROUTES: [&str; 8] = ["", "", "a", "b", "c", "d", "xb", "e.z"];

/// A case as text.
fn written(seed: u64) -> String {
    let mut chance = Chance(seed);
    let mut text = format!("== {seed}\n");
    let names = &["a", "b", "c", "d"][..2 + chance.below(3)];
    for name in names {
        let _ = writeln!(text, "{name}: {}", plays(&mut chance));
    }
    let options = chance.one_of(&["0", "0", "1", "2", "3", "9", "17", "27"]);
    let _ = writeln!(
        text,
        "*.recovery_options={options}\n*.reply_timeout=600\n*.retry_interval=1\nlb.retry_interval=1"
    );
    for name in names {
        for _ in 0..chance.below(3) {
            // Each has a route of its own.
            let line = chance.one_of(&MEMBER).replace("=x", &format!("=x{name}"));
            let _ = writeln!(text, "{name}.{line}");
        }
    }
    for _ in 0..chance.below(4) {
        let _ = writeln!(text, "lb.{}", chance.one_of(&BALANCER));
    }
    for _ in 0..8 {
        text += &requested(&mut chance, names);
    }
    text + "> elected\n> errors\n"
}

/// A request, and perhaps a member that changes its mind.
fn requested(chance: &mut Chance, names: &[&str]) -> String {
    let method = chance.one_of(&["GET", "GET", "POST", "HEAD"]);
    let mut text = format!("> {method} /");
    match *chance.one_of(&ROUTES) {
        "" => {}
        route => text += &format!(" | Cookie: JSESSIONID=1.{route}"),
    }
    if *method == "POST" {
        text += " | body 10";
    }
    text += "\n> states\n";
    if chance.below(4) == 0 {
        let plays = chance.one_of(&["ok", "close"]);
        text += &format!("> {} plays {plays}\n", chance.one_of(names));
    }
    text
}

fn plays(chance: &mut Chance) -> String {
    let plays: Vec<_> = (0..=chance.below(4))
        .map(|_| {
            *chance.one_of(&[
                "ok",
                "ok",
                "ok",
                "close",
                "status 503",
                "status 500",
                "status 404",
                "raw 4854545020",
                "silent",
            ])
        })
        .collect();
    if chance.below(5) == 0 {
        "refuse".to_owned()
    } else {
        plays.join(", ")
    }
}
