//! The answer: a file, parts of it, or word that the client has it already.

use std::{borrow::Cow, fs::File, io, os::unix::fs::MetadataExt, time::SystemTime};

use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;
use jkworkers::model::{FileSettings, RangeLimits};

use super::{
    Wanted, broken,
    content::{Piece, content},
    kind,
    ranges::{self, Part},
    validators::{Conditions, Facts, Met, Validators},
};
use crate::{
    answer::Answer,
    compress::{self, Case, Kind},
    expires::Modified,
    http1::Head,
    parts::Cut,
    rescue::Stumble,
};

/// The answer with an open file. `name` is where it was found.
///
/// # Errors
///
/// 404 for what would have to be run, 416 for parts that are not there, 500 where the file cannot be
/// read.
pub(super) fn file(
    wanted: Wanted<'_>,
    file: File,
    name: &[u8],
) -> Result<Response<Answer>, Stumble> {
    let head = wanted.head;
    let facts = facts(&file).map_err(|error| broken(&error, wanted.path))?;
    let mut headers = HeaderMap::new();
    let settings = describe(wanted, name, &mut headers)?;
    let etag = settings.etag.unwrap_or_default().parts();
    let validators = Validators::new(facts, etag, SystemTime::now());
    validate(&validators, settings.ranges, &mut headers);
    let mut answer = Response::new(Answer::from(Full::default()));
    answer.extensions_mut().insert(Modified(facts.modified));
    if let Some(status) = wanted.instead_of {
        *answer.status_mut() = status;
        return Ok(whole(answer, headers, file, facts.size));
    }
    let asked = Fields::by(head);
    let asked = asked.conditions();
    match validators.check(asked, &head.method) {
        Met::Yes => {
            let range = asked.range.filter(|_| validators.is_current(asked));
            // Of what is compressed parts are taken when that is done.
            let range = range.filter(|_| !wanted.is_compressed(name, facts.size, &headers));
            match range.map(|field| ranges::wanted(field, facts.size, settings.ranges)) {
                None | Some(ranges::Wanted::Whole) => Ok(whole(answer, headers, file, facts.size)),
                Some(ranges::Wanted::Nothing) => Err(Stumble::NoSuchPart),
                Some(ranges::Wanted::Parts(parts)) => {
                    Ok(partial(answer, headers, file, facts.size, &parts))
                }
            }
        }
        Met::NotModified => {
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            *answer.headers_mut() = headers;
            Ok(answer)
        }
        Met::No => Ok(refused(answer, headers, facts.size, &head.method)),
    }
}

/// 412. As httpd has it, a HEAD is told the length of what is not sent.
fn refused(
    mut answer: Response<Answer>,
    mut headers: HeaderMap,
    size: u64,
    method: &Method,
) -> Response<Answer> {
    let length = if *method == Method::HEAD { size } else { 0 };
    headers.insert(header::CONTENT_LENGTH, length.into());
    *answer.status_mut() = StatusCode::PRECONDITION_FAILED;
    *answer.headers_mut() = headers;
    answer
}

/// Says what the file of this name is. Returns what is said about it.
///
/// # Errors
///
/// 404 for what would have to be run.
pub(super) fn describe(
    wanted: Wanted<'_>,
    name: &[u8],
    headers: &mut HeaderMap,
) -> Result<FileSettings, Stumble> {
    let settings = wanted.host.files_about(wanted.asked.with_file(Some(name)));
    kind::describe(name, &settings, wanted.types, headers)?;
    if let Some(kind) = wanted.kind {
        let kind = String::from_utf8_lossy(kind);
        kind::force(&kind, &settings, headers)?;
    }
    Ok(settings)
}

impl Wanted<'_> {
    /// Whether a file is compressed for this client as it leaves.
    fn is_compressed(&self, name: &[u8], size: u64, headers: &HeaderMap) -> bool {
        if !self.host.filtering.deflates || !compress::is_worth_it(size) {
            return false;
        }
        let asked = self.asked.with_file(Some(name));
        let case = Case {
            host: self.host,
            asked,
            name,
            request: self.head,
            variables: self.about.variables,
        };
        let content_type = headers.get(header::CONTENT_TYPE);
        let kind = Kind {
            status: StatusCode::OK,
            content_type: content_type.map(HeaderValue::as_bytes),
        };
        let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
        case.is_about(kind)
            && case.is_accepted()
            && !encodings.any(|said| compress::is_encoded(said.as_bytes()))
    }
}

fn facts(file: &File) -> io::Result<Facts> {
    let metadata = file.metadata()?;
    Ok(Facts {
        size: metadata.len(),
        inode: metadata.ino(),
        modified: metadata.modified()?,
    })
}

fn validate(validators: &Validators, ranges: RangeLimits, headers: &mut HeaderMap) {
    let modified = httpdate::fmt_http_date(validators.modified);
    let etag = validators.etag.as_deref();
    for (name, text) in [
        (header::LAST_MODIFIED, Some(&*modified)),
        (header::ETAG, etag),
    ] {
        if let Some(value) = text.and_then(|text| HeaderValue::from_str(text).ok()) {
            headers.insert(name, value);
        }
    }
    let units = if ranges.forbid_parts() {
        "none"
    } else {
        "bytes"
    };
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static(units));
}

/// The fields of a request that say what the client has, and what it wants.
struct Fields<'a>([Option<Cow<'a, [u8]>>; 6]);

impl<'a> Fields<'a> {
    fn by(head: &'a Head) -> Self {
        Self(
            [
                header::IF_MATCH,
                header::IF_NONE_MATCH,
                header::IF_MODIFIED_SINCE,
                header::IF_UNMODIFIED_SINCE,
                header::IF_RANGE,
                header::RANGE,
            ]
            .map(|name| head.headers.joined(name)),
        )
    }

    fn conditions(&self) -> Conditions<'_> {
        let [
            if_match,
            if_none_match,
            if_modified_since,
            if_unmodified_since,
            if_range,
            range,
        ] = self.0.each_ref().map(Option::as_deref);
        Conditions {
            if_match,
            if_none_match,
            if_modified_since,
            if_unmodified_since,
            if_range,
            range,
        }
    }
}

fn whole(
    mut answer: Response<Answer>,
    mut headers: HeaderMap,
    file: File,
    size: u64,
) -> Response<Answer> {
    headers.insert(header::CONTENT_LENGTH, size.into());
    *answer.headers_mut() = headers;
    let end = size.checked_sub(1);
    let all = end.map(|last| Piece::Part(Part { first: 0, last }));
    answer.map(|_| content(file, all.into_iter().collect()))
}

fn partial(
    mut answer: Response<Answer>,
    mut headers: HeaderMap,
    file: File,
    size: u64,
    parts: &[Part],
) -> Response<Answer> {
    *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
    answer.extensions_mut().insert(Cut { of: size });
    headers.insert(header::CONTENT_LENGTH, size.into());
    let pieces = match parts {
        [part] => {
            let range = format!("bytes {}-{}/{size}", part.first, part.last);
            if let Ok(range) = HeaderValue::from_str(&range) {
                headers.insert(header::CONTENT_RANGE, range);
            }
            vec![Piece::Part(*part)]
        }
        parts => multipart(&mut headers, size, parts),
    };
    let length = pieces
        .iter()
        .fold(0u64, |sum, piece| sum.saturating_add(piece.length()));
    headers.insert(header::CONTENT_LENGTH, length.into());
    *answer.headers_mut() = headers;
    answer.map(|_| content(file, pieces))
}

/// RFC 9110, section 14.6: the parts, each with a head of its own.
fn multipart(headers: &mut HeaderMap, size: u64, parts: &[Part]) -> Vec<Piece> {
    let boundary = boundary();
    let kind = headers.get(header::CONTENT_TYPE).cloned();
    let kind = kind.as_ref().and_then(|kind| kind.to_str().ok());
    let kind = kind
        .map(|kind| format!("Content-type: {kind}\r\n"))
        .unwrap_or_default();
    let mut pieces = Vec::with_capacity(parts.len() * 2 + 1);
    for part in parts {
        let Part { first, last } = part;
        let head =
            format!("\r\n--{boundary}\r\n{kind}Content-range: bytes {first}-{last}/{size}\r\n\r\n");
        pieces.push(Piece::Text(head.into()));
        pieces.push(Piece::Part(*part));
    }
    pieces.push(Piece::Text(format!("\r\n--{boundary}--\r\n").into()));
    let kind = format!("multipart/byteranges; boundary={boundary}");
    if let Ok(kind) = HeaderValue::from_str(&kind) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    pieces
}

/// As long as httpd's. No file that is asked for is known to whoever could guess it.
pub(crate) fn boundary() -> String {
    use std::hash::{BuildHasher, RandomState};
    format!("{:016x}", RandomState::new().hash_one(0u8))
}
