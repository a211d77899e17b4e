//! Directives about files, redirections and pages of errors.

use super::*;
use std::path::Path;

use crate::{
    expr::Text,
    load::memory::Memory,
    model::{Asked, ErrorDocument, FileSettings},
};

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn files_and_redirections() {
    let lines = "
DocumentRoot /nowhere
Redirect 200 /a /b
Redirect 301 /a
Redirect 404 /a /b
Redirect foo /a /b
Redirect /a b
Redirect a /b
RedirectMatch 999 /a
RedirectMatch ( /a
Alias foo /bar
AliasMatch ( /x
DirectorySlash maybe
Options +Foo
Options +Indexes FollowSymLinks
AllowOverride All
<Directory /srv>
  AllowOverride Foo
  Options Indexes MultiViews
</Directory>
FileETag Foo
FileETag -All
FallbackResource foo
AddType text/html;\u{e9} .x
Action text/x /cgi-bin/x
ErrorDocument 99 x
ErrorDocument 401 http://x/y
ScriptAlias /cgi-bin/ /usr/lib/cgi-bin/
TypesConfig /nowhere
";
    assert_snapshot!(body(lines), @r"
    jk.conf:6: error: DocumentRoot /nowhere is not a directory
        remedy: Create it, or correct the path.
    jk.conf:7: error: there is no status 200 to redirect with
        remedy: Write permanent, temp, seeother, gone, or the number of a status from 300 to 511.
    jk.conf:8: error: URL to redirect to is missing
        remedy: Write `Redirect [STATUS] /PATH TARGET`; the target is a URL or a path.
    jk.conf:9: error: Redirect URL not valid for this status
        remedy: Leave the target out, or write a status from 300 to 399.
    jk.conf:10: error: Redirect: invalid first argument (of three)
        remedy: Write permanent, temp, seeother, gone, or the number of a status from 300 to 511.
    jk.conf:11: error: Redirect to non-URL b
        remedy: Write `Redirect [STATUS] /PATH TARGET`; the target is a URL or a path.
    jk.conf:12: error: Redirect: a does not begin with /
        remedy: Write `Redirect [STATUS] /PATH TARGET`; the target is a URL or a path.
    jk.conf:13: error: there is no status 999 to redirect with
        remedy: Write permanent, temp, seeother, gone, or the number of a status from 300 to 511.
    jk.conf:14: error: RedirectMatch (: cannot use the expression: at offset 1: missing closing parenthesis
        remedy: Correct the expression; a backslash makes an operator plain text.
    jk.conf:15: error: Alias: foo does not begin with /
        remedy: Write a path of requests, then a directory.
    jk.conf:16: error: AliasMatch (: cannot use the expression: at offset 1: missing closing parenthesis
        remedy: Correct the expression; a backslash makes an operator plain text.
    jk.conf:17: error: DirectorySlash must be On or Off
        remedy: Write one of the two.
    jk.conf:18: error: Illegal option Foo
        remedy: Write FollowSymLinks or None.
    jk.conf:19: error: either all Options must start with + or -, or no Option may
        remedy: Write signs for all, or none.
    jk.conf:20: error: AllowOverride not allowed here
        remedy: Write it inside a <Directory>.
    jk.conf:22: error: Illegal override option Foo
        remedy: Write None.
    jk.conf:23: warning: Options Indexes is not in effect: directories are not listed and names not completed
    jk.conf:23: warning: Options MultiViews is not in effect: directories are not listed and names not completed
    jk.conf:25: error: Unknown keyword Foo for FileETag directive
        remedy: Write MTime Size, All or None.
    jk.conf:26: error: FileETag keyword All cannot be used with + or -
        remedy: Write it without a sign.
    jk.conf:27: error: FallbackResource foo does not begin with /
        remedy: Write a path, or `disabled`.
    jk.conf:28: error: AddType: text/html;é cannot be sent in a header
        remedy: Write ASCII characters.
    jk.conf:29: error: Action has no effect here: no programs are run
        remedy: Remove the line, and close what it is about by a <Location> or <Files> section.
    jk.conf:30: error: ErrorDocument: unsupported HTTP response code 99
        remedy: Write a status from 400 to 511.
    jk.conf:31: warning: cannot use a full URL in a 401 ErrorDocument directive: ignored, as in httpd
        remedy: Write a path: clients must see the 401 to ask for a password.
    jk.conf:32: warning: ScriptAlias: programs are not run here; they are answered with 403
    jk.conf:33: error: cannot read /nowhere: there is no such file
        remedy: Create the file, or correct its path; Debian has it in mime.types.
    ");
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn what_is_said_about_files() {
    let text = |text| Text::new(text).unwrap();
    let files = Memory::new(&[
        (
            "/etc/jk.conf",
            "JkWorkersFile w\nDocumentRoot /srv/www\nTypesConfig types\nDirectoryIndex a b\n\
             Alias /al/ /srv/al/\nScriptAlias /cgi /srv/cgi\nErrorDocument 404 \"Not here\"\n\
             AddDefaultCharset On\nAddType text/x .x .Y\n<Directory /srv/www/in>\n\
             DirectoryIndex disabled\nOptions None\nErrorDocument 404 /in.html\n\
             RemoveType .x\nFileETag All -Size\n</Directory>\n\
             <VirtualHost *:80>\nAlias /al/x /srv/x\nErrorDocument 503 http://a/b\n</VirtualHost>\n",
        ),
        ("/etc/w", "worker.list=w\n"),
        ("/etc/types", "text/html html\ntext/b x\n"),
        ("/srv/www/in/f", ""),
    ]);
    let model = files.model();
    let host = &model.hosts[1];
    assert_eq!(
        host.roots.document_root.as_deref(),
        Some(Path::new("/srv/www"))
    );
    let aliases: Vec<_> = host
        .roots
        .aliases
        .iter()
        .map(|alias| (&*alias.to, alias.scripts))
        .collect();
    assert_eq!(
        aliases,
        [("/srv/x", false), ("/srv/al/", false), ("/srv/cgi", true)]
    );
    let about =
        |file: &'static str| host.files_about(Asked::at(b"/").with_file(Some(file.as_bytes())));
    let (outer, inner) = (about("/srv/www/f.x"), about("/srv/www/in/f.x"));
    assert_eq!(
        outer.index.as_deref(),
        Some(&["a".to_owned(), "b".to_owned()][..])
    );
    assert_eq!(inner.index.as_deref(), Some(&[][..]));
    assert!(outer.options.follows_links() && !inner.options.follows_links());
    assert_eq!(outer.default_charset.as_deref(), Some("iso-8859-1"));
    let kind = |files: &FileSettings| {
        let kind = files.extensions.kind_of("f.x", &model.global.types);
        kind.media_type.map(std::borrow::Cow::into_owned)
    };
    assert_eq!(kind(&outer).as_deref(), Some("text/x"));
    assert_eq!(kind(&inner).as_deref(), Some("text/b"));
    assert!(!inner.etag.unwrap().parts().size);
    let documents = &host.settings.error_documents;
    assert_eq!(
        documents.get(404),
        Some(&ErrorDocument::Text(text("Not here")))
    );
    assert_eq!(
        documents.get(503),
        Some(&ErrorDocument::External(text("http://a/b")))
    );
}

/// httpd does not start then.
#[test]
fn files_are_served_without_a_table_of_types() {
    let files = Memory::new(&[
        ("/etc/jk.conf", "JkWorkersFile w\nDocumentRoot /srv/www\n"),
        ("/etc/w", "worker.list=w\n"),
        ("/srv/www/f.html", ""),
    ]);
    assert!(files.model().global.types.is_empty());
}
