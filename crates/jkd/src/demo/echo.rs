//! Everything the application server was told about a request, line by line.

use std::fmt;

use ajp13::facts::{
    Activation, Attributes, ConnectionInfo, Protocol, RemoteUser, Route, Secret, Text, TlsInfo,
};
use http::{Extensions, Request, StatusCode};

use super::application::{Answer, Application};
use super::page;

pub(super) fn answer<B>(application: &Application, request: &Request<B>) -> Answer {
    let mut lines = Lines(String::new());
    lines.add("node", &application.node);
    lines.request(request);
    lines.connection(request.extensions());
    lines.tls(request.extensions());
    lines.facts(request.extensions());
    for (name, value) in request.headers() {
        lines.add(format_args!("header {name}"), Text::from(value.as_bytes()));
    }
    for (name, value) in request
        .extensions()
        .get()
        .into_iter()
        .flat_map(Attributes::iter)
    {
        lines.add(format_args!("attribute {name}"), value);
    }
    page::text(StatusCode::OK, lines.0)
}

struct Lines(String);

impl Lines {
    /// One line; what is in a value cannot make it two.
    fn add(&mut self, name: impl fmt::Display, value: impl fmt::Display) {
        let line = format!("{name}: {value}");
        let shown = line.chars().map(|c| if c.is_control() { ' ' } else { c });
        self.0.extend(shown);
        self.0.push('\n');
    }

    fn add_some(&mut self, name: &str, value: Option<impl fmt::Display>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    fn request<B>(&mut self, request: &Request<B>) {
        self.add("method", request.method());
        self.add("uri", request.uri().path());
        self.add_some("query", request.uri().query());
        match request.extensions().get::<Protocol>() {
            Some(Protocol(protocol)) => self.add_some("protocol", protocol.as_ref()),
            None => self.add("protocol", format_args!("{:?}", request.version())),
        }
    }

    fn connection(&mut self, facts: &Extensions) {
        let Some(connection) = facts.get::<ConnectionInfo>() else {
            return;
        };
        self.add_some("remote address", connection.remote_addr.as_ref());
        self.add_some("remote host", connection.remote_host.as_ref());
        self.add_some("remote port", connection.remote_port);
        self.add_some("local address", connection.local_addr.as_ref());
        self.add_some("server name", connection.server_name.as_ref());
        self.add("server port", connection.server_port);
        self.add("is_ssl", connection.is_ssl);
    }

    fn tls(&mut self, facts: &Extensions) {
        let Some(tls) = facts.get::<TlsInfo>() else {
            return;
        };
        self.add_some("ssl protocol", tls.protocol.as_ref());
        self.add_some("ssl cipher", tls.cipher.as_ref());
        self.add_some("ssl key size", tls.key_size);
        self.add_some("ssl session", tls.session.as_ref());
        self.add_some("ssl certificate", tls.certificate.as_ref());
    }

    fn facts(&mut self, facts: &Extensions) {
        if let Some(user) = facts.get::<RemoteUser>() {
            self.add_some("remote user", user.name.as_ref());
            self.add_some("auth type", user.auth_type.as_ref());
        }
        self.add_some("route", facts.get().map(|Route(route)| route));
        self.add_some("activation", facts.get::<Activation>());
        let secret = facts.get::<Secret>().map_or("absent", |_| "present");
        self.add("secret", secret);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_on_its_line() {
        let mut lines = Lines(String::new());
        lines.add("a", "b\r\nc: d");
        assert_eq!(lines.0, "a: b  c: d\n");
    }
}
