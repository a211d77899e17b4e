//! A wire between jkd and a member that can be troubled, and counts what goes over it.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool, atomic::Ordering::SeqCst},
    time::Duration,
};

use parking_lot::Mutex;
use socket2::{Domain, SockRef, Socket, Type};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    runtime::Handle,
    select, spawn,
    sync::watch,
    time::sleep,
};

use crate::{
    dice::Dice,
    ledger::{Current, END_RESPONSE, Ledger},
};

/// What the wire does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wire {
    Through,
    /// Some answers break off inside a packet.
    Cuts,
    /// Some packets are none.
    Garbles,
    /// Connections end with the answer, and when they are idle.
    HangsUp,
    /// Whatever comes waits.
    Mute,
    /// Packets come in pieces.
    Pieces,
    /// Nobody listens.
    Refuses,
    /// Some connections are reset inside an answer.
    Resets,
    /// Everything takes its time.
    Slow,
    /// Whatever comes is lost.
    Swallows,
}

/// The wire of one member.
#[derive(Debug)]
pub(crate) struct Relay {
    /// What jkd takes for the member.
    pub(crate) address: SocketAddr,
    line: Arc<Line>,
}

#[derive(Debug)]
struct Line {
    node: SocketAddr,
    wire: watch::Sender<Wire>,
    ledger: Mutex<Ledger>,
    dice: Mutex<Dice>,
    /// Keeps the port.
    _taken: Socket,
}

impl Relay {
    /// A wire to a member at this address.
    pub(crate) fn to(node: SocketAddr, dice: Dice, runtime: &Handle) -> Self {
        let taken = socket(([127, 0, 0, 1], 0).into());
        let address = taken.local_addr().expect("an address").as_socket();
        let address = address.expect("an address of IPv4");
        let line = Arc::new(Line {
            node,
            wire: watch::Sender::new(Wire::Through),
            ledger: Mutex::default(),
            dice: Mutex::new(dice),
            _taken: taken,
        });
        runtime.spawn(line.clone().listen(address));
        Self { address, line }
    }

    pub(crate) fn set(&self, wire: Wire) {
        self.line.wire.send_replace(wire);
    }

    pub(crate) fn ledger(&self) -> Ledger {
        self.line.ledger.lock().clone()
    }
}

impl Line {
    fn now(&self) -> Wire {
        *self.wire.borrow()
    }

    async fn listen(self: Arc<Self>, address: SocketAddr) {
        let mut wire = self.wire.subscribe();
        loop {
            let refuses = |wire: &Wire| *wire == Wire::Refuses;
            if wire.wait_for(|wire| !refuses(wire)).await.is_err() {
                return;
            }
            let socket = socket(address);
            socket.listen(1024).expect("a socket that listens");
            socket.set_nonblocking(true).expect("an option");
            let listener = TcpListener::from_std(socket.into()).expect("a listener");
            loop {
                select! {
                    biased;
                    Ok((stream, _)) = listener.accept() => {
                        spawn(self.clone().carry(stream));
                    }
                    _ = wire.wait_for(refuses) => break,
                }
            }
        }
    }

    async fn carry(self: Arc<Self>, jkd: TcpStream) {
        self.ledger.lock().connections += 1;
        let _ = jkd.set_nodelay(true);
        let node = TcpStream::connect(self.node).await;
        let current = Mutex::new(None);
        let (from_jkd, mut to_jkd) = jkd.into_split();
        let Ok(node) = node else {
            // As a member that dies: what jkd has sent by then counts as sent.
            let _ = to_jkd.shutdown().await;
            self.up(from_jkd, None, &current).await;
            return;
        };
        let _ = node.set_nodelay(true);
        let (from_node, to_node) = node.into_split();
        let is_reset = AtomicBool::new(false);
        let down = async {
            let end = self.down(from_node, &mut to_jkd, &current).await;
            if matches!(end, Ok(End::Reset)) {
                is_reset.store(true, SeqCst);
                return;
            }
            let _ = to_jkd.shutdown().await;
            std::future::pending::<()>().await;
        };
        select! {
            () = self.up(from_jkd, Some(to_node), &current) => {}
            () = down => {}
        }
        if is_reset.load(SeqCst) {
            self.ledger.lock().resets += 1;
            let stream: &TcpStream = to_jkd.as_ref();
            let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
        }
    }

    /// From jkd to the member, until jkd closes.
    async fn up(
        &self,
        mut jkd: OwnedReadHalf,
        mut node: Option<OwnedWriteHalf>,
        current: &Mutex<Current>,
    ) {
        let mut seen = Vec::new();
        let mut piece = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = jkd.read(&mut piece).await {
            let piece = &piece[..length];
            seen.extend_from_slice(piece);
            while let Some(packet) = take_packet(&mut seen) {
                self.ledger.lock().up(&mut current.lock(), &packet);
            }
            if !self.lets_pass().await {
                node = None;
            }
            if let Some(stream) = &mut node
                && stream.write_all(piece).await.is_err()
            {
                // What jkd still sends is counted.
                node = None;
            }
        }
        self.ledger.lock().part(*current.lock(), seen.len());
    }

    /// From the member to jkd.
    async fn down(
        &self,
        mut node: OwnedReadHalf,
        jkd: &mut OwnedWriteHalf,
        current: &Mutex<Current>,
    ) -> io::Result<End> {
        let mut wire = self.wire.subscribe();
        let mut seen = Vec::new();
        let mut piece = vec![0; 64 * 1024];
        let mut idle = true;
        loop {
            let closes = |wire: &Wire| *wire == Wire::HangsUp && idle;
            let length = select! {
                read = node.read(&mut piece) => read?,
                _ = wire.wait_for(closes) => 0,
            };
            if length == 0 {
                // Who does not answer does not say either that it has gone.
                self.is_heard_again().await;
                jkd.write_all(&seen).await?;
                return Ok(End::Closed);
            }
            seen.extend_from_slice(&piece[..length]);
            while let Some(packet) = take_packet(&mut seen) {
                if !self.lets_pass().await {
                    self.is_heard_again().await;
                    return Ok(End::Closed);
                }
                if let Some(end) = self.passes(&packet, jkd, current).await? {
                    return Ok(end);
                }
                idle = packet.get(4) == Some(&END_RESPONSE);
            }
        }
    }

    /// Passes a packet on, or not as it should be.
    async fn passes(
        &self,
        packet: &[u8],
        jkd: &mut OwnedWriteHalf,
        current: &Mutex<Current>,
    ) -> io::Result<Option<End>> {
        let wire = self.now();
        let (trouble, at) = {
            let mut dice = self.dice.lock();
            (dice.per_mille(150), dice.below(packet.len()))
        };
        if trouble && matches!(wire, Wire::Cuts | Wire::Resets) {
            jkd.write_all(&packet[..at]).await?;
            let end = if wire == Wire::Cuts {
                End::Closed
            } else {
                End::Reset
            };
            return Ok(Some(end));
        }
        if trouble && wire == Wire::Garbles {
            self.ledger.lock().garbled(*current.lock(), packet);
            jkd.write_all(&garbled(packet, at)).await?;
            return Ok(Some(End::Closed));
        }
        self.ledger.lock().down(*current.lock(), packet);
        if wire == Wire::Pieces {
            jkd.write_all(&packet[..at]).await?;
            sleep(Duration::from_millis(1)).await;
            jkd.write_all(&packet[at..]).await?;
        } else {
            jkd.write_all(packet).await?;
        }
        let is_last = packet.get(4) == Some(&END_RESPONSE);
        Ok((wire == Wire::HangsUp && is_last).then_some(End::Closed))
    }

    /// Waits as long as the wire does; false where it loses what comes.
    async fn lets_pass(&self) -> bool {
        match self.now() {
            Wire::Mute => self.is_heard_again().await,
            Wire::Slow => {
                let pause = self.dice.lock().ms(5..80);
                sleep(pause).await;
            }
            Wire::Swallows => return false,
            _ => {}
        }
        true
    }

    async fn is_heard_again(&self) {
        let mut wire = self.wire.subscribe();
        let is_silent = |wire: &Wire| matches!(wire, Wire::Mute | Wire::Swallows);
        let _ = wire.wait_for(|wire| !is_silent(wire)).await;
    }
}

/// How the member's side of a connection ended.
enum End {
    Closed,
    Reset,
}

/// No packet any more, in one way or another. Of bodies nothing is changed: nobody could tell.
fn garbled(packet: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = packet.to_vec();
    match at % 4 {
        0 => bytes[0] = b'X',
        1 => bytes[2..4].fill(0xFF),
        2 => bytes[4] = 99,
        _ => bytes = b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
    }
    bytes
}

/// The first packet, once it is whole.
fn take_packet(seen: &mut Vec<u8>) -> Option<Vec<u8>> {
    let length = usize::from(u16::from_be_bytes([*seen.get(2)?, *seen.get(3)?])) + 4;
    (seen.len() >= length).then(|| seen.drain(..length).collect())
}

/// A socket with an address that others of the same kind may have, too, as long as they do not
/// listen.
fn socket(address: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_reuse_address(true).expect("an option");
    socket.bind(&address.into()).expect("a port that is free");
    socket
}
