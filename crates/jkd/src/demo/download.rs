//! As many bytes as asked for, the same for the same number, made up as they go.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Either;

use super::application::Answer;
use super::page;

const DEFAULT: u64 = 1024 * 1024;
/// One line of the file; the file is nothing but this line again and again.
const LINE: &[u8; 64] = b"0123456789 abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXY\n";
const LINES_PER_FRAME: usize = 1024;

pub(super) fn answer<B>(request: &Request<B>) -> Answer {
    let bytes = page::number(request.uri(), "bytes").unwrap_or(DEFAULT);
    let mut response = Response::new(Either::Right(Download::new(bytes)));
    let binary = HeaderValue::from_static("application/octet-stream");
    response.headers_mut().insert(CONTENT_TYPE, binary);
    response
}

/// A body of so many bytes that holds one frame in memory.
#[derive(Debug)]
pub(super) struct Download {
    frame: Bytes,
    left: u64,
}

impl Download {
    fn new(bytes: u64) -> Self {
        let whole = LINE.len() * LINES_PER_FRAME;
        let lines = usize::try_from(bytes)
            .unwrap_or(whole)
            .min(whole)
            .div_ceil(LINE.len());
        Self {
            frame: Bytes::from(LINE.repeat(lines)),
            left: bytes,
        }
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let whole = self.frame.len();
        let length = usize::try_from(self.left).unwrap_or(whole).min(whole);
        self.left = self
            .left
            .saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
        Poll::Ready(Some(Ok(Frame::data(self.frame.slice(..length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_download_has_its_length_and_repeats_its_line() {
        for length in [0, 1, 64, 65, 65_536, 65_537, 200_000] {
            let body = Download::new(length);
            assert_eq!(body.size_hint().exact(), Some(length));
            let bytes = body.collect().await.unwrap().to_bytes();
            let expected: Vec<u8> = LINE.iter().copied().cycle().take(bytes.len()).collect();
            assert!(bytes == expected);
            assert_eq!(u64::try_from(bytes.len()).unwrap(), length);
        }
    }
}
