//! Counts an upload as it streams in; keeps nothing of it.

use ajp13::server::{BodyError, RequestBody};
use askama::Template;
use crc32fast::Hasher;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;

use super::application::{Answer, Application};
use super::page;

#[derive(Template)]
#[template(path = "demo/upload.html")]
struct Form<'a> {
    node: &'a str,
}

pub(super) async fn answer(application: &Application, request: Request<RequestBody>) -> Answer {
    let node = &application.node;
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return page::html(&Form { node });
    }
    match measure(request.into_body()).await {
        Ok((bytes, crc)) => {
            let text = format!("{node} received {bytes} bytes, CRC-32 {crc:08x}\n");
            page::text(StatusCode::OK, text)
        }
        Err(error) => page::text(StatusCode::BAD_REQUEST, format!("{error}\n")),
    }
}

async fn measure(mut body: RequestBody) -> Result<(u64, u32), BodyError> {
    let mut crc = Hasher::new();
    let mut bytes = 0_u64;
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            bytes = bytes.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
            crc.update(&data);
        }
    }
    Ok((bytes, crc.finalize()))
}
