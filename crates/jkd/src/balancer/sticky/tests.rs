use super::SessionIds;

fn find<'a>(path: &'a str, cookies: &[&'a str]) -> SessionIds<'a> {
    SessionIds::find(
        path.as_bytes(),
        cookies.iter().map(|c| c.as_bytes()),
        ";jsessionid",
        "JSESSIONID",
    )
}

/// The routes in order; `none` when there is no id at all.
fn routes(path: &str, cookies: &[&str]) -> String {
    let ids = find(path, cookies);
    if ids.is_empty() {
        return "none".into();
    }
    let routes: Vec<_> = ids.routes().map(|r| String::from_utf8_lossy(r)).collect();
    routes.join(" ")
}

#[test]
fn the_path_comes_before_the_cookies() {
    for (path, cookie, expected) in [
        ("/x;jsessionid=1.a", "JSESSIONID=2.b", "a"),
        ("/x;jsessionid=9", "JSESSIONID=1.a", ""),
        ("/x;jsessionid=;y=1", "JSESSIONID=1.a", "none"),
        ("/x;jsessionid=", "JSESSIONID=1.a", "a"),
        ("/x;jsessionid", "JSESSIONID=1.a", "a"),
        ("/x;JSESSIONID=1.b", "JSESSIONID=1.a", "a"),
        ("/x", "", "none"),
    ] {
        assert_eq!(routes(path, &[cookie]), expected, "{path} {cookie}");
    }
}

#[test]
fn a_path_parameter_ends_where_the_next_thing_begins() {
    for (path, expected) in [
        ("/x;jsessionid=1.a.b", "a.b"),
        ("/x;jsessionid=1.a;k=v", "a"),
        ("/x;jsessionid=1.a/y", "a"),
        ("/x;jsessionid=1.a?q=;jsessionid=1.b", "a"),
        ("/x;jsessionid;jsessionid=1.b", "b"),
        ("/x;jsessionidx=1.a;jsessionid=1.b", "b"),
        ("/x;jsessionid=1.a;jsessionid=1.b", "a"),
    ] {
        assert_eq!(routes(path, &[]), expected, "{path}");
    }
}

#[test]
fn cookies() {
    for (cookie, expected) in [
        ("JSESSIONID=1.a", "a"),
        ("jsessionid=1.a", "none"),
        ("XJSESSIONID=1.a", "none"),
        ("JSESSIONIDX=1.a", "none"),
        ("JSESSIONID=\"1.a\"", "a"),
        ("JSESSIONID=\"1.a\" ; x=1", "a\" "),
        ("JSESSIONID=\"1.a", "a"),
        ("JSESSIONID=\"\"", "none"),
        ("JSESSIONID=\"", ""),
        ("JSESSIONID=", "none"),
        ("JSESSIONID=; x=1", "none"),
        ("JSESSIONID=9.zz; JSESSIONID=1.b", "zz b"),
        ("JSESSIONID=; JSESSIONID=1.b", "b"),
        ("JSESSIONID=1.a, JSESSIONID=1.b", "a b"),
        ("JSESSIONID=1.a,JSESSIONID=1.b", "a b"),
        ("x=1;JSESSIONID=1.a", "a"),
        ("x=1\tJSESSIONID \t=1.a", "a"),
        ("x=JSESSIONID=1.a", "none"),
        ("JSESSIONID x; JSESSIONID=1.b", "b"),
        ("JSESSIONIDJSESSIONID=1.b", "none"),
        ("JSESSIONID=1.2.a", "2.a"),
        ("JSESSIONID=abc.", ""),
        ("JSESSIONID=abc", ""),
        ("JSESSIONID=a JSESSIONID=1.b", "b b"),
        ("JSESSIONID= 1.a", "a"),
    ] {
        assert_eq!(routes("/", &[cookie]), expected, "{cookie}");
    }
}

#[test]
fn several_headers_are_one_list() {
    assert_eq!(routes("/", &["JSESSIONID=9.z", "JSESSIONID=1.b"]), "z b");
    assert_eq!(routes("/", &["x=1", "JSESSIONID=1.b", ""]), "b");
}

#[test]
fn other_names() {
    let ids = SessionIds::find(b"/x!sid=1.a", [&b"S=1.b"[..]], "!sid", "S");
    assert_eq!(ids.routes().next(), Some(&b"a"[..]));
    let ids = SessionIds::find(b"/x", [&b"S=1.b"[..]], "!sid", "S");
    assert_eq!(ids.routes().next(), Some(&b"b"[..]));
    // Empty names find nothing rather than everything.
    assert!(SessionIds::find(b"/=1.a", [&b"=1.b"[..]], "", "").is_empty());
}

#[test]
fn a_dot_at_the_end_names_the_empty_route() {
    let ids = find("/x", &["JSESSIONID=1.; JSESSIONID=2.a"]);
    assert_eq!(ids.routes().collect::<Vec<_>>(), [&b""[..], b"a"]);
    assert_eq!(find("/x;jsessionid=1", &[]).routes().next(), None);
}

#[test]
fn a_route_from_outside() {
    let ids = SessionIds::route(b"dom.node");
    assert_eq!(ids.routes().collect::<Vec<_>>(), [b"dom.node"]);
    assert!(SessionIds::route(b"").is_empty());
}

proptest::proptest! {
    /// Whatever a client writes, ids are parts of it and never contain a delimiter.
    #[test]
    fn hostile_cookies(header in "[JSEION=;, \"x.\t1a]{0,60}|(JSESSIONID[=;, \"1.a]{0,9}){0,6}") {
        for route in find("/", &[&header]).routes() {
            proptest::prop_assert!(!route.iter().any(|b| matches!(b, b';' | b',')));
        }
    }

    /// One cookie among others is always found.
    #[test]
    fn a_cookie_among_others(before in "[a-z]{1,5}=[a-z]{0,5}", id in "[0-9A-F]{1,9}", route in "[a-z.]{1,9}") {
        let header = format!("{before}; JSESSIONID={id}.{route}; last=1");
        proptest::prop_assert_eq!(routes("/", &[&header]), route);
    }
}
