//! `jkd match`.

mod answer;
mod request;

use std::{
    io::{self, BufWriter, Write, stdout},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    process::ExitCode,
};

use jkworkers::model::Model;

use self::{
    answer::{Answer, Question},
    request::Asked,
};
use super::{FAILED, Outcome, load::Sources};
use crate::{logging::Printable, peer::Peer};

/// Say which worker serves a request, by which rule, and which rules lost
///
/// Decides as the daemon does, all members being up: variables, <Location> and rule extensions
/// included. URI is a path as a client sends it, or a whole http:// URL, whose host then counts as
/// --host. Nothing is sent anywhere.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  jkd match -f jk.conf /shop/cart /shop/static/a.css
  jkd match -f jk.conf --host shop.example '/shop/cart;jsessionid=1.tomcat2'
  jkd match -f jk.conf http://shop.example/shop/cart
  jkd match -f jk.conf -X POST -H 'Cookie: JSESSIONID=1.tomcat2' --from 10.0.0.7 /shop/cart

Values of variables are shown where mod_jk itself reads them; others may be secrets.

Exit status: 0 when a worker serves every URI, 1 when none serves one of them (a file of JkAutoAlias
is no worker), 2 when the configuration or the command line has errors.")]
pub(super) struct Args {
    #[command(flatten)]
    sources: Sources,
    /// The Host header of the request
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// A header of the request; may be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = request::header)]
    headers: Vec<request::Header>,
    /// The method of the request
    #[arg(
        short = 'X',
        long = "method",
        value_name = "METHOD",
        default_value = "GET"
    )]
    method: http::Method,
    /// The address of the client; this machine by default
    #[arg(long, value_name = "ADDRESS")]
    from: Option<IpAddr>,
    /// The address and port that the request comes in at; the first listener's by default
    #[arg(long, value_name = "ADDR:PORT")]
    local: Option<SocketAddr>,
    /// The URIs
    #[arg(value_name = "URI", required = true)]
    uris: Vec<String>,
}

pub(super) fn main(args: Args) -> Outcome {
    let asked = Asked {
        host: args.host,
        headers: args.headers,
        method: args.method,
    };
    let model = match args.sources.load() {
        Ok(model) => model,
        Err(status) => return Ok(status),
    };
    let local = args.local.unwrap_or_else(|| first_listener(&model));
    let client = args.from.unwrap_or_else(|| loopback_like(local));
    let peer = Peer::new(SocketAddr::new(client, 0), local, 0);
    let mut out = BufWriter::new(stdout().lock());
    let all = print(&model, &peer, &asked, &args.uris, &mut out)?;
    out.flush()?;
    Ok(ExitCode::from(if all { 0 } else { FAILED }))
}

/// One block for each URI; says whether a worker serves every one.
fn print(
    model: &Model,
    peer: &Peer,
    asked: &Asked,
    uris: &[String],
    out: &mut impl Write,
) -> io::Result<bool> {
    let mut all = true;
    for (index, uri) in uris.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        if uris.len() > 1 {
            writeln!(out, "{}", Printable(uri.as_bytes()))?;
        }
        let answer = answer(model, peer, asked, uri);
        all &= answer.served;
        for line in &answer.lines {
            writeln!(out, "{line}")?;
        }
    }
    Ok(all)
}

fn answer(model: &Model, peer: &Peer, asked: &Asked, uri: &str) -> Answer {
    match &asked.head(uri, peer) {
        Ok(head) => Question { model, head, peer }.answer(),
        Err(reason) => Answer {
            lines: vec![format!("no worker: {reason}; the answer is 400")],
            ..Answer::default()
        },
    }
}

fn first_listener(model: &Model) -> SocketAddr {
    let any = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let first = model.listen.first();
    let (address, port) = first.map_or((None, 80), |listen| (listen.address, listen.port));
    SocketAddr::new(address.unwrap_or(any), port)
}

const fn loopback_like(local: SocketAddr) -> IpAddr {
    match local {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    }
}
