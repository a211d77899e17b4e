use super::*;

fn verdict(method: &str, target: &str, fields: &[(&str, &str)]) -> Result<(), Refusal> {
    check(&Head::with(method, target, fields), || "http").map(|_| ())
}

fn host(value: &str) -> Result<(), Refusal> {
    verdict("GET", "/", &[("host", value)])
}

#[test]
fn one_well_formed_host_is_demanded() {
    let good = "a a:80 a.b_c-d 127.0.0.1:1 [::1] [::1]:8080 .a a. 1a -a- 999.1.1.1 1.2.3.4. \
                1.2.3.a4";
    for good in good.split(' ') {
        assert_eq!(host(good), Ok(()), "{good}");
    }
    let bad = "a/evil user@a a:80:80 [::1 a\\b a:99999 a<x> a:x [::1]x :80 a%00 a: . a..b a.. \
               a:0 a:65536 a:+1 1.2.3 1.2.3. 1 1.2.3.4.5 01.2.3.4 1.2.3.04 .1.2.3 a.1 1.2.3.4a \
               a~b";
    for bad in bad.split(' ').chain(["", "a b", "a, b"]) {
        assert_eq!(host(bad), Err(Refusal::HostSyntax), "{bad}");
    }
    assert_eq!(verdict("GET", "/", &[]), Err(Refusal::HostCount));
    let twice = [("host", "a"), ("host", "a")];
    assert_eq!(verdict("GET", "/", &twice), Err(Refusal::HostCount));
}

#[test]
fn http_1_0_may_do_without_a_host() {
    let head = Head::with("GET", "/", &[]).in_version(Version::HTTP_10);
    assert_eq!(check(&head, || "http").unwrap().target.host, None);
}

fn target(method: &str, target: &str) -> Result<(), Refusal> {
    verdict(method, target, &[("host", "a")])
}

#[test]
fn targets_have_to_make_sense() {
    let good = "/a?b http://b/a ?b http:/a http:?b HTTPS: https://b/a https://? https:///";
    for good in good.split(' ') {
        assert_eq!(target("GET", good), Ok(()), "{good}");
    }
    let bad = "* *a ftp://b/a ftp:/a example.org a:/b http:a : http:/a#b # 1://b/ https://[b/";
    for bad in bad.split(' ').chain([""]) {
        assert_eq!(target("GET", bad), Err(Refusal::Target), "{bad:?}");
    }
    let hosts = "http:// http://b:/ http://b:65536/ http://u:p@b/a https://b:x/ https://u@b/";
    for bad in hosts.split(' ') {
        assert_eq!(target("GET", bad), Err(Refusal::HostSyntax), "{bad}");
    }
    assert_eq!(target("OPTIONS", "*"), Ok(()));
    assert_eq!(target("OPTIONS", "http://b"), Ok(()));
    assert_eq!(target("TRACE", "/"), Ok(()));
}

#[test]
fn nobody_gets_a_tunnel() {
    for whom in ["a:80", "[::1]:80", ":80"] {
        assert_eq!(target("CONNECT", whom), Err(Refusal::Tunnel), "{whom}");
    }
    for nobody in "/ * a a: a:x a:+1 http://a:80/ http://a:80".split(' ') {
        assert_eq!(target("CONNECT", nobody), Err(Refusal::Target), "{nobody}");
    }
}

#[test]
fn of_another_scheme_only_the_port_counts() {
    let found = |target: &str, host: &str| {
        let head = Head::with("GET", target, &[("host", host)]);
        let checked = check(&head, || "http").unwrap();
        assert!(named(&head, &checked).is_none());
        (checked.target.host.map(str::to_owned), checked.target.port)
    };
    let a = || Some("a".to_owned());
    assert_eq!(found("https://b/x", "a"), (a(), None));
    assert_eq!(found("https://b:81/x", "a"), (a(), Some(81)));
    assert_eq!(found("https://b:81/x", "a:82"), (a(), Some(82)));
    assert_eq!(found("https://[::1]:81/x", "a"), (a(), Some(81)));
    assert_eq!(found("https://%/x", "a"), (a(), None));
    assert_eq!(found("http:/x", "a:83"), (a(), Some(83)));
    let head = Head::with("GET", "https://b/x", &[("host", "a")]);
    assert_eq!(check(&head, || "https").unwrap().target.host, Some("b"));
}

#[test]
fn the_absolute_form_names_the_host() {
    let head = Head::with("GET", "http://b:81/x", &[("host", "a:82")]);
    let expected = Target {
        host: Some("b"),
        port: Some(81),
    };
    assert_eq!(check(&head, || "http").unwrap().target, expected);
    let said = |target| renamed(Head::with("GET", target, &[("host", "a:82")]));
    assert_eq!(
        said("HTTP://B.:81/x").headers.get("host"),
        Some(&b"b:81"[..])
    );
    assert_eq!(
        said("http://[::A]/x").headers.get("host"),
        Some(&b"[::a]"[..])
    );
}
