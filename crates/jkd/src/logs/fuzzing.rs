//! Lines about requests with texts in and out, for tries with arbitrary input.

use std::time::UNIX_EPOCH;

use http::{HeaderName, HeaderValue, header};
use jkworkers::{
    log_format::LogFormat,
    model::{Asked, Host, Severity},
};
use tokio::time::Instant;

use super::{
    Ending, Record, Transaction,
    error_line::{self, Line},
    error_log::{About, Said},
    record::Extra,
};
use crate::{http1::fuzzing::any_head, peer::Peer};

/// The name of the variable, the note and the field of the answer that hold what is foreign.
pub const NAME: &str = "x-foreign";

/// The line of a request that begins so, whether it is one or not. `foreign` is the name of its user,
/// and what backends and rules say of it.
pub fn line(host: &Host, format: &LogFormat, request: &[u8], foreign: &[u8]) -> Vec<u8> {
    let (head, peer) = (any_head(request), peer());
    let record = record(foreign);
    let value = |name: HeaderName| Some((name, HeaderValue::from_bytes(foreign).ok()?));
    let names = [HeaderName::from_static(NAME), header::SET_COOKIE];
    let ending = Ending {
        status: 200,
        bytes: 1,
        fields: names.into_iter().filter_map(value).collect(),
        ..Ending::default()
    };
    let now = Instant::now();
    let own = Transaction {
        host,
        head: &head,
        asked: &head,
        peer: &peer,
        record: &record,
        ending: &ending,
        status: 200,
        has_fields: true,
        user: Some(foreign),
        group: None,
        member: None,
        began: now,
        ended: now,
        now: UNIX_EPOCH,
    };
    let mut line = Vec::new();
    own.write(None, format, &mut line);
    line
}

/// What httpd would say in its `ErrorLog` about such a request; `foreign` is the message.
pub fn error(host: &Host, request: &[u8], foreign: &[u8]) -> Vec<u8> {
    let (head, peer) = (any_head(request), peer());
    let record = record(foreign);
    let message = String::from_utf8_lossy(foreign);
    let said = Said {
        module: "core",
        level: Severity::ERROR,
        source: None,
        system: None,
        message: &message,
    };
    let about = About {
        host,
        head: &head,
        peer: &peer,
        record: &record,
        variables: None,
        asked: Asked::at(b"/"),
    };
    let line = Line {
        said: Some(&said),
        about: Some(&about),
        now: UNIX_EPOCH,
    };
    let mut text = Vec::new();
    error_line::default(&mut text, &line, true);
    text
}

fn peer() -> Peer {
    let address = ([127, 0, 0, 1], 80).into();
    Peer::new(address, address, 0)
}

fn record(foreign: &[u8]) -> Record {
    let extra = Extra::default();
    let set = || vec![(NAME.into(), foreign.into())];
    let _ = extra.variables.set(set());
    let _ = extra.file.set(foreign.into());
    *extra.notes.lock() = set();
    let record = Record::default();
    record.has(extra);
    record
}
