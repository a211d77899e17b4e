use super::{
    report::{Block, Member, Shown, Value},
    *,
};

fn worker(users: &[&str], user_case_insensitive: bool) -> StatusWorker {
    StatusWorker {
        users: users.iter().map(|user| (*user).to_owned()).collect(),
        user_case_insensitive,
        ..StatusWorker::default()
    }
}

#[test]
fn the_style_sheet_is_served_from_the_same_address() {
    // The template links to it by this query alone, so that any mount will do.
    assert!(include_str!("../../templates/status.html").contains(r#"href="?css""#));
    assert_eq!(CSS_QUERY, b"css");
}

#[test]
fn a_list_of_users_lets_only_these_in() {
    assert!(admits(&worker(&[], false), None));
    let listed = worker(&["ann", "bob"], false);
    assert!(admits(&listed, Some("bob")));
    for other in [None, Some(""), Some("Bob"), Some("bo")] {
        assert!(!admits(&listed, other), "{other:?}");
    }
    assert!(admits(&worker(&["ann"], true), Some("ANN")));
}

#[test]
fn what_is_written_stays_one_line() {
    let mut text = "a\nb\n=c\u{7}\r".to_owned();
    one_line(&mut text, 2);
    assert_eq!(text, "a\nb?=c??");
}

/// Names and values that no form likes.
fn odd() -> Report<'static> {
    let text = || Field::text("route", "a\"<b>&\n\u{7}é");
    let tomcat = || {
        let number = |name, value| Field {
            name,
            value: Value::Number(value),
        };
        let numbers = ["retries", "connection_ping_interval", "last_reset_at"];
        let mut fields: Vec<_> = (1..)
            .zip(numbers)
            .map(|(n, name)| number(name, n))
            .collect();
        fields.insert(0, Field::text("name", "m"));
        fields.insert(1, text());
        fields
    };
    let flag = Field {
        name: "sticky_session",
        value: Value::Flag(true),
    };
    Report {
        server: vec![Field::text("name", "here")],
        shown: Shown::One(Block {
            name: "lb",
            is_balancer: true,
            fields: vec![Field::text("name", "lb"), flag],
            members: vec![Member {
                name: "m",
                fields: tomcat(),
            }],
            maps: vec![vec![Field::text("id", "1"), Field::text("uri", "/x")]],
        }),
        ..Report::default()
    }
}

#[test]
fn properties_stay_one_line_each() {
    let expected = "p.server_name=here\np.list=lb\np.lb.sticky_session=True\n\
        p.lb.balance_workers=m\np.m.route=a\"<b>&??é\np.m.retries=1\n\
        p.m.connection_ping_interval=2\np.lb.last_reset_at=3\np.lb.map.1.uri=/x\n\
        p.result.type=OK\np.result.message=Action finished\n";
    assert_eq!(prop::render("p", &Ok(odd())), expected);
}

#[test]
fn text_stays_one_line_each() {
    let expected = "Server: name=here\n\
        Balancer Worker: name=lb sticky_session=True\n\
        Member: name=m route=\"a\"<b>&??é\" retries=1 connection_ping_interval=2 last_reset_at=3\n\
        Map: id=1 uri=\"/x\"\nResult: type=OK message=\"Action finished\"\n";
    assert_eq!(txt::render(&Ok(odd())), expected);
}

#[test]
fn xml_is_well_formed_whatever_it_says() {
    let text = xml::render(&StatusWorker::default(), &Ok(odd()));
    let member = "      <member\n        name=\"m\"\n        route=\"a&quot;&lt;b&gt;&amp;??é\"\n\
        \x20       connection_ping_interval=\"2\"\n        retries=\"1\"\n\
        \x20       last_reset_at=\"3\"\n      />\n";
    assert!(text.contains(member), "{text}");
}

#[test]
fn json_has_values_of_their_kinds() {
    let text = json::render(&Ok(odd())).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let balancer = &value["balancers"][0];
    assert_eq!(balancer["sticky_session"], true);
    assert_eq!(balancer["members"][0]["retries"], 1);
    assert_eq!(balancer["members"][0]["route"], "a\"<b>&\n\u{7}é");
    assert_eq!(balancer["maps"][0]["uri"], "/x");
    assert_eq!(value["result"]["type"], "OK");
    let refused = json::render(&Err("No.".into())).unwrap();
    assert_eq!(
        refused,
        "{\"result\":{\"type\":\"ERROR\",\"message\":\"No.\"}}\n"
    );
}
