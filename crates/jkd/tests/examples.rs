//! Debian's tomcat10-examples through the real binary: servlets, JSPs, sessions, asynchronous
//! answers, static files.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail anywhere"
)]

use jkd_tests::{Answer, Http, Jkd, Request, Tomcat};

const BINARY: &str = env!("CARGO_BIN_EXE_jkd");
const EXAMPLES: &str = "/usr/share/tomcat10-examples/examples";

/// The application, and jkd in front of it.
struct Site {
    http: Http,
    jkd: Jkd,
    _tomcat: Tomcat,
}

impl Site {
    fn open() -> Self {
        let tomcat = Tomcat::builder("tomcat1")
            .connector(r#"secret="a secret of the tests""#)
            .application("examples", EXAMPLES)
            .start();
        let workers = format!(
            "worker.list=lb\nworker.lb.type=lb\nworker.lb.balance_workers=tomcat1\n\
             worker.tomcat1.type=ajp13\nworker.tomcat1.host=127.0.0.1\nworker.tomcat1.port={}\n\
             worker.tomcat1.secret=a secret of the tests\n",
            tomcat.address().port()
        );
        let jkd = Jkd::serving(BINARY, &workers, &["/examples/*=lb", "/examples=lb"]);
        Self {
            http: jkd.http(),
            jkd,
            _tomcat: tomcat,
        }
    }

    #[track_caller]
    fn page(&mut self, path: &str) -> Answer {
        let answer = self.http.get(&format!("/examples{path}"));
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer
    }

    #[track_caller]
    fn shows(&mut self, path: &str, text: &str) {
        let page = self.page(path).text();
        assert!(page.contains(text), "no {text:?} in {path}:\n{page}");
    }

    fn post(&mut self, path: &str, form: &str) -> Answer {
        let (path, mut body) = (format!("/examples{path}"), form.as_bytes());
        let length = u64::try_from(form.len()).unwrap();
        let request = Request::new("POST", &path)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(&mut body, Some(length));
        self.http.send(request)
    }
}

#[test]
#[ignore = "needs tomcat10-examples: run tests/run examples"]
fn servlets() {
    let mut site = Site::open();
    site.shows("/servlets/servlet/HelloWorldExample", "Hello World!");
    let info = site
        .page("/servlets/servlet/RequestInfoExample/more?x=1")
        .text();
    for fact in [
        "GET",
        "/examples/servlets/servlet/RequestInfoExample/more",
        "HTTP/1.1",
        "127.0.0.1",
    ] {
        assert!(info.contains(fact), "no {fact} in\n{info}");
    }
    let request = Request::new("GET", "/examples/servlets/servlet/RequestHeaderExample")
        .header("X-Odd", "one; two=\"three\"")
        .header("Accept", "text/html");
    let headers = site.http.send(request).text().to_lowercase();
    assert!(
        headers.contains("x-odd") && headers.contains("one; two=&quot;three&quot;"),
        "{headers}"
    );
    assert!(
        headers.contains(&site.jkd.address.to_string()),
        "the Host header: {headers}"
    );
    let answer = site.post(
        "/servlets/servlet/RequestParamExample",
        "firstname=J%C3%BCrgen&lastname=%3Cb%3E",
    );
    assert!(answer.text().contains("Jürgen"), "{}", answer.text());
    assert!(answer.text().contains("&lt;b&gt;"), "{}", answer.text());
}

#[test]
#[ignore = "needs tomcat10-examples: run tests/run examples"]
fn cookies_and_sessions() {
    let mut site = Site::open();
    let answer = site.post(
        "/servlets/servlet/CookieExample",
        "cookiename=colour&cookievalue=blue",
    );
    assert_eq!(answer.status, 200);
    assert_eq!(site.http.cookies["colour"], "blue");
    site.shows("/servlets/servlet/CookieExample", "blue");
    site.page("/servlets/servlet/SessionExample");
    let session = site.http.cookies["JSESSIONID"].clone();
    assert!(session.ends_with(".tomcat1"), "{session}");
    site.post(
        "/servlets/servlet/SessionExample",
        "dataname=animal&datavalue=axolotl",
    );
    site.shows("/servlets/servlet/SessionExample", "animal = axolotl");
    assert_eq!(site.http.cookies["JSESSIONID"], session);
    // A browser without cookies writes the session into the path.
    site.http.cookies.clear();
    site.shows(
        &format!("/servlets/servlet/SessionExample;jsessionid={session}"),
        "axolotl",
    );
    site.http.cookies.clear();
    assert!(
        !site
            .page("/servlets/servlet/SessionExample")
            .text()
            .contains("axolotl")
    );
}

#[test]
#[ignore = "needs tomcat10-examples: run tests/run examples"]
fn jsps() {
    let mut site = Site::open();
    site.shows("/jsp/jsp2/el/basic-arithmetic.jsp", "${1.2E4 + 1.4}");
    site.shows("/jsp/jsp2/el/basic-arithmetic.jsp", "12001.4");
    site.shows("/jsp/jsp2/simpletag/hello.jsp", "Hello, world!");
    site.shows("/jsp/jsp2/tagfiles/hello.jsp", "Hello, world!");
    site.shows("/jsp/jsp2/jspx/basic.jspx", "Just to prove this is live");
    site.shows("/jsp/dates/date.jsp", "Day of month");
    site.shows("/jsp/include/include.jsp", "In place evaluation");
    site.shows("/jsp/forward/forward.jsp", "VM Memory usage");
    site.shows("/jsp/num/numguess.jsp", "Guess");
    site.shows("/jsp/num/numguess.jsp?guess=1000", "Good guess, but nope");
    site.shows("/jsp/sessions/carts.jsp?itemId=3&submit=add", "NIN CD");
    site.shows("/jsp/snp/snoop.jsp", "Request Protocol: HTTP/1.1");
    site.shows("/jsp/snp/snoop.jsp?a=b", "Query string: a=b");
    let error = site
        .http
        .get("/examples/jsp/error/err.jsp?name=integra&submit=Submit");
    assert!(
        error.text().contains("is my favorite car"),
        "{}",
        error.text()
    );
}

#[test]
#[ignore = "needs tomcat10-examples: run tests/run examples"]
fn asynchronous_answers() {
    let mut site = Site::open();
    for (path, text) in [
        ("/async/async0", "Async dispatch worked"),
        ("/async/async1", "Completed async request"),
        ("/async/async2", "Output from background thread"),
        ("/async/async3", "Completed async 3 request"),
    ] {
        site.shows(path, text);
    }
    let answer = site.post("/servlets/nonblocking/bytecounter", "0123456789");
    assert!(
        answer.text().contains("Total bytes written = [10]"),
        "{}",
        answer.text()
    );
    let numbers = site.page("/servlets/nonblocking/numberwriter").text();
    let numbers: Vec<u32> = numbers.lines().map(|line| line.parse().unwrap()).collect();
    assert!(
        numbers.into_iter().eq(1..=10_000),
        "each number once and in order"
    );
}

#[test]
#[ignore = "needs tomcat10-examples: run tests/run examples"]
fn static_files() {
    let mut site = Site::open();
    let redirect = site.http.get("/examples");
    assert_eq!(
        (redirect.status, redirect.header("location")),
        (302, Some("/examples/"))
    );
    let image = site.page("/jsp/images/code.gif");
    assert!(image.body.starts_with(b"GIF8"));
    let path = "/examples/jsp/images/code.gif";
    let again = Request::new("GET", path).header("If-None-Match", image.header("etag").unwrap());
    assert_eq!(site.http.send(again).status, 304);
    let part = site
        .http
        .send(Request::new("GET", path).header("Range", "bytes=0-3"));
    assert_eq!((part.status, &*part.body), (206, &b"GIF8"[..]));
    let head = site.http.send(Request::new("HEAD", path));
    assert_eq!(head.status, 200);
    assert_eq!(
        head.header("content-length"),
        Some(&*image.body.len().to_string())
    );
    assert!(head.body.is_empty());
    assert_eq!(site.http.get("/examples/no/such/page").status, 404);
    assert_eq!(site.http.get("/elsewhere").status, 404);
}
