//! Files of applications, where nothing is mounted: `JkAutoAlias`.
//!
//! `JkAutoAlias DIR` serves `/context/…` from `DIR/context/…` if that directory exists, to whom
//! the `<Location>` sections let in. Never served are `WEB-INF` and `META-INF` wherever they
//! are, archives of applications, files that begin with `.ht`, directories, and whatever a
//! symbolic link leads to outside of `DIR`.
//!
//! Everything that touches the file system runs on threads that may block.

use std::{
    ffi::OsStr,
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::BodyExt;
use jkworkers::model::Host;
use tokio::task::spawn_blocking;
use tower_http::services::{ServeFile, fs::ServeFileSystemResponseBody};

use crate::{answer::Answer, http1::Head, logging::Printable, rescue::Stumble};

/// Answers a request that nobody serves at `path`, which was mapped and checked: no path parameter
/// is left in it.
///
/// # Errors
///
/// 404 where there is nothing to serve, 403 for what nobody may see, 405 for methods other than
/// GET and HEAD, 500 where the file system fails.
pub(crate) async fn serve(
    host: &Host,
    head: &Head,
    path: &[u8],
) -> Result<Response<Answer>, Stumble> {
    let root = host.auto_alias.clone().ok_or(Stumble::Unmapped)?;
    let wanted = path.to_owned();
    let file = spawn_blocking(move || locate(&root, &wanted)).await;
    let file = file.map_err(|_| Stumble::File)??;
    if head.method != Method::GET && head.method != Method::HEAD {
        return Err(Stumble::ReadOnly);
    }
    let answer = send(&file, head)
        .await
        .map_err(|error| stumble(&error, path))?;
    Ok(answer.map(|body| body.boxed_unsync().into()))
}

/// The file at `path` below `root`, free of links.
pub(crate) fn locate(root: &Path, path: &[u8]) -> Result<PathBuf, Stumble> {
    let relative = path.strip_prefix(b"/").unwrap_or_default();
    let context = relative.split(|&b| b == b'/').next().unwrap_or_default();
    if context.is_empty() || segments(relative).any(is_private) {
        return Err(Stumble::Unmapped);
    }
    if !root.join(OsStr::from_bytes(context)).is_dir() {
        return Err(if has_suffix(context, b".war") {
            Stumble::HiddenFile
        } else {
            Stumble::Unmapped
        });
    }
    if segments(relative).any(|name| has_prefix(name, b".ht")) {
        return Err(Stumble::HiddenFile);
    }
    let found = resolve(root, Path::new(OsStr::from_bytes(relative)));
    found
        .map_err(|error| stumble(&error, path))?
        .ok_or(Stumble::Unmapped)
}

/// `None` where there is a directory or a device, or a link that leads to forbidden ground.
fn resolve(root: &Path, relative: &Path) -> io::Result<Option<PathBuf>> {
    let root = root.canonicalize()?;
    let file = root.join(relative).canonicalize()?;
    let inside = file
        .strip_prefix(&root)
        .is_ok_and(|inside| !segments(inside.as_os_str().as_bytes()).any(is_hidden));
    Ok((inside && file.metadata()?.is_file()).then_some(file))
}

fn segments(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|&b| b == b'/')
}

fn is_private(segment: &[u8]) -> bool {
    segment.eq_ignore_ascii_case(b"WEB-INF") || segment.eq_ignore_ascii_case(b"META-INF")
}

fn is_hidden(segment: &[u8]) -> bool {
    is_private(segment) || has_prefix(segment, b".ht")
}

fn has_prefix(name: &[u8], prefix: &[u8]) -> bool {
    name.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn has_suffix(name: &[u8], suffix: &[u8]) -> bool {
    let start = name.len().checked_sub(suffix.len());
    let end = start.and_then(|start| name.get(start..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(suffix))
}

fn stumble(error: &io::Error, path: &[u8]) -> Stumble {
    use io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound
        | ErrorKind::NotADirectory
        | ErrorKind::InvalidFilename
        | ErrorKind::InvalidInput => Stumble::Unmapped,
        ErrorKind::PermissionDenied => Stumble::HiddenFile,
        _ => {
            tracing::error!(path = %Printable(path), %error, "file cannot be served");
            Stumble::File
        }
    }
}

/// The file, a part of it, or word that the client has it already.
async fn send(file: &Path, head: &Head) -> io::Result<Response<ServeFileSystemResponseBody>> {
    let mut request = asking(head);
    if let Some(validator) = head.headers.get(header::IF_RANGE)
        && !is_current(file, validator).await?
    {
        request.headers_mut().remove(header::RANGE);
    }
    files(file).try_call(request).await
}

/// Several ranges at once are answered with the whole file.
fn files(file: &Path) -> ServeFile {
    ServeFile::new(file).ignore_multi_range_requests(true)
}

/// The request without what does not concern files.
fn asking(head: &Head) -> Request<()> {
    let mut request = Request::new(());
    request.method_mut().clone_from(&head.method);
    let fields = [
        header::IF_MATCH,
        header::IF_MODIFIED_SINCE,
        header::IF_NONE_MATCH,
        header::IF_UNMODIFIED_SINCE,
        header::RANGE,
    ];
    for name in fields {
        let value = head.headers.get(&name).map(HeaderValue::from_bytes);
        if let Some(Ok(value)) = value {
            request.headers_mut().insert(name, value);
        }
    }
    request
}

/// RFC 9110, section 13.1.5: parts are sent only of the file that the client has begun to read.
async fn is_current(file: &Path, validator: &[u8]) -> io::Result<bool> {
    let mut request = Request::new(());
    *request.method_mut() = Method::HEAD;
    let present = files(file).try_call(request).await?;
    let fields = present.headers();
    Ok([header::ETAG, header::LAST_MODIFIED]
        .iter()
        .any(|name| fields.get(name).is_some_and(|field| field == validator)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    #[allow(clippy::too_many_lines, reason = "a table")]
    fn only_files_of_applications_are_found() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("webapps");
        for path in ["app/sub", "app/WEB-INF", "app/deep/meta-inf", "open.war"] {
            fs::create_dir_all(root.join(path)).unwrap();
        }
        let files = [
            "a b.txt",
            "app.war",
            "app/index.html",
            "app/sub/x.war",
            "app/.htpasswd",
            "app/WEB-INF/web.xml",
            "app/deep/meta-inf/x",
            "open.war/x",
            "app/%2e",
        ];
        for path in files {
            fs::write(root.join(path), path).unwrap();
        }
        fs::write(directory.path().join("secret"), "secret").unwrap();
        let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, root.join(at)).unwrap();
        link("index.html", "app/inside");
        link("../../secret", "app/outside");
        link("WEB-INF", "app/in-disguise");
        link(".htpasswd", "app/passwords");
        link("/dev/zero", "app/device");
        link("loop", "app/loop");
        for (path, expected) in [
            ("/app/index.html", Ok("app/index.html")),
            ("/app/inside", Ok("app/index.html")),
            ("/app/sub/x.war", Ok("app/sub/x.war")),
            ("/open.war/x", Ok("open.war/x")),
            ("/app/%2e", Ok("app/%2e")),
            ("/", Err(Stumble::Unmapped)),
            ("*", Err(Stumble::Unmapped)),
            ("/a b.txt", Err(Stumble::Unmapped)),
            ("/app", Err(Stumble::Unmapped)),
            ("/app/", Err(Stumble::Unmapped)),
            ("/app/sub", Err(Stumble::Unmapped)),
            ("/app/nothing", Err(Stumble::Unmapped)),
            ("/app/index.html/", Err(Stumble::Unmapped)),
            ("/app/index.html/x", Err(Stumble::Unmapped)),
            ("/app/WEB-INF/web.xml", Err(Stumble::Unmapped)),
            ("/app/web-inf/web.xml", Err(Stumble::Unmapped)),
            ("/app/deep/meta-inf/x", Err(Stumble::Unmapped)),
            ("/app/in-disguise/web.xml", Err(Stumble::Unmapped)),
            ("/app/outside", Err(Stumble::Unmapped)),
            ("/app/passwords", Err(Stumble::Unmapped)),
            ("/app/device", Err(Stumble::Unmapped)),
            ("/app/.htpasswd", Err(Stumble::HiddenFile)),
            ("/app/.HTpasswd", Err(Stumble::HiddenFile)),
            ("/app.war", Err(Stumble::HiddenFile)),
            ("/other.WAR/x", Err(Stumble::HiddenFile)),
            ("/other", Err(Stumble::Unmapped)),
        ] {
            let found = locate(&root, path.as_bytes());
            let expected = expected.map(|path| root.canonicalize().unwrap().join(path));
            assert_eq!(found, expected, "{path}");
        }
        assert!(locate(&root, b"/app/loop").is_err());
        let long = format!("/app/{}", "x".repeat(5000));
        assert_eq!(locate(&root, long.as_bytes()), Err(Stumble::Unmapped));
    }
}
