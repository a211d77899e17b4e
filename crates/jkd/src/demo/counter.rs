//! A counter in the session, and which node counted.

use ajp13::facts::Activation;
use askama::Template;
use http::header::{COOKIE, HeaderValue, SET_COOKIE};
use http::{HeaderMap, Request};

use super::application::{Answer, Application};
use super::page;

#[derive(Template)]
#[template(path = "demo/counter.html")]
struct Counter<'a> {
    node: &'a str,
    count: u64,
    session: &'a str,
    before: Option<&'a str>,
    activation: Option<Activation>,
}

pub(super) fn answer<B>(application: &Application, request: &Request<B>) -> Answer {
    let in_path = request
        .uri()
        .path()
        .split_once(";jsessionid=")
        .map(|(_, id)| id);
    let ids = in_cookies(request.headers())
        .chain(in_path)
        .map(without_route);
    let visit = application.sessions.visit(ids, &application.node);
    let session = format!("{}.{}", visit.id, application.node);
    let mut page = page::html(&Counter {
        node: &application.node,
        count: visit.count,
        session: &session,
        before: visit.before.as_deref(),
        activation: request.extensions().get().copied(),
    });
    // Like Tomcat, a node that took a session over puts its own route into the cookie.
    if visit.before.as_ref() != Some(&application.node) {
        let cookie = format!("JSESSIONID={session}; Path=/; HttpOnly");
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            page.headers_mut().insert(SET_COOKIE, cookie);
        }
    }
    page
}

fn in_cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|cookie| cookie.trim().strip_prefix("JSESSIONID="))
        .map(|id| id.trim_matches('"'))
}

fn without_route(id: &str) -> &str {
    id.split_once('.').map_or(id, |(id, _)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_in_all_cookies() {
        let mut headers = HeaderMap::new();
        headers.append(
            COOKIE,
            HeaderValue::from_static("a=1; JSESSIONID=X1.tomcat1;JSESSIONID=X2"),
        );
        headers.append(
            COOKIE,
            HeaderValue::from_static("JSESSIONID=\"X3.tomcat2.more\"; b"),
        );
        let ids: Vec<_> = in_cookies(&headers).map(without_route).collect();
        assert_eq!(ids, ["X1", "X2", "X3"]);
    }
}
