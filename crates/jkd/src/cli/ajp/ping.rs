//! `jkd ajp ping`.

use std::{
    io::{self, ErrorKind, Read as _, Write},
    net::{SocketAddr, TcpStream, ToSocketAddrs as _},
    process::ExitCode,
    thread,
    time::Duration,
};

use ajp13::wire::{CPING, CPONG};
use tokio::time::Instant;

use super::super::{FAILED, Outcome};

/// Ask a Tomcat whether it answers
///
/// Connects, sends a CPing and waits for the CPong; with --count several times on one connection.
/// Needs no secret: Tomcat answers CPings without one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  jkd ajp ping 127.0.0.1:8009

Exit status: 0 when every CPing was answered, else 1.")]
pub(in crate::cli) struct Args {
    /// Address of the AJP connector
    #[arg(value_name = "HOST:PORT")]
    address: String,
    /// How many CPings to send
    #[arg(short, long, value_name = "N", default_value_t = 1)]
    count: u32,
    /// Milliseconds to wait for the connection, and then for each CPong
    #[arg(short, long, value_name = "MS", default_value_t = 2000)]
    timeout: u64,
    /// Milliseconds between two CPings
    #[arg(short, long, value_name = "MS", default_value_t = 1000)]
    interval: u64,
}

pub(super) fn main(args: &Args) -> Outcome {
    let timeout = Duration::from_millis(args.timeout.max(1));
    let mut out = io::stdout().lock();
    let (mut stream, peer) = match connect(&args.address, timeout) {
        Ok(connected) => connected,
        Err(error) => {
            writeln!(out, "{}: no connection: {error}", args.address)?;
            return Ok(ExitCode::from(FAILED));
        }
    };
    for number in 0..args.count {
        if number > 0 {
            thread::sleep(Duration::from_millis(args.interval));
        }
        let start = Instant::now();
        if let Err(why) = ping(&mut stream) {
            writeln!(out, "{peer}: no CPong: {why}")?;
            return Ok(ExitCode::from(FAILED));
        }
        let ms = start.elapsed().as_secs_f64() * 1000.0;
        writeln!(out, "CPong from {peer} in {ms:.3} ms")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The first of the host's addresses that accepts.
fn connect(address: &str, timeout: Duration) -> io::Result<(TcpStream, SocketAddr)> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for peer in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&peer, timeout) {
            Ok(stream) => {
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))?;
                stream.set_nodelay(true)?;
                return Ok((stream, peer));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn ping(stream: &mut TcpStream) -> Result<(), String> {
    stream.write_all(&CPING).map_err(|error| explain(&error))?;
    let mut answer = [0; CPONG.len()];
    stream
        .read_exact(&mut answer)
        .map_err(|error| explain(&error))?;
    match &answer {
        pong if *pong == CPONG => Ok(()),
        b"HTTP/" => Err("the port speaks HTTP, not AJP".to_owned()),
        other => Err(format!(
            "the answer begins with \"{}\"",
            other.escape_ascii()
        )),
    }
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => "the port accepts but does not answer: \
            Tomcat is stuck, or its connector did not start because it has no secret"
            .to_owned(),
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset => {
            "the connection was closed: the port may not speak AJP".to_owned()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// What is said about a peer that answers so.
    fn pinged(answer: &'static [u8]) -> Result<(), String> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let peer = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_exact(&mut [0; 5]).unwrap();
            stream.write_all(answer).unwrap();
        });
        let (mut stream, _) = connect(&address, Duration::from_secs(60)).unwrap();
        let result = ping(&mut stream);
        peer.join().unwrap();
        result
    }

    #[test]
    fn a_cpong_is_an_answer_and_anything_else_is_explained() {
        assert_eq!(pinged(b"AB\x00\x01\x09"), Ok(()));
        assert_eq!(
            pinged(b"HTTP/1.1 400").unwrap_err(),
            "the port speaks HTTP, not AJP"
        );
        assert_eq!(
            pinged(b"AB\x00\x01\x08").unwrap_err(),
            "the answer begins with \"AB\\x00\\x01\\x08\""
        );
        assert!(
            pinged(b"")
                .unwrap_err()
                .starts_with("the connection was closed")
        );
    }
}
