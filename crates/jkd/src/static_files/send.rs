//! The answer: a file, or word that the client has it already.

use std::{borrow::Cow, fs::File, io, os::unix::fs::MetadataExt, time::SystemTime};

use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;
use jkworkers::model::{FileSettings, RangeLimits};

use super::{
    Wanted, broken,
    content::content,
    kind,
    validators::{Conditions, Facts, Met, Validators},
};
use crate::{
    answer::Answer, expires::Modified, http_date::http_date, http1::Head, rescue::Stumble,
};

/// The answer with an open file. `name` is where it was found.
///
/// # Errors
///
/// 404 for what would have to be run, 500 where the file cannot be read.
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
    if validators.etag.is_none() {
        answer.extensions_mut().insert(Untagged);
    }
    if let Some(status) = wanted.instead_of {
        *answer.status_mut() = status;
        return Ok(whole(answer, headers, file, (facts.size, false)));
    }
    let asked = Fields::by(head);
    let asked = asked.conditions();
    match validators.check(asked, &head.method) {
        Met::Yes => {
            let has_parts = asked.range.is_some() && validators.can_be_current(asked);
            Ok(whole(answer, headers, file, (facts.size, has_parts)))
        }
        Met::NotModified => {
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            *answer.headers_mut() = headers;
            Ok(answer)
        }
        Met::No => Ok(refused(answer, headers, facts.size, &head.method)),
    }
}

/// `FileETag None`: the file has no tag in the end, whatever rules say of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Untagged;

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

fn facts(file: &File) -> io::Result<Facts> {
    let metadata = file.metadata()?;
    Ok(Facts {
        size: metadata.len(),
        inode: metadata.ino(),
        modified: metadata.modified()?,
    })
}

fn validate(validators: &Validators, ranges: RangeLimits, headers: &mut HeaderMap) {
    let modified = http_date(validators.modified);
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
    (size, has_parts): (u64, bool),
) -> Response<Answer> {
    headers.insert(header::CONTENT_LENGTH, size.into());
    *answer.headers_mut() = headers;
    answer.map(|_| content(file, size, has_parts))
}

/// As long as httpd's. No file that is asked for is known to whoever could guess it.
pub(crate) fn boundary() -> String {
    use std::hash::{BuildHasher, RandomState};
    format!("{:016x}", RandomState::new().hash_one(0u8))
}
