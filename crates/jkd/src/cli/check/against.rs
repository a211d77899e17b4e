//! The other configuration of `jkd check --against`.

use std::{
    convert::Infallible,
    error::Error,
    fmt, fs,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use jkworkers::{diag::Diagnostics, diff, model::Model};
use serde_json::Value;
use tokio::{net::TcpStream, runtime::Builder, time::timeout};

use crate::cli::load::Sources;

/// How long a server may take for its whole answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest answer that is read, bytes.
const LONGEST: usize = 64 << 20;

/// Where the other configuration is.
#[derive(Clone, Debug)]
pub(super) enum Against {
    Url(String),
    File(PathBuf),
}

/// What was found there.
pub(super) enum Other {
    Model(Box<Model>),
    Document(Value),
    Invalid(Diagnostics),
}

type Failure = Box<dyn Error>;

impl FromStr for Against {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text.contains("://") {
            Self::Url(text.to_owned())
        } else {
            Self::File(text.into())
        })
    }
}

impl fmt::Display for Against {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => f.write_str(url),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

impl Against {
    /// The other configuration. What a file does not say is as in `sources`.
    pub(super) fn get(&self, sources: Sources) -> Result<Other, Failure> {
        match self {
            Self::Url(url) => {
                let text = fetch(url)?;
                let what = format!("{url} gives no configuration: is it a status page of jkd?");
                document(&text, &what).map(Other::Document)
            }
            Self::File(path) => {
                let text = fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
                from_file(path, &text, sources)
            }
        }
    }
}

fn document(text: &[u8], what: &str) -> Result<Value, Failure> {
    let value = serde_json::from_slice(text).ok();
    let value = value.filter(diff::is_document);
    value.ok_or_else(|| what.into())
}

/// What kind of file it is, by its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Json,
    Properties,
    Httpd,
}

impl Kind {
    fn of(text: &[u8]) -> Self {
        let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let telling = lines.find(|line| !line.is_empty() && !line.starts_with(b"#"));
        let first = telling.unwrap_or_default();
        let key = first.split(|byte| *byte == b'=').next().unwrap_or_default();
        let is_pair = key.len() < first.len() && !key.trim_ascii().contains(&b' ');
        match first {
            [b'{', ..] => Self::Json,
            [b'<', ..] => Self::Httpd,
            _ if is_pair => Self::Properties,
            _ => Self::Httpd,
        }
    }
}

fn from_file(path: &Path, text: &[u8], sources: Sources) -> Result<Other, Failure> {
    let mut options = sources.into_load_options();
    match Kind::of(text) {
        Kind::Json => {
            let what = format!("{} is no output of jkd show --format json", path.display());
            return document(text, &what).map(Other::Document);
        }
        Kind::Properties => options.workers = Some(path.into()),
        Kind::Httpd => options.config = Some(path.into()),
    }
    let loaded = jkworkers::load(&options);
    Ok(match loaded.model {
        Some(model) => Other::Model(Box::new(model)),
        None => Other::Invalid(loaded.diagnostics),
    })
}

fn fetch(url: &str) -> Result<Bytes, Failure> {
    let uri: Uri = url.parse().map_err(|e| format!("{url}: {e}"))?;
    if uri.scheme_str() != Some("http") {
        return Err(format!("{url}: only http:// can be asked").into());
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(async { timeout(PATIENCE, get(&uri)).await });
    match answer {
        Ok(answer) => answer.map_err(|error| format!("{url}: {error}").into()),
        Err(_) => Err(format!("{url}: no answer within {} s", PATIENCE.as_secs()).into()),
    }
}

async fn get(uri: &Uri) -> Result<Bytes, Box<dyn Error + Send + Sync>> {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let query = uri.query().map(|query| format!("{query}&"));
    let query = query.unwrap_or_default();
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let request = Request::get(format!("{}?{query}cmd=config", uri.path()))
        .header(header::HOST, authority)
        .body(Empty::<Bytes>::new())?;
    let answer = sender.send_request(request).await?;
    if answer.status() != StatusCode::OK {
        return Err(format!("answered with {}", answer.status()).into());
    }
    let body = Limited::new(answer.into_body(), LONGEST).collect().await?;
    Ok(body.to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_content() {
        for (text, kind) in [
            ("\n# as ever\nworker.list = a\n", Kind::Properties),
            ("ping=1", Kind::Properties),
            ("  {\n", Kind::Json),
            ("<VirtualHost *=80>\n", Kind::Httpd),
            ("# x=y\nJkWorkerProperty worker.list=a\n", Kind::Httpd),
            ("Listen 80\nworker.list=a", Kind::Httpd),
            ("", Kind::Httpd),
        ] {
            assert_eq!(Kind::of(text.as_bytes()), kind, "{text}");
        }
    }
}
