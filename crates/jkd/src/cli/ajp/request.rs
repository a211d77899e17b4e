//! What `jkd ajp get` asks for: taken apart, checked, and written as a packet.

use std::{
    fs, io,
    io::Read as _,
    path::{Path, PathBuf},
};

use ajp13::{
    Address, Announced,
    wire::{Attribute, ForwardRequestWriter, Method, PacketSize, RequestLine, TooLarge},
};
use bytes::{Bytes, BytesMut};

/// The request's part of the command line.
#[derive(Debug, clap::Args)]
pub(super) struct RequestArgs {
    /// What to ask and whom; the port is 8009 where none is given
    #[arg(value_name = "ajp://HOST[:PORT]/PATH")]
    url: String,
    /// Method; GET by default, POST with --data
    #[arg(short = 'X', long, value_name = "METHOD")]
    method: Option<String>,
    /// Header; may be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// Body: a text, @FILE, or @- for standard input
    #[arg(short, long, value_name = "DATA")]
    data: Option<String>,
    /// Request attribute; may be repeated. The names remote_user, auth_type, route, context,
    /// servlet_path, ssl_cert, ssl_cipher, ssl_session and ssl_key_size mean AJP's own
    #[arg(short, long = "attribute", value_name = "NAME=VALUE")]
    attributes: Vec<String>,
    /// The connector's secret. Other users of this machine can see it: better --secret-file
    #[arg(long, value_name = "SECRET", conflicts_with = "secret_file")]
    secret: Option<String>,
    /// File whose first line is the connector's secret
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Address of the client that Tomcat shall see
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    remote_addr: String,
    /// Name of the server that Tomcat shall see; the Host header's or the URL's by default
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// Port of the server that Tomcat shall see
    #[arg(long, value_name = "PORT", default_value_t = 80)]
    server_port: u16,
    /// Tell Tomcat that the client used TLS
    #[arg(long)]
    tls: bool,
}

/// A request that can be sent.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) address: Address,
    pub(super) body: Bytes,
    method: String,
    path: String,
    query: Option<String>,
    server_name: String,
    headers: Vec<(String, String)>,
    secret: Option<String>,
    args: RequestArgs,
}

/// Why there is no request to send.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadRequest {
    #[error("'{0}' is not an address such as ajp://127.0.0.1:8009/path")]
    Url(String),
    #[error(transparent)]
    Address(#[from] ajp13::InvalidAddress),
    #[error("'{0}' is not a header such as 'Accept: text/html'")]
    Header(String),
    #[error("'{0}' is not an attribute such as remote_user=anna")]
    Attribute(String),
    #[error("{0} holds a control character")]
    Control(&'static str),
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
}

impl Request {
    pub(super) fn new(args: RequestArgs) -> Result<Self, BadRequest> {
        let bad_url = || BadRequest::Url(args.url.clone());
        let rest = args.url.strip_prefix("ajp://").ok_or_else(bad_url)?;
        let (authority, target) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
        let target = target.split('#').next().unwrap_or(target);
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        let body = body(args.data.as_deref())?;
        let mut headers = headers(&args.headers)?;
        if !headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("host"))
        {
            headers.insert(0, ("Host".to_owned(), authority.to_owned()));
        }
        let request = Self {
            address: authority.parse()?,
            method: method(&args),
            path: path.to_owned(),
            server_name: server_name(&args, &headers),
            secret: secret(&args)?,
            query,
            headers,
            body,
            args,
        };
        request.check()?;
        Ok(request)
    }

    pub(super) fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    pub(super) fn announced(&self) -> Announced {
        match u64::try_from(self.body.len()) {
            Ok(0) | Err(_) => Announced::None,
            Ok(length) => Announced::Length(length),
        }
    }

    /// Appends the packet.
    pub(super) fn write(&self, packet: &mut BytesMut, size: PacketSize) -> Result<(), TooLarge> {
        let line = RequestLine {
            method: Method::from_name(self.method.as_bytes()),
            protocol: Some(b"HTTP/1.1"),
            uri: Some(self.path.as_bytes()),
            remote_addr: Some(self.args.remote_addr.as_bytes()),
            remote_host: None,
            server_name: Some(self.server_name.as_bytes()),
            server_port: self.args.server_port,
            is_ssl: self.args.tls,
        };
        let mut writer = ForwardRequestWriter::begin(packet, size, &line);
        for (name, value) in &self.headers {
            writer.header(name.as_bytes(), value.as_bytes());
        }
        if self.announced() != Announced::None || !matches!(&*self.method, "GET" | "HEAD") {
            writer.header(b"Content-Length", self.body.len().to_string().as_bytes());
        }
        if let Some(secret) = &self.secret {
            writer.attribute(&Attribute::Secret(secret.as_bytes()));
        }
        if let Some(query) = &self.query {
            writer.attribute(&Attribute::QueryString(query.as_bytes()));
        }
        for (name, value) in self
            .args
            .attributes
            .iter()
            .filter_map(|a| a.split_once('='))
        {
            writer.attribute(&attribute(name, value));
        }
        writer.finish()
    }

    /// Containers believe what is in the packet, so nothing that could break a line goes into it.
    fn check(&self) -> Result<(), BadRequest> {
        let has_control = |text: &str| text.bytes().any(|b| b.is_ascii_control() && b != b'\t');
        let headers = || self.headers.iter().flat_map(|(name, value)| [name, value]);
        if has_control(&self.method) || has_control(&self.args.url) {
            return Err(BadRequest::Control("the request line"));
        }
        if headers().any(|text| has_control(text)) {
            return Err(BadRequest::Control("a header"));
        }
        for given in &self.args.attributes {
            match given.split_once('=') {
                Some((name, _)) if !name.is_empty() => {}
                _ => return Err(BadRequest::Attribute(given.clone())),
            }
        }
        Ok(())
    }
}

fn method(args: &RequestArgs) -> String {
    let default = if args.data.is_some() { "POST" } else { "GET" };
    args.method.clone().unwrap_or_else(|| default.to_owned())
}

/// The name in the Host header, without port.
fn server_name(args: &RequestArgs, headers: &[(String, String)]) -> String {
    let host = || {
        headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("host"))
    };
    args.server_name.clone().unwrap_or_else(|| {
        let host = host().map(|(_, value)| value.as_str()).unwrap_or_default();
        match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name.to_owned(),
            _ => host.to_owned(),
        }
    })
}

fn headers(given: &[String]) -> Result<Vec<(String, String)>, BadRequest> {
    let parse = |text: &String| match text.split_once(':') {
        Some((name, value)) if !name.is_empty() && !name.contains(' ') => {
            Ok((name.to_owned(), value.trim().to_owned()))
        }
        _ => Err(BadRequest::Header(text.clone())),
    };
    given.iter().map(parse).collect()
}

fn body(data: Option<&str>) -> Result<Bytes, BadRequest> {
    match data {
        None => Ok(Bytes::new()),
        Some(text) => match text.strip_prefix('@') {
            None => Ok(text.to_owned().into()),
            Some(path) => read(Path::new(path)).map(Bytes::from),
        },
    }
}

fn secret(args: &RequestArgs) -> Result<Option<String>, BadRequest> {
    let Some(path) = &args.secret_file else {
        return Ok(args.secret.clone());
    };
    let text = String::from_utf8_lossy(&read(path)?).into_owned();
    Ok(text.lines().next().map(str::to_owned))
}

fn read(path: &Path) -> Result<Vec<u8>, BadRequest> {
    let mut bytes = Vec::new();
    let result = if path == Path::new("-") {
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path)
    };
    result.map_err(|error| BadRequest::File {
        path: path.to_owned(),
        error,
    })
}

fn attribute<'a>(name: &'a str, value: &'a str) -> Attribute<'a> {
    let bytes = value.as_bytes();
    match (name, value.parse()) {
        ("remote_user", _) => Attribute::RemoteUser(bytes),
        ("auth_type", _) => Attribute::AuthType(bytes),
        ("route", _) => Attribute::Route(bytes),
        ("context", _) => Attribute::Context(bytes),
        ("servlet_path", _) => Attribute::ServletPath(bytes),
        ("ssl_cert", _) => Attribute::SslCert(bytes),
        ("ssl_cipher", _) => Attribute::SslCipher(bytes),
        ("ssl_session", _) => Attribute::SslSession(bytes),
        ("ssl_key_size", Ok(bits)) => Attribute::SslKeySize(bits),
        _ => Attribute::RequestAttribute {
            name: name.as_bytes(),
            value: bytes,
        },
    }
}

#[cfg(test)]
mod tests {
    use ajp13::wire::{ForwardRequest, frame};
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        request: RequestArgs,
    }

    fn request(arguments: &[&str]) -> Result<Request, BadRequest> {
        let line = Line::try_parse_from([&["get"], arguments].concat()).unwrap();
        Request::new(line.request)
    }

    #[test]
    fn the_packet_says_what_the_command_line_says() {
        let request = request(&[
            "ajp://tomcat.example/shop?x=1#part",
            "-d",
            "abc",
            "-H",
            "Accept:  text/html",
            "-a",
            "remote_user=anna",
            "-a",
            "own=1",
            "--secret",
            "hush",
            "--tls",
        ])
        .unwrap();
        assert_eq!(request.address.to_string(), "tomcat.example:8009");
        let mut packet = BytesMut::new();
        request.write(&mut packet, PacketSize::DEFAULT).unwrap();
        let sent = ForwardRequest::decode(packet.get(frame::HEADER..).unwrap()).unwrap();
        assert_eq!(sent.method.name(), b"POST");
        assert_eq!(sent.uri, Some(&b"/shop"[..]));
        assert_eq!(sent.server_name, Some(&b"tomcat.example"[..]));
        assert_eq!(sent.content_length(), Ok(Some(3)));
        assert_eq!(sent.headers.get(b"accept"), Some(&b"text/html"[..]));
        assert!(sent.is_ssl);
        let attributes: Vec<_> = sent.attributes.iter().collect();
        let own = Attribute::RequestAttribute {
            name: b"own",
            value: b"1",
        };
        let expected = [
            Attribute::Secret(b"hush"),
            Attribute::QueryString(b"x=1"),
            Attribute::RemoteUser(b"anna"),
            own,
        ];
        assert_eq!(attributes, expected);
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        for arguments in [
            &["http://tomcat.example/"][..],
            &["ajp://tomcat.example:port/"],
            &["ajp://t/", "-H", "no colon"],
            &["ajp://t/", "-H", "a: b\r\nc: d"],
            &["ajp://t/", "-a", "=value"],
            &["ajp://t/", "-d", "@/no/such/file"],
        ] {
            assert!(request(arguments).is_err(), "{arguments:?}");
        }
    }
}
