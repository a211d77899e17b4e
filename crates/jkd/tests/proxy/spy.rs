//! A Tomcat that tells what it sees of its connections.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
};

use parking_lot::Mutex;

/// A Tomcat that writes down everything that happens to its connections.
pub(crate) struct Spy {
    pub(crate) address: SocketAddr,
    events: Arc<Mutex<Vec<Event>>>,
    /// Whether CPings are answered.
    pub(crate) pongs: Arc<AtomicBool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Opened(IpAddr),
    Ping,
    Request,
    Closed,
}

impl Spy {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let spy = Self {
            address: listener.local_addr().unwrap(),
            events: Arc::default(),
            pongs: Arc::new(AtomicBool::new(true)),
        };
        let (events, pongs) = (spy.events.clone(), spy.pongs.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (events, pongs) = (events.clone(), pongs.clone());
                let from = stream.peer_addr().unwrap().ip();
                events.lock().push(Event::Opened(from));
                thread::spawn(move || {
                    let _ = listen(stream, &events, &pongs);
                    events.lock().push(Event::Closed);
                });
            }
        });
        spy
    }

    pub(crate) fn count(&self, wanted: Event) -> usize {
        let events = self.events.lock();
        events.iter().filter(|event| **event == wanted).count()
    }

    pub(crate) fn opened(&self) -> usize {
        let opened = |event: &&Event| matches!(event, Event::Opened(_));
        self.events.lock().iter().filter(opened).count()
    }
}

fn listen(mut stream: TcpStream, events: &Mutex<Vec<Event>>, pongs: &AtomicBool) -> io::Result<()> {
    const ANSWER: &[u8] =
        b"AB\0\x0a\x04\0\xc8\0\x02OK\0\0\0AB\0\x07\x03\0\x03spy\0AB\0\x02\x05\x01";
    stream.set_nodelay(true)?;
    loop {
        let mut head = [0; 4];
        stream.read_exact(&mut head)?;
        let mut payload = vec![0; u16::from_be_bytes([head[2], head[3]]).into()];
        stream.read_exact(&mut payload)?;
        if payload[0] == 2 {
            events.lock().push(Event::Request);
            stream.write_all(ANSWER)?;
            continue;
        }
        events.lock().push(Event::Ping);
        if pongs.load(SeqCst) {
            stream.write_all(b"AB\0\x01\x09")?;
        }
    }
}
