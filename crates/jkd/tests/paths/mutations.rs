//! What a real Tomcat makes of thousands of odd requests is what jkd has made of them before: the
//! same application, path, query, fields and body, and nothing that jkd keeps from clients.

use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    thread,
    vec::IntoIter,
};

use jkd_tests::{Jkd, Tomcat, wait_until};
use jkworkers::uri_map::{self, tomcat::Connector};
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};

use crate::{
    CONNECTORS, attributes,
    plain::{self, Plain, all, latin1},
    say::say,
    settled,
    sites::{MOUNTS, SITES, Site},
    texts::mutated,
    unhex,
    witness::{Seen, WITNESS_JSP, WITNESS_XML, bytes_of, hex_of, unfinished},
};

/// How many requests, unless `JKD_MUTATIONS` says otherwise.
const COUNT: usize = 6000;

/// How many of them at once.
const AT_ONCE: usize = 80;

fn start(directory: &Path) -> (Tomcat, Jkd) {
    let mut builder = Tomcat::builder("mutations");
    for name in ["a", "b", "c"] {
        let place = directory.join(name);
        fs::create_dir_all(place.join("WEB-INF")).unwrap();
        fs::write(place.join("WEB-INF/web.xml"), WITNESS_XML).unwrap();
        fs::write(place.join("witness.jsp"), WITNESS_JSP).unwrap();
        builder = builder.application(name, place);
    }
    builder = builder
        .file("WEB-INF/web.xml", WITNESS_XML)
        .file("witness.jsp", WITNESS_JSP);
    for connector in CONNECTORS {
        builder = builder.connector(&attributes(connector));
    }
    let tomcat = builder.start();
    let (mut workers, mut sections) = (String::from("worker.list=w0,w1,w2,w3\n"), String::new());
    for (index, site) in SITES.iter().enumerate() {
        let port = tomcat.ajp[site.connector].port();
        workers += &format!("worker.w{index}.host=127.0.0.1\nworker.w{index}.port={port}\n");
        sections += &format!(
            "<VirtualHost *:*>\nServerName {}\n{}{}</VirtualHost>\n",
            site.name,
            site.options,
            MOUNTS.replace("WORKER", &format!("w{index}"))
        );
    }
    sections += "RequestReadTimeout header=10 body=10\n";
    (tomcat, crate::start(&workers, &sections))
}

fn number(variable: &str, default: usize) -> usize {
    let value = std::env::var(variable).ok();
    value.map_or(default, |value| value.parse().unwrap())
}

/// Each from an address of its own, by which it is known.
fn say_all(server: SocketAddr, texts: &[Vec<u8>]) -> BTreeMap<String, Vec<u8>> {
    let mut said = BTreeMap::new();
    for (batch, texts) in texts.chunks(AT_ONCE).enumerate() {
        thread::scope(|scope| {
            for (index, text) in texts.iter().enumerate() {
                let number = u32::try_from(batch * AT_ONCE + index + 1).unwrap();
                let own = Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 80, 0, 0)) + number);
                scope.spawn(move || say(server, own, text));
                said.insert(own.to_string(), text.clone());
            }
        });
    }
    said
}

/// The same ones for the same `JKD_SEED`.
fn texts() -> Vec<Vec<u8>> {
    let seed = u8::try_from(number("JKD_SEED", 7)).unwrap();
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
    let mutated = mutated();
    let text = |_| mutated.new_tree(&mut runner).unwrap().current();
    (0..number("JKD_MUTATIONS", COUNT)).map(text).collect()
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn tomcat_makes_of_odd_requests_what_jkd_has_made_of_them() {
    let directory = tempfile::tempdir().unwrap();
    let (tomcat, jkd) = start(directory.path());
    let texts = texts();
    let said = say_all(jkd.address, &texts);
    let file = tomcat.base().join("seen");
    let seen = || fs::read_to_string(&file).unwrap_or_default();
    wait_until("the end of all requests", || unfinished(&seen()).is_empty());
    let (mut wrong, mut executed) = (Vec::new(), BTreeMap::<String, usize>::new());
    let mut texts_of = said
        .iter()
        .map(|(client, text)| (client.clone(), plain::read(text).into_iter()))
        .collect();
    for (client, seen) in seen().lines().filter_map(Seen::read) {
        // A body that breaks off is no request for the application either.
        if seen.whole {
            *executed.entry(seen.server_name.clone()).or_default() += 1;
            wrong.extend(judge(&client, &seen, &mut texts_of).map(|reason| {
                let text = said.get(&client).map(|text| text.escape_ascii());
                format!("{reason}: {text:?}\n{seen:?}\n")
            }));
        }
    }
    assert!(wrong.is_empty(), "{}: {}", wrong.len(), wrong.join("\n"));
    let total: usize = executed.values().sum();
    assert!(total > texts.len() / 5, "{total} of {}", texts.len());
    for site in &SITES {
        assert!(executed[site.name] > texts.len() / 50, "{executed:?}");
    }
}

/// The requests of each client that have not come yet.
type Rest = BTreeMap<String, IntoIter<Plain>>;

/// What is wrong with what Tomcat has executed.
fn judge(client: &str, seen: &Seen, rest: &mut Rest) -> Option<String> {
    if let Some(path) = forbidden(seen) {
        return Some(format!("{path} cannot be reached"));
    }
    let Some(rest) = rest.get_mut(client) else {
        return Some(format!("{client} is nobody"));
    };
    let mut reasons = Vec::new();
    // Others may have been answered without Tomcat.
    let found = rest.any(|plain| {
        let reason = differs(&plain, seen);
        reasons.extend(reason);
        reason.is_none()
    });
    (!found).then(|| format!("{reasons:?}"))
}

/// What Tomcat should not have been asked for.
fn forbidden(seen: &Seen) -> Option<String> {
    let path = settled(
        &hex_of(&(seen.context.clone() + &latin1(&unhex(&seen.path)))),
        connector(seen),
    );
    let path = latin1(&unhex(&path));
    let below = |place: &str| {
        let rest = path.strip_prefix(place);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let is_open = below("/a") && seen.application == "a" || below("/b") && seen.application == "b";
    let is_kept = below("/a/private") || below("/a/guarded");
    let is_inside = path.to_ascii_uppercase().contains("/WEB-INF/");
    (!is_open || is_kept || is_inside || seen.user.is_some()).then_some(path)
}

/// The host that jkd has found. The first one is for everybody who is not known.
fn site(seen: &Seen) -> &'static Site {
    let known = SITES.iter().find(|site| site.name == seen.server_name);
    known.unwrap_or(&SITES[0])
}

fn connector(seen: &Seen) -> Connector {
    CONNECTORS[site(seen).connector]
}

/// What Tomcat has understood otherwise than the rules of HTTP have it.
fn differs(plain: &Plain, seen: &Seen) -> Option<&'static str> {
    let raw = bytes_of(if plain.path.is_empty() {
        "/"
    } else {
        &plain.path
    });
    let mapped = uri_map::normalise(&raw, site(seen).rules).map(|path| hex_of(&latin1(&path)));
    let path = hex_of(&seen.context) + &seen.path;
    let checks = [
        ("method", plain.method == seen.method),
        ("path", mapped.ok() == Some(settled(&path, connector(seen)))),
        ("query", plain.query == seen.query),
        ("body", plain.body == seen.body),
        ("fields", are_same_fields(plain, seen)),
    ];
    let wrong = checks.iter().find(|(_, right)| !right);
    wrong.map(|(what, _)| *what)
}

/// Fields that may end at jkd without anybody saying so.
const HOPS: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
];

/// Each field that came is there once, with what all of its name said, and no other.
fn are_same_fields(plain: &Plain, seen: &Seen) -> bool {
    let options = all(&plain.fields, "connection")
        .join(",")
        .to_ascii_lowercase();
    let ends =
        |name: &str| HOPS.contains(&name) || options.split(',').any(|one| one.trim() == name);
    let kept = plain
        .fields
        .iter()
        .all(|(name, _)| ends(name) || seen.fields.iter().any(|(known, _)| known == name));
    let right = seen.fields.iter().all(|(name, value)| {
        let said = all(&plain.fields, name).join(", ");
        let once = all(&seen.fields, name).len() == 1;
        let same = match &**name {
            "content-length" => said.trim_start_matches('0') == value.trim_start_matches('0'),
            // The authority of an absolute target counts instead.
            "host" => said == *value || *value == seen.server_name,
            _ => said == *value,
        };
        once && same
    });
    kept && right
}
