//! `jkd match`.

use std::{
    io::{self, BufWriter, Write, stdout},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process::ExitCode,
};

use jkworkers::{
    model::{Host, Model, Mount},
    uri_map::{self, Explanation, Loser, Refusal},
};

use super::{FAILED, Outcome, load::Sources};

/// Say which worker serves a URI, by which rule, and which rules lost
///
/// URI is a path as a client sends it, or a whole http:// URL, whose host then counts as --host.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  jkd match -f jk.conf /shop/cart
  jkd match -f jk.conf --host shop.example '/shop/cart;jsessionid=1.tomcat2'
  jkd match -f jk.conf http://shop.example/shop/cart

Exit status: 0 when a worker serves it, 1 when none does, 2 when the configuration has errors.")]
pub(super) struct Args {
    #[command(flatten)]
    sources: Sources,
    /// The Host header of the request
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// The address and port that the request comes in at; the first listener's by default
    #[arg(long, value_name = "ADDR:PORT")]
    local: Option<SocketAddr>,
    /// The URI
    #[arg(value_name = "URI")]
    uri: String,
}

pub(super) fn main(args: Args) -> Outcome {
    let Args {
        sources,
        host,
        local,
        uri,
    } = args;
    let model = match sources.load() {
        Ok(model) => model,
        Err(status) => return Ok(status),
    };
    let (in_uri, target) = split(&uri);
    let host = host.as_deref().or(in_uri);
    let local = local.unwrap_or_else(|| first_listener(&model));
    let mut out = BufWriter::new(stdout().lock());
    let served = answer(model.host_for(local, host), target, &mut out)?;
    out.flush()?;
    Ok(ExitCode::from(if served { 0 } else { FAILED }))
}

/// The host in a URL, and the path without query.
fn split(uri: &str) -> (Option<&str>, &str) {
    let after_scheme = uri.split_once("://").map(|(_, rest)| rest);
    let (host, target) = match after_scheme {
        Some(rest) => match rest.find('/') {
            Some(slash) => {
                let (host, path) = rest.split_at(slash);
                (Some(host), path)
            }
            None => (Some(rest), "/"),
        },
        None => (None, uri),
    };
    let path = target.split(['?', '#']).next().unwrap_or(target);
    (host, path)
}

fn first_listener(model: &Model) -> SocketAddr {
    let any = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let first = model.listen.first();
    let (address, port) = first.map_or((None, 80), |listen| (listen.address, listen.port));
    SocketAddr::new(address.unwrap_or(any), port)
}

/// Prints the answer; says whether a worker serves the URI.
fn answer(host: &Host, target: &str, out: &mut impl Write) -> io::Result<bool> {
    writeln!(out, "host: {}", describe(host))?;
    let normalised = match uri_map::normalise(target.as_bytes(), host.uri_rules) {
        Ok(normalised) => normalised,
        Err(bad) => {
            writeln!(out, "no worker: {bad}; the answer is {}", bad.status())?;
            return Ok(false);
        }
    };
    if &*normalised != target.as_bytes() {
        writeln!(out, "compared as: {}", normalised.escape_ascii())?;
    }
    let explanation = host.uri_map.explain(&normalised);
    verdict(&explanation, out)?;
    for Loser { rule, reason } in &explanation.losers {
        writeln!(out, "  lost: {}, {}", describe_rule(rule), reason.text())?;
    }
    Ok(explanation.winner.is_some())
}

fn verdict(explanation: &Explanation<'_>, out: &mut impl Write) -> io::Result<()> {
    let Explanation {
        winner,
        exclusion,
        refusal,
        ..
    } = explanation;
    match (winner, exclusion, refusal) {
        (Some(mount), _, _) => {
            writeln!(
                out,
                "worker: {}\n  by: {}",
                mount.worker,
                describe_rule(mount)
            )
        }
        (None, Some(rule), _) => writeln!(out, "no worker\n  by: {}", describe_rule(rule)),
        (None, None, Some(Refusal::TooLong)) => {
            let most = uri_map::MAX_URI;
            writeln!(
                out,
                "no worker: longer than {most} bytes, which are never mapped"
            )
        }
        (None, None, Some(Refusal::Unsafe)) => {
            writeln!(
                out,
                "no worker: a % or \\ after decoding, refused by RejectUnsafeURI"
            )
        }
        (None, None, None) => writeln!(out, "no worker: no rule matches"),
    }
}

fn describe(host: &Host) -> String {
    let name = host.server_name.as_ref().map(|name| name.name.as_str());
    let kind = if host.addresses.is_empty() {
        "main server"
    } else {
        "virtual host"
    };
    match name {
        Some(name) => format!("{name} ({kind}, {})", host.origin),
        None => format!("{kind} ({})", host.origin),
    }
}

fn describe_rule(rule: &Mount) -> String {
    let directive = if rule.exclusion {
        "JkUnMount"
    } else {
        "JkMount"
    };
    let (pattern, worker, origin) = (&rule.pattern, &rule.worker, &rule.origin);
    format!("{directive} {pattern} {worker} ({origin})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_host_and_path() {
        assert_eq!(split("/a?b#c"), (None, "/a"));
        assert_eq!(split("http://h:8080/a/b?c"), (Some("h:8080"), "/a/b"));
        assert_eq!(split("https://h"), (Some("h"), "/"));
    }
}
