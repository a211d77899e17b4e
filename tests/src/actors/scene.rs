//! One connection of one backend.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    thread,
    time::Duration,
};

use ajp13::wire::{
    CPONG, Data, EndResponse, GetBodyChunk, PacketSize, RequestPacket, SendBodyChunk,
    SendHeadersWriter,
    frame::{Direction, HEADER, MAX_PAYLOAD, payload_len},
};
use bytes::BytesMut;
use socket2::SockRef;

use super::{Actor, Stage};
use crate::{
    forwarded::Forwarded,
    script::{Act, Door, Head},
};

/// One connection of one backend.
pub(super) struct Scene<'a> {
    actor: &'a Actor,
    stage: &'a Stage,
    stream: TcpStream,
    id: usize,
    fresh: bool,
    cpings: usize,
    /// Where its present request is in the whole record.
    at: usize,
    /// Whether it has said that the connection must not be used again.
    ended: bool,
}

impl<'a> Scene<'a> {
    pub(super) fn new(actor: &'a Actor, stage: &'a Stage, stream: TcpStream, id: usize) -> Self {
        Self {
            actor,
            stage,
            stream,
            id,
            fresh: true,
            cpings: 0,
            at: 0,
            ended: false,
        }
    }

    /// Plays what comes next. An error is the end of the connection.
    pub(super) fn next(&mut self) -> io::Result<()> {
        if self.actor.door() == Door::HangUp {
            return Err(gone());
        }
        let payload = self.packet()?;
        match self.actor.door() {
            Door::Open => {}
            Door::Mute => return self.listen_only(),
            Door::HangUp | Door::Refuse => return Err(gone()),
        }
        match RequestPacket::decode(&payload) {
            Ok(RequestPacket::CPing) => {
                self.cpings += 1;
                let mut connections = self.actor.connections.lock();
                if let Some(cpings) = connections.unused.get_mut(&self.id) {
                    *cpings += 1;
                }
                drop(connections);
                self.stream.write_all(&CPONG)
            }
            _ => self.request(&payload),
        }
    }

    fn request(&mut self, payload: &[u8]) -> io::Result<()> {
        self.actor.connections.lock().unused.remove(&self.id);
        let after_end = if self.ended { ", after the end" } else { "" };
        let request = Forwarded {
            by: format!("{}{after_end}", self.actor.name),
            fresh: std::mem::take(&mut self.fresh),
            cpings: std::mem::take(&mut self.cpings),
            ..Forwarded::read(payload)
        };
        let announces_body = request.announces_body();
        let play = self.actor.part.lock().next_play();
        self.at = self.stage.enter(request);
        if announces_body {
            self.data()?;
        }
        play.iter().try_for_each(|act| self.act(act))
    }

    fn act(&mut self, act: &Act) -> io::Result<()> {
        match act {
            Act::Ask(most) => self.ask(*most).map(drop),
            Act::Body(bytes) => self.chunk(bytes),
            Act::Bytes(count) => self.chunk(&letters(&self.actor.name, *count)),
            Act::Close => Err(gone()),
            Act::Delay(time) => {
                thread::sleep(*time);
                Ok(())
            }
            // Without reuse it is for the other side to close.
            Act::End { reuse } => {
                self.ended = !reuse;
                let end = EndResponse { reuse: *reuse };
                self.stream.write_all(&end.to_bytes())
            }
            Act::Head(head) => self.head(head),
            Act::Hold => {
                self.stage.wait_for_release();
                Ok(())
            }
            Act::Name => self.chunk(self.actor.name.as_bytes()),
            Act::Packet(payload) => self.stream.write_all(&framed(payload)),
            Act::Raw(bytes) => self.stream.write_all(bytes),
            Act::Read => {
                while self.ask(GetBodyChunk::full(PacketSize::DEFAULT).wanted)? > 0 {}
                Ok(())
            }
            Act::Reset => {
                let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
                Err(gone())
            }
            Act::Silent => self.listen_only(),
        }
    }

    fn head(&mut self, head: &Head) -> io::Result<()> {
        let mut packet = BytesMut::new();
        let size = PacketSize::MAX;
        let mut writer =
            SendHeadersWriter::begin(&mut packet, size, head.status, Some(&head.reason));
        for (name, value) in &head.headers {
            writer.header(name, value);
        }
        writer.finish().map_err(io::Error::other)?;
        self.stream.write_all(&packet)
    }

    /// The bytes in as many packets as they need; none are a flush.
    fn chunk(&mut self, bytes: &[u8]) -> io::Result<()> {
        let size = PacketSize::DEFAULT;
        if bytes.is_empty() {
            return self.stream.write_all(&SendBodyChunk::FLUSH);
        }
        for data in bytes.chunks(size.max_chunk()) {
            let mut packet = BytesMut::new();
            let chunk = SendBodyChunk { data };
            chunk.encode(&mut packet, size).map_err(io::Error::other)?;
            self.stream.write_all(&packet)?;
        }
        Ok(())
    }

    /// Asks for body, and returns how much came.
    fn ask(&mut self, wanted: u16) -> io::Result<usize> {
        self.stream.write_all(&GetBodyChunk { wanted }.to_bytes())?;
        self.data()
    }

    fn data(&mut self) -> io::Result<usize> {
        let payload = self.packet()?;
        let bytes = Data::decode(&payload).map_err(io::Error::other)?.bytes();
        self.stage.add_body(self.at, bytes);
        Ok(bytes.len())
    }

    fn packet(&mut self) -> io::Result<Vec<u8>> {
        let mut head = [0; HEADER];
        self.stream.read_exact(&mut head)?;
        let length = payload_len(Direction::Request, &head, MAX_PAYLOAD);
        let length = length.map_err(io::Error::other)?.ok_or_else(gone)?;
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload)?;
        Ok(payload)
    }

    /// Until the other side closes.
    fn listen_only(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        while self.stream.read(&mut buffer)? > 0 {}
        Err(gone())
    }
}

fn gone() -> io::Error {
    io::Error::other("the end, as the script or the other side wants it")
}

fn framed(payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("an AJP length");
    [&b"AB"[..], &length.to_be_bytes(), payload].concat()
}

/// Text of this length, in which each place can be told from its neighbours.
fn letters(name: &str, count: usize) -> Vec<u8> {
    let numbered = (0..).flat_map(|number| format!("{name}{number},").into_bytes());
    numbered.take(count).collect()
}
