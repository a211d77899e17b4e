//! `jkd ajp dump`: one direction of a captured connection, packet by packet.

mod body;
mod print;

use std::{
    error::Error,
    fs, io,
    io::{BufWriter, Read as _, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use ajp13::wire::{
    self, Data, PacketSize, RequestPacket, ResponsePacket,
    frame::{self, Direction},
};
use bytes::BytesMut;

use self::body::BodyTracker;
use super::Outcome;

/// Print the packets of a captured stream
///
/// FILE holds the bytes of one direction of one connection, as `tcpflow` or Wireshark's "follow
/// stream" saves them. Secrets and passwords are not printed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  jkd ajp dump --direction request  client-to-tomcat.bin
  jkd ajp dump --direction response --verify tomcat-to-client.bin

Exit status: 0, or 1 when the stream ends in the middle of a packet, cannot be decoded, or, with
--verify, is encoded differently.")]
pub(in crate::cli) struct Args {
    /// Which way the bytes went: from the web server to Tomcat (request), or back (response)
    #[arg(long, value_name = "DIRECTION")]
    direction: Way,
    /// Encode each packet again, and fail at the first byte that differs
    #[arg(long)]
    verify: bool,
    /// The captured bytes; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Way {
    Request,
    Response,
}

pub(super) fn main(args: &Args) -> Outcome {
    let stream = read(&args.file)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let result = dump(&stream, args.direction, args.verify, &mut out);
    out.flush()?;
    let packets = result?;
    writeln!(out, "{packets} packets, {} bytes", stream.len())?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// What is wrong with a stream, and at which of its bytes.
#[derive(Debug, thiserror::Error)]
enum Wrong {
    #[error("packet {packet} at byte {at}: {error}")]
    Undecodable {
        packet: usize,
        at: usize,
        error: wire::Error,
    },
    #[error("packet {packet} at byte {at}: the stream ends after {have} of its bytes")]
    Incomplete {
        packet: usize,
        at: usize,
        have: usize,
    },
    #[error("packet {packet} at byte {at}: {error}")]
    Unencodable {
        packet: usize,
        at: usize,
        error: wire::TooLarge,
    },
    #[error("packet {packet} at byte {at}: byte {difference} is encoded as {ours}, not {theirs}")]
    Different {
        packet: usize,
        at: usize,
        difference: usize,
        ours: Byte,
        theirs: Byte,
    },
}

/// A byte in hexadecimal, or the end of a packet.
#[derive(Clone, Copy, Debug)]
struct Byte(Option<u8>);

impl std::fmt::Display for Byte {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(byte) => write!(f, "{byte:02x}"),
            None => f.write_str("the end of the packet"),
        }
    }
}

/// A packet of either direction.
enum Packet<'a> {
    Request(RequestPacket<'a>),
    Response(ResponsePacket<'a>),
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    fs::read(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// Prints every packet; returns how many there were.
fn dump(
    stream: &[u8],
    way: Way,
    verify: bool,
    out: &mut impl Write,
) -> Result<usize, Box<dyn Error>> {
    let direction = match way {
        Way::Request => Direction::Request,
        Way::Response => Direction::Response,
    };
    let (mut rest, mut packet, mut body) = (stream, 0, BodyTracker::default());
    while !rest.is_empty() {
        let at = stream.len() - rest.len();
        let undecodable = |error| Wrong::Undecodable { packet, at, error };
        let frame = frame::split(direction, rest, frame::MAX_PAYLOAD).map_err(undecodable)?;
        let Some(frame) = frame else {
            let have = rest.len();
            return Err(Wrong::Incomplete { packet, at, have }.into());
        };
        let decoded = match way {
            Way::Request => body.decode(frame.payload).map(Packet::Request),
            Way::Response => ResponsePacket::decode(frame.payload).map(Packet::Response),
        };
        let decoded = decoded.map_err(undecodable)?;
        let (bytes, after) = rest.split_at(frame.packet_len());
        print::packet(out, packet, at, bytes.len(), &decoded)?;
        if verify {
            compare(packet, at, bytes, &decoded)?;
        }
        (rest, packet) = (after, packet + 1);
    }
    Ok(packet)
}

fn compare(packet: usize, at: usize, bytes: &[u8], decoded: &Packet<'_>) -> Result<(), Wrong> {
    let mut ours = BytesMut::new();
    let encoded = match decoded {
        // A frame can announce a few bytes more than the largest packet that may be written.
        Packet::Request(RequestPacket::Data(Data::Bytes(data)))
            if data.len() > PacketSize::MAX.max_data() =>
        {
            return Ok(());
        }
        Packet::Request(request) => request.encode(&mut ours, PacketSize::MAX),
        Packet::Response(response) => response.encode(&mut ours, PacketSize::MAX),
    };
    encoded.map_err(|error| Wrong::Unencodable { packet, at, error })?;
    let length = bytes.len().max(ours.len());
    match (0..length).find(|&i| bytes.get(i) != ours.get(i)) {
        None => Ok(()),
        Some(difference) => Err(Wrong::Different {
            packet,
            at,
            difference,
            ours: Byte(ours.get(difference).copied()),
            theirs: Byte(bytes.get(difference).copied()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CPING: &[u8] = b"\x12\x34\x00\x01\x0a";

    /// A POST of 3 bytes with a secret, its body, the end of the body in the long form, a CPing.
    fn post() -> Vec<u8> {
        use ajp13::wire::{Attribute, ForwardRequestWriter, Method, RequestLine};
        let mut stream = BytesMut::new();
        let line = RequestLine {
            method: Method::from_name(b"POST"),
            protocol: Some(b"HTTP/1.1"),
            uri: Some(b"/a"),
            remote_addr: Some(b"192.0.2.1"),
            remote_host: None,
            server_name: Some(b"shop.example"),
            server_port: 80,
            is_ssl: false,
        };
        let mut writer = ForwardRequestWriter::begin(&mut stream, PacketSize::DEFAULT, &line);
        writer
            .header(b"content-length", b"3")
            .header(b"x-own", b"\xE9\n");
        writer.attribute(&Attribute::Secret(b"hush"));
        writer.finish().unwrap();
        stream.extend_from_slice(b"\x12\x34\x00\x05\x00\x03abc\x12\x34\x00\x02\x00\x00");
        stream.extend_from_slice(CPING);
        stream.to_vec()
    }

    fn dumped(stream: &[u8], way: Way) -> Result<String, String> {
        let mut out = Vec::new();
        let result = dump(stream, way, true, &mut out);
        result.map_err(|error| error.to_string())?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_request_stream_is_readable_and_keeps_its_secret() {
        insta::assert_snapshot!(dumped(&post(), Way::Request).unwrap());
    }

    #[test]
    fn a_response_stream_is_readable() {
        let stream = b"AB\x00\x19\x04\x00\xc8\x00\x02OK\x00\x00\x01\xa0\x01\x00\x0atext/plain\x00\
            AB\x00\x07\x03\x00\x03hey\x00AB\x00\x04\x03\x00\x00\x00AB\x00\x03\x06\x1f\xfa\
            AB\x00\x02\x05\x01AB\x00\x01\x09";
        insta::assert_snapshot!(dumped(stream, Way::Response).unwrap());
    }

    #[test]
    fn a_cut_stream_says_where_it_ends() {
        let stream = post();
        let cut = stream.get(..stream.len() - 1).unwrap();
        let error = dumped(cut, Way::Request).unwrap_err();
        assert!(error.starts_with("packet 3 at byte"), "{error}");
        assert!(
            error.ends_with("the stream ends after 4 of its bytes"),
            "{error}"
        );
    }

    #[test]
    fn verify_finds_the_first_byte_that_differs() {
        // Four bytes of payload where a CPing has one.
        let error = dumped(b"\x12\x34\x00\x04\x0amore", Way::Request);
        assert!(error.is_err(), "incomplete");
        let error = dumped(b"\x12\x34\x00\x05\x0amore", Way::Request).unwrap_err();
        assert_eq!(error, "packet 0 at byte 0: byte 3 is encoded as 01, not 05");
    }

    #[test]
    fn the_wrong_direction_is_an_error() {
        let error = dumped(CPING, Way::Response).unwrap_err();
        assert!(
            error.starts_with("packet 0 at byte 0: a packet begins with 12 34"),
            "{error}"
        );
    }
}
