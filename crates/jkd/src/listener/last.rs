//! The last clients of a socket that is going to be closed.

use std::net::SocketAddr;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};

use super::{Pause, is_of_files, is_the_clients};

/// Lets those in who wait to be accepted: the system has let them in, and would reset them when the
/// socket is closed. It is asked itself, without the runtime in between, which would not know of
/// those that came a moment ago; so only a moment passes between its last word and the end.
///
/// Where files are wanting they wait for those of connections that end, for as long as there is time
/// for the end at all. `is_kept`: somebody else has the socket, too.
pub(super) async fn accept(
    listener: TcpListener,
    is_kept: bool,
    begin: impl Fn((TcpStream, SocketAddr)),
) {
    let Ok(listener) = listener.into_std() else {
        return;
    };
    let (mut pause, mut waiting) = (Pause::default(), None);
    loop {
        match listener.accept() {
            Ok((stream, address)) => {
                pause.reset();
                if let Some(stream) = registered(stream) {
                    begin((stream, address));
                }
            }
            Err(error) if is_the_clients(&error) => {}
            Err(error) if is_of_files(&error) => {
                waiting.get_or_insert_with(|| Waiting::new(&listener, is_kept));
                pause.after(&error).await;
            }
            Err(_) => break,
        }
    }
    if let Some(waiting) = waiting {
        waiting.finish();
    }
}

fn registered(stream: std::net::TcpStream) -> Option<TcpStream> {
    stream.set_nonblocking(true).ok()?;
    TcpStream::from_std(stream).ok()
}

/// Clients that wait for a file: they are lost when it is dropped before that is over.
struct Waiting {
    is_over: bool,
}

impl Waiting {
    fn new(listener: &std::net::TcpListener, is_kept: bool) -> Self {
        tracing::warn!(
            "too many open files: clients who wait to be accepted are let in when others have gone"
        );
        if !is_kept {
            // Nobody comes to those who wait.
            let _ = SockRef::from(listener).listen(0);
        }
        Self { is_over: false }
    }

    fn finish(mut self) {
        self.is_over = true;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.is_over {
            tracing::error!("too many open files: clients who waited to be accepted are cut off");
        }
    }
}
