//! `jkd ajp dump`: one direction of a captured connection, packet by packet.

use std::{
    fs, io,
    io::{BufWriter, Read as _, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use ajp13::wire::{
    Error,
    frame::Direction,
    stream::{self, Content, Secrets},
};

use super::super::{FAILED, Outcome};

/// Print the packets of a captured stream
///
/// FILE holds the bytes of one direction of one connection, as tcpflow or Wireshark's "follow
/// stream" (raw) save them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  jkd ajp dump --direction request  to-tomcat.bin
  jkd ajp dump --direction response --verify from-tomcat.bin

A packet whose frame is whole and whose content is malformed is shown as such and kept as it is:
captures of attacks and accidents are full of them.

Exit status: 0, or 1 when the bytes are no packets or end inside one, or when with --verify a
packet is encoded differently.")]
pub(in crate::cli) struct Args {
    /// Which way the bytes went: from the web server to Tomcat (request), or back (response)
    #[arg(long, value_name = "DIRECTION")]
    direction: Way,
    /// Encode each packet again, and fail at the first byte that differs
    #[arg(long)]
    verify: bool,
    /// Print secrets and Authorization headers as they are
    #[arg(long)]
    show_secrets: bool,
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
    let bytes = read(&args.file)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let good = dump(&bytes, args, &mut out)?;
    out.flush()?;
    Ok(ExitCode::from(if good { 0 } else { FAILED }))
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

/// Prints every packet up to the first that differs, and the sum; says whether all were good.
fn dump(bytes: &[u8], args: &Args, out: &mut impl Write) -> io::Result<bool> {
    let direction = match args.direction {
        Way::Request => Direction::Request,
        Way::Response => Direction::Response,
    };
    let secrets = if args.show_secrets {
        Secrets::Shown
    } else {
        Secrets::Redacted
    };
    let (mut packets, mut malformed, mut whole) = (0_usize, 0_usize, true);
    for item in stream::packets(direction, bytes) {
        writeln!(out, "{}", item.show(secrets))?;
        packets += 1;
        match item.content {
            Content::Incomplete | Content::Malformed(Error::BadMagic { .. }) => whole = false,
            Content::Malformed(_) => {
                malformed += 1;
                continue;
            }
            _ => {}
        }
        if let (true, Err(mismatch)) = (args.verify, item.verify()) {
            writeln!(out, "packet {packets} does not verify: {mismatch}")?;
            return Ok(false);
        }
    }
    let length = bytes.len();
    writeln!(
        out,
        "{packets} packets, {malformed} malformed, {length} bytes"
    )?;
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CPING: &[u8] = b"\x12\x34\x00\x01\x0a";

    fn dumped(bytes: &[u8], direction: Way, verify: bool) -> (String, bool) {
        let args = Args {
            direction,
            verify,
            show_secrets: false,
            file: PathBuf::new(),
        };
        let mut out = Vec::new();
        let good = dump(bytes, &args, &mut out).unwrap();
        (String::from_utf8(out).unwrap(), good)
    }

    #[test]
    fn good_packets_are_counted() {
        let (text, good) = dumped(&[CPING, CPING].concat(), Way::Request, true);
        assert!(
            good && text.ends_with("2 packets, 0 malformed, 10 bytes\n"),
            "{text}"
        );
    }

    #[test]
    fn a_cut_stream_and_the_wrong_direction_are_failures() {
        for (bytes, way) in [(&CPING[..4], Way::Request), (CPING, Way::Response)] {
            let (text, good) = dumped(bytes, way, false);
            assert!(!good && text.contains("1 packets, 0 malformed"), "{text}");
        }
    }

    #[test]
    fn a_malformed_packet_in_a_whole_frame_does_not_end_the_walk() {
        let stream = [b"\x12\x34\x00\x02\x02\x1c", CPING].concat();
        let (text, good) = dumped(&stream, Way::Request, true);
        assert!(
            good && text.ends_with("2 packets, 1 malformed, 11 bytes\n"),
            "{text}"
        );
    }

    #[test]
    fn verify_stops_at_the_first_byte_that_differs() {
        // A CPing with bytes behind its code byte is read well and written shorter.
        let stream = [b"\x12\x34\x00\x03\x0a++", CPING].concat();
        assert!(dumped(&stream, Way::Request, false).1);
        let (text, good) = dumped(&stream, Way::Request, true);
        assert!(!good, "{text}");
        assert!(
            text.ends_with("byte 3: recorded 03, encoded 01\n"),
            "{text}"
        );
    }
}
