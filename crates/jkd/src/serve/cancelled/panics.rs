//! Requests at which jkd itself panics: that is their end, and nobody else's.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::time::timeout;

use super::{House, PATIENCE, PLAIN, SCENES, Scene, client};

/// A client's connection whose reading panics once, after so many times.
struct Trap {
    stream: DuplexStream,
    left: Arc<AtomicUsize>,
}

impl AsyncRead for Trap {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = self.left.load(SeqCst);
        self.left.store(left.saturating_sub(1), SeqCst);
        assert_ne!(left, 1, "as asked");
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Trap {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl House {
    /// A request at which the reading of its body, or of what comes before it, panics. The status of
    /// its answer, 0 where there is none, and whether there was a panic.
    async fn panics(&mut self, scene: &Scene, reads: usize) -> (u16, bool) {
        let (stream, theirs) = duplex(2000);
        let left = Arc::new(AtomicUsize::new(reads));
        let trap = Trap {
            stream,
            left: left.clone(),
        };
        let served = tokio::spawn(self.serve(trap));
        let asked = timeout(PATIENCE, client(theirs, scene.path, scene.body));
        let answer = asked.await.expect("hangs");
        // Where it had not begun with a request the connection is all that ends.
        drop(timeout(PATIENCE, served).await.expect("hangs"));
        let status = answer.get(9..12).unwrap_or(b"0");
        let status = std::str::from_utf8(status).unwrap().parse().unwrap();
        (status, left.load(SeqCst) == 0)
    }
}

#[tokio::test]
async fn a_panic_costs_one_request() {
    let mut failed = 0;
    for scene in SCENES.iter().filter(|s| s.body > 0 && !s.fails_over) {
        for reads in 1.. {
            let mut house = House::build(scene).await;
            if scene.is_warm {
                house.asks(PLAIN.path, PLAIN.body).await;
            }
            let (status, has_panicked) = house.panics(scene, reads).await;
            house.is_quiet(scene).await;
            house.asks(scene.path, scene.body).await;
            house.is_quiet(scene).await;
            if !has_panicked {
                assert_eq!(status, 200, "{}", scene.title);
                break;
            }
            assert!(matches!(status, 0 | 200 | 500), "{}: {status}", scene.title);
            failed += usize::from(status == 500);
        }
    }
    assert!(failed > 5, "only {failed} requests failed");
}
