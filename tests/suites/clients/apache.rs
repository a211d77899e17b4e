//! Requests of a browser, through mod_jk and through mod_proxy_ajp.

use std::{io::Write, net::TcpStream};

use jkd_tests::{Answer, Http, Request, wait_until};

use super::{
    container::{Container, SECRET, checksum, pattern},
    httpd::{Httpd, Module},
};

const MODULES: [Module; 2] = [Module::Jk, Module::ProxyAjp];

/// Sizes around one packet of data, and some.
const SIZES: [usize; 6] = [0, 1, 8185, 8186, 8187, 100_000];

/// Runs a test through each module.
fn through_each(test: impl Fn(Module, &mut Http, &Container)) {
    for module in MODULES {
        let container = Container::start();
        let httpd = Httpd::start(container.address, SECRET);
        let mut browser = Http::persistent(httpd.address(module));
        let _logs = Logs(&httpd);
        test(module, &mut browser, &container);
    }
}

/// Shows Apache's logs when a test fails.
struct Logs<'a>(&'a Httpd);

impl Drop for Logs<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0.logs());
        }
    }
}

fn upload(browser: &mut Http, path: &str, body: &[u8], length: Option<u64>) -> Answer {
    let mut reader = body;
    browser.send(Request::new("POST", path).body(&mut reader, length))
}

#[test]
#[ignore = "needs a real Apache: run tests/run"]
fn a_request_arrives_as_it_was_sent() {
    through_each(|module, browser, _| {
        let answer = browser.get("/a%20b/c;x=y?q=%C3%A9&r");
        assert_eq!(
            (answer.status, answer.fact("method")),
            (200, "GET".into()),
            "{module:?}"
        );
        assert_eq!(answer.fact("path"), "/a%20b/c;x=y");
        assert_eq!(answer.fact("query"), "q=%C3%A9&r");
        assert_eq!(answer.fact("version"), "HTTP/1.1");
        assert_eq!(answer.fact("remote"), "127.0.0.1");
        assert_eq!(answer.fact("ssl"), "false");
        assert_eq!(browser.get("/").fact("query"), "none");
        for method in ["DELETE", "OPTIONS", "PROPFIND", "PATCH", "SEARCH"] {
            let answer = browser.send(Request::new(method, "/"));
            assert_eq!(answer.fact("method"), method, "{module:?}");
        }
    });
}

#[test]
#[ignore = "needs a real Apache: run tests/run"]
fn many_headers() {
    through_each(|_, browser, _| {
        let mut request = Request::new("GET", "/");
        for number in 0..80 {
            request = request.header(&format!("X-Number-{number}"), &"v".repeat(60));
        }
        assert_eq!(browser.send(request).fact("x-headers"), "80");
    });
}

#[test]
#[ignore = "needs a real Apache: run tests/run"]
fn uploads_of_known_and_unknown_length() {
    through_each(|module, browser, _| {
        for size in SIZES {
            let body = pattern(size);
            let length = u64::try_from(size).unwrap();
            for length in [Some(length), None] {
                let answer = upload(browser, "/count", &body, length);
                let what = format!("{module:?}, {size}, {length:?}");
                assert_eq!(answer.fact("bytes"), size.to_string(), "{what}");
                assert_eq!(answer.fact("sum"), checksum(&body).to_string(), "{what}");
            }
        }
    });
}

#[test]
#[ignore = "needs a real Apache: run tests/run"]
fn a_body_comes_back_while_it_is_sent() {
    through_each(|module, browser, _| {
        for size in SIZES {
            let body = pattern(size);
            let answer = upload(
                browser,
                "/mirror",
                &body,
                Some(u64::try_from(size).unwrap()),
            );
            assert!(
                answer.body == body,
                "{module:?}, {size}: {}",
                answer.body.len()
            );
        }
    });
}

#[test]
#[ignore = "needs a real Apache: run tests/run"]
fn an_upload_that_nobody_reads() {
    through_each(|module, browser, _| {
        for size in SIZES {
            let body = pattern(size);
            let answer = upload(
                browser,
                "/ignore",
                &body,
                Some(u64::try_from(size).unwrap()),
            );
            assert_eq!(answer.fact("ignored"), "yes", "{module:?}, {size}");
            assert_eq!(browser.get("/").status, 200, "{module:?}, {size}");
        }
    });
}

#[test]
#[ignore = "needs a real Apache: run tests/run"]
fn downloads() {
    through_each(|module, browser, _| {
        for size in [0, 1, 8183, 8184, 8185, 100_000, 50_000_000] {
            let answer = browser.get(&format!("/download?{size}"));
            assert!(
                answer.body == pattern(size),
                "{module:?}, {size}: {}",
                answer.body.len()
            );
        }
    });
}

#[test]
#[ignore = "needs a real Apache: run tests/run"]
fn answers_without_a_body() {
    through_each(|module, browser, _| {
        for status in [204, 304] {
            let answer = browser.get(&format!("/status?{status}"));
            assert_eq!(
                (answer.status, answer.body.len()),
                (status, 0),
                "{module:?}"
            );
        }
        let answer = browser.send(Request::new("HEAD", "/download?1000"));
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{module:?}");
        // mod_proxy_ajp never passes it on.
        if module == Module::Jk {
            assert_eq!(answer.header("content-length"), Some("1000"));
        }
        for status in [201, 404, 503] {
            assert_eq!(
                browser.get(&format!("/status?{status}")).status,
                status,
                "{module:?}"
            );
        }
        assert_eq!(browser.get("/").status, 200, "{module:?}");
    });
}

#[test]
#[ignore = "needs a real Apache: run tests/run"]
fn one_connection_carries_many_requests() {
    through_each(|module, browser, container| {
        for round in 0..30 {
            let body = pattern(round * 1000);
            let answer = upload(browser, "/count", &body, None);
            assert_eq!(answer.fact("bytes"), body.len().to_string(), "{module:?}");
            assert_eq!(browser.get("/download?20000").body.len(), 20_000);
        }
        assert_eq!(container.accepted(), 1, "{module:?}");
    });
}

#[test]
#[ignore = "needs a real Apache: run tests/run"]
fn a_wrong_secret_is_refused() {
    let container = Container::start();
    let httpd = Httpd::start(container.address, "wrong");
    for module in MODULES {
        let mut browser = Http::new(httpd.address(module));
        assert_eq!(browser.get("/").status, 403, "{module:?}");
        let answer = upload(&mut browser, "/count", &pattern(20_000), Some(20_000));
        assert_eq!(answer.status, 403, "{module:?}");
    }
}

#[test]
#[ignore = "needs a real Apache: run tests/run"]
fn an_upload_that_breaks_off_costs_no_one_else() {
    let container = Container::start();
    let httpd = Httpd::start(container.address, SECRET);
    for module in MODULES {
        let address = httpd.address(module);
        let mut leaving = TcpStream::connect(address).unwrap();
        let head = "POST /count HTTP/1.1\r\nHost: test\r\nContent-Length: 50000\r\n\r\n";
        leaving.write_all(head.as_bytes()).unwrap();
        leaving.write_all(&pattern(20_000)).unwrap();
        wait_until("the container has the upload", || container.uploads() > 0);
        drop(leaving);
        wait_until("the upload is given up", || container.uploads() == 0);
        let mut browser = Http::new(address);
        assert_eq!(browser.get("/download?1000").body.len(), 1000, "{module:?}");
    }
}
