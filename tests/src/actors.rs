//! Recording AJP backends that play scripts, on the codec of the library's server side.

use std::{
    collections::HashMap,
    net::{Shutdown, SocketAddr, TcpStream},
    sync::Arc,
    thread,
};

use parking_lot::{Condvar, Mutex};
use socket2::{Domain, Socket, Type};

use crate::{
    forwarded::Forwarded,
    script::{Act, Door, Script},
    wait::{LONG, wait_until},
};

use self::scene::Scene;

mod scene;

/// Backends with names, and one record of what they all get.
#[derive(Debug)]
pub struct Actors {
    list: Vec<Arc<Actor>>,
    stage: Arc<Stage>,
}

/// Connections on which no request came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Idle {
    /// How many.
    pub connections: usize,
    /// CPings on them.
    pub cpings: usize,
}

#[derive(Debug)]
struct Actor {
    name: String,
    socket: Socket,
    address: SocketAddr,
    part: Mutex<Part>,
    connections: Mutex<Connections>,
}

/// What it plays, and how many requests it has had with it.
#[derive(Debug, Default)]
struct Part {
    script: Script,
    requests: usize,
}

#[derive(Debug, Default)]
struct Connections {
    open: HashMap<usize, TcpStream>,
    next: usize,
    /// CPings on those that have had no request yet.
    unused: HashMap<usize, usize>,
}

#[derive(Debug, Default)]
struct Stage {
    record: Mutex<Vec<Forwarded>>,
    /// How many were taken from the record.
    taken: Mutex<usize>,
    released: Mutex<bool>,
    release: Condvar,
}

impl Actors {
    /// Backends by name and script, each on a free port of 127.0.0.1.
    pub fn new<'a>(parts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let stage = Arc::<Stage>::default();
        let list = parts.into_iter().map(|(name, script)| {
            let actor = Arc::new(Actor::new(name));
            actor.play(Script::parse(script), &stage);
            actor
        });
        Self {
            list: list.collect(),
            stage: stage.clone(),
        }
    }

    /// Names and addresses in order.
    pub fn addresses(&self) -> impl Iterator<Item = (&str, SocketAddr)> {
        self.list.iter().map(|actor| (&*actor.name, actor.address))
    }

    /// Lets a backend play something else from now on.
    pub fn play(&self, name: &str, script: &str) {
        let actor = self.list.iter().find(|actor| actor.name == name);
        let actor = actor.unwrap_or_else(|| panic!("no backend {name}"));
        actor.play(Script::parse(script), &self.stage);
    }

    /// What was heard since the last time, in the order in which it came.
    pub fn take_record(&self) -> Vec<Forwarded> {
        let mut record = self.stage.record.lock();
        *self.stage.taken.lock() += record.len();
        std::mem::take(&mut *record)
    }

    /// Connections that came since the last time and have had no request, by backend.
    pub fn take_idle(&self) -> Vec<(String, Idle)> {
        let idle = |actor: &Arc<Actor>| {
            let unused = std::mem::take(&mut actor.connections.lock().unused);
            let idle = Idle {
                connections: unused.len(),
                cpings: unused.values().sum(),
            };
            (actor.name.clone(), idle)
        };
        let all = self.list.iter().map(idle);
        all.filter(|(_, idle)| idle.connections > 0).collect()
    }

    /// Waits until this many requests have been heard since the record was taken.
    pub fn wait_for(&self, count: usize) {
        wait_until("a request at a backend", || {
            self.stage.record.lock().len() >= count
        });
    }

    /// Waits until this many bytes of the last request's body have been read.
    pub fn wait_for_body(&self, length: usize) {
        wait_until("a part of a body at a backend", || {
            let record = self.stage.record.lock();
            record.last().is_some_and(|last| last.body.len() >= length)
        });
    }

    /// Lets all answers go that are held, also later ones, until a script changes.
    pub fn release(&self) {
        *self.stage.released.lock() = true;
        self.stage.release.notify_all();
    }
}

impl Drop for Actors {
    fn drop(&mut self) {
        self.release();
        for actor in &self.list {
            actor.leave();
        }
    }
}

impl Actor {
    fn new(name: &str) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(&any.into()).expect("a free port");
        let address = socket.local_addr().expect("an address");
        Self {
            name: name.to_owned(),
            address: address.as_socket().expect("an address of IPv4"),
            socket,
            part: Mutex::default(),
            connections: Mutex::default(),
        }
    }

    fn play(self: &Arc<Self>, script: Script, stage: &Arc<Stage>) {
        *stage.released.lock() = false;
        let door = script.door;
        let before = std::mem::replace(
            &mut *self.part.lock(),
            Part {
                script,
                requests: 0,
            },
        );
        let was_there = self.is_listening();
        match door {
            Door::Refuse => self.leave(),
            _ if !was_there => self.listen(stage.clone()),
            Door::HangUp => self.hang_up(),
            Door::Mute | Door::Open => {}
        }
        // Connections that were never answered are not of any use later.
        if before.script.door == Door::Mute {
            self.hang_up();
        }
    }

    fn is_listening(&self) -> bool {
        self.socket.is_listener().unwrap_or(false)
    }

    fn listen(self: &Arc<Self>, stage: Arc<Stage>) {
        self.socket.listen(128).expect("a socket that listens");
        let actor = self.clone();
        thread::spawn(move || {
            while let Ok((stream, _)) = actor.socket.accept() {
                let (actor, stage) = (actor.clone(), stage.clone());
                thread::spawn(move || actor.serve(stream.into(), &stage));
            }
        });
    }

    /// Refuses connections from now on; the port stays taken.
    fn leave(&self) {
        if self.is_listening() {
            self.socket.shutdown(Shutdown::Both).expect("it listens");
            wait_until("a socket that does not listen", || !self.is_listening());
        }
        self.hang_up();
    }

    fn hang_up(&self) {
        for (_, stream) in self.connections.lock().open.drain() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn door(&self) -> Door {
        self.part.lock().script.door
    }

    fn serve(&self, stream: TcpStream, stage: &Stage) {
        // Answers are several small packets: none of them shall wait for an acknowledgement.
        let _ = stream.set_nodelay(true);
        let id = self.enter(&stream);
        let mut scene = Scene::new(self, stage, stream, id);
        // An error is the end of the connection, as the script or the other side wants it.
        while scene.next().is_ok() {}
        self.connections.lock().open.remove(&id);
    }

    fn enter(&self, stream: &TcpStream) -> usize {
        let mut connections = self.connections.lock();
        let id = connections.next;
        connections.next += 1;
        connections.unused.insert(id, 0);
        if let Ok(stream) = stream.try_clone() {
            connections.open.insert(id, stream);
        }
        id
    }
}

impl Part {
    fn next_play(&mut self) -> Vec<Act> {
        let play = self.script.play(self.requests).to_vec();
        self.requests += 1;
        play
    }
}

impl Stage {
    /// Adds a request, and returns where it is.
    fn enter(&self, request: Forwarded) -> usize {
        let mut record = self.record.lock();
        record.push(request);
        *self.taken.lock() + record.len() - 1
    }

    /// Adds to the body of a request, unless it was taken already. No bytes are the body's end.
    fn add_body(&self, at: usize, bytes: &[u8]) {
        let mut record = self.record.lock();
        let at = at.checked_sub(*self.taken.lock());
        if let Some(request) = at.and_then(|at| record.get_mut(at)) {
            request.body.extend_from_slice(bytes);
            if bytes.is_empty() {
                request.body_ended = true;
            } else {
                request.body_packets.push(bytes.len());
            }
        }
    }

    fn wait_for_release(&self) {
        let mut released = self.released.lock();
        while !*released && !self.release.wait_for(&mut released, LONG).timed_out() {}
    }
}
