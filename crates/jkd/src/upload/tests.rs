use std::collections::VecDeque;

use super::*;

/// A client's body that arrives in these pieces.
#[derive(Debug)]
struct Pieces(VecDeque<Bytes>);

impl Pieces {
    fn of(pieces: &[&'static str]) -> Self {
        Self(
            pieces
                .iter()
                .map(|p| Bytes::from_static(p.as_bytes()))
                .collect(),
        )
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }
}

async fn next(upload: &mut Upload<Pieces>) -> Option<Bytes> {
    let frame = upload.frame().await?;
    Some(frame.unwrap().into_data().unwrap())
}

#[tokio::test]
async fn the_first_packet_can_be_sent_twice() {
    let pieces = Pieces::of(&["ab", "cdef", "gh"]);
    let mut upload = Upload::begin(pieces, Some(8), 4).await.unwrap();
    assert_eq!(next(&mut upload).await.unwrap(), "abcd");
    assert!(!upload.is_consumed());
    upload.rewind();
    assert_eq!(upload.size_hint().exact(), Some(8));
    assert_eq!(next(&mut upload).await.unwrap(), "abcd");
    assert_eq!(next(&mut upload).await.unwrap(), "ef");
    assert!(upload.is_consumed());
    assert_eq!(next(&mut upload).await.unwrap(), "gh");
    assert!(upload.is_end_stream());
    assert_eq!(next(&mut upload).await, None);
}

#[tokio::test]
async fn a_small_body_stays_replayable_to_its_end() {
    let mut upload = Upload::begin(Pieces::of(&["abc"]), Some(3), 4)
        .await
        .unwrap();
    assert_eq!(next(&mut upload).await.unwrap(), "abc");
    assert_eq!(next(&mut upload).await, None);
    assert!(!upload.is_consumed());
}

#[tokio::test]
async fn what_a_try_leaves_decides_about_another() {
    let long = || Upload::begin(Pieces::of(&["abcd", "ef"]), Some(6), 4);
    let mut replay = Replay::new(long().await.unwrap());
    let mut upload = replay.take();
    next(&mut upload).await;
    replay.restore(Some(upload));
    assert!(!replay.is_consumed());
    let mut upload = replay.take();
    assert_eq!(next(&mut upload).await.unwrap(), "abcd");
    next(&mut upload).await;
    replay.restore(Some(upload));
    assert!(replay.is_consumed());

    let mut replay = Replay::new(long().await.unwrap());
    drop(replay.take());
    replay.restore(None);
    assert!(replay.is_consumed());

    let short = Upload::begin(Pieces::of(&["abc"]), Some(3), 4)
        .await
        .unwrap();
    let mut replay = Replay::new(short);
    drop(replay.take());
    replay.restore(None);
    assert!(!replay.is_consumed());
    assert_eq!(next(&mut replay.take()).await.unwrap(), "abc");
}

#[tokio::test]
async fn a_body_of_unknown_length_is_not_read_ahead() {
    let pieces = Pieces::of(&["abc"]);
    let mut upload = Upload::begin(pieces, None, 4).await.unwrap();
    let loaded = upload.0.as_ref().unwrap();
    assert_eq!(loaded.rest.as_ref().unwrap().0.len(), 1);
    assert_eq!(upload.size_hint().exact(), None);
    assert_eq!(next(&mut upload).await.unwrap(), "abc");
    assert!(upload.is_consumed());
    assert_eq!(next(&mut upload).await, None);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_the_clients_fault() {
    let begun = Upload::begin(Pieces::of(&["abc"]), Some(4), 4).await;
    assert!(matches!(begun, Err(ClientError::Short)));

    let mut upload = Upload::begin(Pieces::of(&["abcd", "e"]), Some(6), 4)
        .await
        .unwrap();
    assert_eq!(next(&mut upload).await.unwrap(), "abcd");
    assert_eq!(next(&mut upload).await.unwrap(), "e");
    assert!(matches!(
        upload.frame().await,
        Some(Err(ClientError::Short))
    ));
}
