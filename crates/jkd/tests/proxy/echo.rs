//! A backend that tells what it was sent, and does what the query asks it for.

use std::{thread::sleep, time::Duration};

use ajp13::wire::{Attribute, ForwardRequest};
use jkd_tests::{Backend, Exchange};

/// Answers with a line `NAME=VALUE` for each fact: `backend` is `name`, `nth` the number of the
/// request on its connection, and then what the request's head says. The query's parameters:
/// `status=503`, `wait=MILLISECONDS`, `body=BYTES`.
pub(crate) fn backend(name: &str) -> Backend {
    let name = name.to_owned();
    Backend::start(move |exchange| {
        let request = ForwardRequest::decode(exchange.request).unwrap();
        let facts = format!(
            "backend={name}\nnth={}\n{}",
            exchange.earlier,
            facts(&request)
        );
        answer(exchange, &query(&request), facts)
    })
}

fn answer(exchange: &mut Exchange<'_>, query: &str, mut facts: String) -> std::io::Result<()> {
    let asked = |name: &str| {
        let parameters = query.split('&').filter_map(|p| p.split_once('='));
        let mut values = parameters.filter(|(known, _)| *known == name);
        values
            .next()
            .map(|(_, value)| value.parse::<u16>().unwrap())
    };
    sleep(Duration::from_millis(asked("wait").unwrap_or(0).into()));
    facts += &"x".repeat(asked("body").unwrap_or(0).into());
    let headers = [
        ("X-Backend", "1"),
        ("Set-Cookie", "of=backend"),
        ("WWW-Authenticate", "Basic realm=a"),
        ("WWW-Authenticate", "Digest realm=b"),
    ];
    exchange.answer(asked("status").unwrap_or(200), &headers, facts.as_bytes())
}

fn query(request: &ForwardRequest<'_>) -> String {
    let query = request.attributes.iter().find_map(|a| match a {
        Attribute::QueryString(query) => Some(text(Some(query))),
        _ => None,
    });
    query.unwrap_or_default()
}

fn facts(request: &ForwardRequest<'_>) -> String {
    let mut lines = format!(
        "uri={}\nremote_addr={}\nremote_host={}\nserver_name={}\nserver_port={}\n",
        text(request.uri),
        text(request.remote_addr),
        text(request.remote_host),
        text(request.server_name),
        request.server_port,
    );
    for header in request.headers.iter() {
        lines += &format!("{}={}\n", text(Some(header.name)), text(Some(header.value)));
    }
    for attribute in request.attributes.iter() {
        lines += &match attribute {
            Attribute::RequestAttribute { name, value } => {
                format!("@{}={}\n", text(Some(name)), text(Some(value)))
            }
            Attribute::Route(value) => format!("@route={}\n", text(Some(value))),
            Attribute::RemoteUser(value) => format!("@remote_user={}\n", text(Some(value))),
            Attribute::AuthType(value) => format!("@auth_type={}\n", text(Some(value))),
            _ => String::new(),
        };
    }
    lines
}

fn text(bytes: Option<&[u8]>) -> String {
    bytes.map_or_else(
        || "null".into(),
        |bytes| String::from_utf8_lossy(bytes).into_owned(),
    )
}
