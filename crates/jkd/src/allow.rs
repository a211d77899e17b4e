//! `Allow`: what could be done instead, as httpd says it.

use http::{HeaderValue, StatusCode};
use jkworkers::model::Trace;

use crate::http1::Fields;

/// The methods that a path without a worker knows. `TRACE` is allowed by host, whatever the path.
pub(crate) fn of_files(trace: Trace) -> HeaderValue {
    HeaderValue::from_static(match trace {
        Trace::Off => "GET,POST,OPTIONS,HEAD",
        Trace::On | Trace::Extended => "GET,POST,OPTIONS,HEAD,TRACE",
    })
}

/// Tells the client of a page for `status`, where the status calls for it. `is_file`: a file was
/// asked for what it cannot do. Of anything else nobody knows what it could.
pub(crate) fn tell(fields: &mut Fields, status: StatusCode, is_file: bool, trace: Trace) {
    if !matches!(
        status,
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED
    ) {
        return;
    }
    let allowed = match trace {
        _ if is_file => of_files(trace),
        Trace::Off => HeaderValue::from_static(""),
        Trace::On | Trace::Extended => HeaderValue::from_static("TRACE"),
    };
    fields.set(b"Allow", allowed.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: u16, is_file: bool, trace: Trace) -> Option<String> {
        let mut fields = Fields::default();
        let status = StatusCode::from_u16(status).unwrap();
        tell(&mut fields, status, is_file, trace);
        let allowed = fields.get("Allow")?;
        Some(String::from_utf8_lossy(allowed).into_owned())
    }

    #[test]
    fn only_what_the_server_does_itself_is_allowed() {
        let said = |text: &str| Some(text.to_owned());
        assert_eq!(told(405, false, Trace::Off), said(""));
        assert_eq!(told(501, false, Trace::On), said("TRACE"));
        assert_eq!(told(405, true, Trace::Off), said("GET,POST,OPTIONS,HEAD"));
        let all = "GET,POST,OPTIONS,HEAD,TRACE";
        assert_eq!(told(501, true, Trace::Extended), said(all));
        assert_eq!(told(404, true, Trace::On), None);
    }
}
