//! `jkd ajp get`.

use std::{
    error::Error,
    fs::File,
    future::poll_fn,
    io::{self, BufWriter, Write},
    path::PathBuf,
    pin::Pin,
    process::ExitCode,
    time::Duration,
};

use ajp13::{
    Body, PingPolicy, Pool, PoolOptions, SendOptions,
    wire::{
        PacketSize,
        frame::Direction,
        stream::{self, Secrets},
    },
};
use bytes::BytesMut;
use http::Response;
use http_body::Body as _;
use http_body_util::Full;

use super::{
    super::{FAILED, Outcome},
    request::{Request, RequestArgs},
};

/// Ask a Tomcat directly: the curl of AJP
///
/// Prints the body of the answer, with -i also status and headers, with -v also the request.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  jkd ajp get ajp://127.0.0.1:8009/
  jkd ajp get -i --secret-file secret.txt ajp://tomcat1:8009/shop/cart?x=1
  jkd ajp get -d @form.txt -H 'Content-Type: application/x-www-form-urlencoded' ajp://tomcat1/login
  jkd ajp get -a remote_user=anna -a AJP_REMOTE_PORT=4711 ajp://tomcat1/whoami

Exit status: 0 when an answer came, 1 when none did, or with --fail when its status is 400 or above.")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    request: RequestArgs,
    /// Print status and headers of the answer in front of its body
    #[arg(short, long)]
    include: bool,
    /// Print the request packet, without its secrets, and status and headers, to standard error
    #[arg(short, long)]
    verbose: bool,
    /// Write the body to a file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Exit with 1 when the status is 400 or above
    #[arg(long)]
    fail: bool,
    /// Milliseconds to wait for the connection, and for each part of the answer
    #[arg(long, value_name = "MS", default_value_t = 30_000)]
    timeout: u64,
    /// The largest packet in bytes, as the connector's packetSize: 8192 to 65536
    #[arg(long, value_name = "BYTES", default_value_t = 8192)]
    packet_size: usize,
}

pub(super) fn main(args: Args) -> Outcome {
    let size =
        PacketSize::new(args.packet_size).ok_or("--packet-size is a number from 8192 to 65536")?;
    let request = Request::new(args.request)?;
    if args.verbose {
        show_request(&request, size)?;
    }
    let timeout = Duration::from_millis(args.timeout.max(1));
    let out: Box<dyn Write> = match &args.output {
        Some(path) => Box::new(File::create(path)?),
        None => Box::new(io::stdout().lock()),
    };
    let mut out = BufWriter::new(out);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let status = runtime.block_on(async {
        let response = send(request, size, timeout).await?;
        if args.verbose {
            write_head(&response, &mut io::stderr().lock())?;
        }
        if args.include {
            write_head(&response, &mut out)?;
        }
        let status = response.status();
        write_body(response.into_body(), &mut out).await?;
        out.flush()?;
        Ok::<_, Box<dyn Error>>(status)
    })?;
    let failed = args.fail && status.as_u16() >= 400;
    Ok(ExitCode::from(if failed { FAILED } else { 0 }))
}

fn show_request(request: &Request, size: PacketSize) -> Result<(), Box<dyn Error>> {
    let mut packet = BytesMut::new();
    request.write(&mut packet, size)?;
    let mut err = io::stderr().lock();
    for item in stream::packets(Direction::Request, &packet) {
        writeln!(err, "{}", item.show(Secrets::Redacted))?;
    }
    Ok(())
}

/// Sends on a connection of its own, which is closed afterwards. No CPing: the request itself asks
/// whether somebody answers.
async fn send(
    request: Request,
    packet_size: PacketSize,
    timeout: Duration,
) -> Result<Response<Body>, Box<dyn Error>> {
    let options = PoolOptions {
        connect_timeout: Some(timeout),
        ping: PingPolicy::NEVER,
        packet_size,
        ..PoolOptions::default()
    };
    let how = SendOptions {
        announced: request.announced(),
        head_only: request.is_head(),
        reply_timeout: Some(timeout),
        ..SendOptions::default()
    };
    let connection = Pool::new(request.address.clone(), options)
        .checkout()
        .await?;
    let body = Full::new(request.body.clone());
    let write = |packet: &mut BytesMut, size| request.write(packet, size);
    let sent = connection.send(write, body, how).await;
    sent.map_err(|failed| failed.error.into())
}

fn write_head(response: &Response<Body>, out: &mut impl Write) -> io::Result<()> {
    let status = response.status();
    let reason = status.canonical_reason().unwrap_or_default();
    writeln!(out, "{} {reason}", status.as_u16())?;
    for (name, value) in response.headers() {
        write!(out, "{name}: ")?;
        out.write_all(value.as_bytes())?;
        writeln!(out)?;
    }
    writeln!(out)
}

async fn write_body(mut body: Body, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        if let Ok(data) = frame?.into_data() {
            out.write_all(&data)?;
        }
    }
    if let Some(hint) = body.refusal_hint() {
        eprintln!("jkd: {hint}");
    }
    Ok(())
}
