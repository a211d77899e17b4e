//! The log of the system: a datagram for each line, as the C library's `syslog` sends it.

use std::{
    io,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::clock;

const PLACE: &str = "/dev/log";

/// The severity of lines that do not say theirs: `info`.
const INFO: u8 = 6;

/// What is longer is cut: so much fits into a datagram everywhere.
const LONGEST: usize = 8192;

/// A connection to whoever keeps the log of the system; looked for again where it is lost.
#[derive(Debug)]
pub(super) struct Syslog {
    place: PathBuf,
    socket: Option<UnixDatagram>,
    facility: u8,
    tag: String,
}

impl Syslog {
    pub(super) fn open(facility: u8, tag: Option<&str>) -> Self {
        Self::at(Path::new(PLACE), facility, tag)
    }

    fn at(place: &Path, facility: u8, tag: Option<&str>) -> Self {
        Self {
            place: place.to_owned(),
            // Whoever keeps it may start later.
            socket: connect(place).ok(),
            facility,
            tag: tag.unwrap_or("jkd").to_owned(),
        }
    }

    /// Sends the first of some lines. A line may begin with its severity: `<3>`.
    pub(super) fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let end = lines.iter().position(|b| *b == b'\n');
        let line = lines.get(..end.unwrap_or(lines.len())).unwrap_or_default();
        let (severity, text) = match line {
            [b'<', severity @ b'0'..=b'7', b'>', text @ ..] => (severity - b'0', text),
            text => (INFO, text),
        };
        let mut packet = String::new();
        let now = clock::since_1970(SystemTime::now());
        let priority = u16::from(self.facility) * 8 + u16::from(severity);
        let process = std::process::id();
        clock::strftime(&mut packet, "%b %e %H:%M:%S", now);
        let packet = format!("<{priority}>{packet} {}[{process}]: ", self.tag);
        let mut packet = packet.into_bytes();
        packet.extend_from_slice(text.get(..LONGEST).unwrap_or(text));
        self.send(&packet)?;
        Ok(line.len() + usize::from(end.is_some()))
    }

    fn send(&mut self, packet: &[u8]) -> io::Result<()> {
        if let Some(socket) = &self.socket {
            match socket.send(packet) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                // It was started anew.
                Err(_) => {}
            }
        }
        let socket = connect(&self.place)?;
        let sent = socket.send(packet);
        self.socket = Some(socket);
        sent.map(|_| ())
    }
}

fn connect(place: &Path) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(place)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(from: &UnixDatagram) -> String {
        let mut packet = [0; 200];
        let length = from.recv(&mut packet).unwrap();
        String::from_utf8_lossy(&packet[..length]).into_owned()
    }

    #[test]
    fn each_line_is_a_packet_with_its_priority() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("log");
        let keeper = UnixDatagram::bind(&place).unwrap();
        let mut log = Syslog::at(&place, 17, Some("shop"));
        let lines = b"<3>one [x]\ntwo\n";
        assert_eq!(log.write(lines).unwrap(), 11);
        assert_eq!(log.write(&lines[11..]).unwrap(), 4);
        let first = received(&keeper);
        let pid = std::process::id();
        assert!(first.starts_with("<139>"), "{first}");
        assert!(
            first.ends_with(&format!(" shop[{pid}]: one [x]")),
            "{first}"
        );
        assert!(received(&keeper).starts_with("<142>"));
    }

    #[test]
    fn who_keeps_it_may_come_later_and_may_start_anew() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("log");
        let mut log = Syslog::at(&place, 23, None);
        assert!(log.write(b"lost\n").is_err());
        for _ in 0..2 {
            let keeper = UnixDatagram::bind(&place).unwrap();
            log.write(b"<4>here\n").unwrap();
            assert!(received(&keeper).ends_with("]: here"));
            drop(keeper);
            std::fs::remove_file(&place).unwrap();
        }
    }
}
