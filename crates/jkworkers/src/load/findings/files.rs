//! Findings about files: missing, included, and what variables and conditions make of them.

use super::*;

#[test]
fn missing_files() {
    assert_snapshot!(body("JkWorkersFile none.properties\nJkWorkersFile other\nJkMountFile none.map\nInclude none.conf\nInclude none/*.conf\nInclude *.none\nIncludeOptional none.conf\nIncludeOptional none/*.conf\nIncludeOptional *.none\n"), @r"
    jk.conf:5: error: cannot read none.properties: there is no such file
        remedy: Create the file, or correct the path in JkWorkersFile (relative ones start at ServerRoot, else at the first file's directory).
    jk.conf:6: error: JkWorkersFile only allowed once; the first one is at jk.conf:5
        remedy: Remove one of the two lines.
    jk.conf:7: error: cannot read none.map: there is no such file
        remedy: Create the file, or correct its path.
    jk.conf:8: error: cannot read none.conf: there is no such file
        remedy: Correct the path (relative ones start at ServerRoot, else at the first file's directory), or write IncludeOptional.
    jk.conf:9: error: cannot read directory none: there is no such directory
        remedy: Correct the path; relative paths start at ServerRoot, else at the first file's directory.
    jk.conf:10: error: nothing matches *.none
        remedy: Correct the pattern, or write IncludeOptional if that is fine.
    ");
}

#[test]
fn variables() {
    assert_snapshot!(body("Define A 1 2\nDefine A:B\nDefine\nDefine P /p\nJkMount ${P} ${Q}\nError \"no ${P}\"\nUnDefine\nInclude a b\n"), @r"
    jk.conf:5: error: Define takes one or two arguments: a name and a value
        remedy: Put a value with blanks in quotes.
    jk.conf:6: error: the variable name A:B must not contain `:`
        remedy: Choose a name of letters, digits and `_`.
    jk.conf:7: error: Define takes one or two arguments: a name and a value
        remedy: Put a value with blanks in quotes.
    jk.conf:9: warning: ${Q} is not defined: the text stays as it is
        remedy: Write `Define Q VALUE` above, or set it in the environment.
    jk.conf:9: warning: there is no worker `${Q}` to serve /p: its requests are answered with 500
        remedy: The workers in worker.list are: w.
    jk.conf:10: error: the file says: no /p
        remedy: This is an Error line: do what it says, or remove it.
    jk.conf:11: error: UnDefine takes one argument, not 0
        remedy: Write one line for each, and put one with blanks in quotes.
    jk.conf:12: error: Include takes one argument, not 2
        remedy: Write one line for each, and put one with blanks in quotes.
    ");
}

#[test]
fn conditions() {
    assert_snapshot!(body("<IfModule>\nFoo\n</IfModule>\n<IfVersion ~ (>\n</IfVersion>\n<IfDefine A B>\n</IfDefine>\n"), @r"
    jk.conf:5: error: <IfModule> takes one argument
        remedy: Write <IfModule NAME> or <IfModule !NAME>.
    jk.conf:8: error: <IfVersion ~ (> cannot be decided
        remedy: Write an operator (=, >, >=, <, <=, or one with ! before it) and major[.minor[.patch]], or ~ and a regular expression.
    jk.conf:10: error: <IfDefine> takes one argument
        remedy: Write <IfDefine NAME> or <IfDefine !NAME>.
    ");
}

#[test]
fn text_that_is_not_what_it_seems() {
    let text = format!(
        "\u{feff}{QUIET}JkMount\u{3000}/x\u{a0}w\nJkMount /y\u{a0} w\n# \u{3000}\nJkMount \"/\u{3000}\" w\n"
    );
    assert_snapshot!(said(&text), @r"
    jk.conf: warning: no Listen directive: 127.0.0.1:8080 is used
        remedy: Write `Listen 80`, or start with --listen ADDRESS:PORT.
    jk.conf:1: warning: U+FEFF looks like a blank and is a part of the word
        remedy: Replace it by a plain blank, or save the file without byte order mark.
    jk.conf:1: error: unknown directive ﻿Listen
        remedy: Replace it by a plain blank, or save the file without byte order mark.
    jk.conf:5: warning: U+3000 looks like a blank and is a part of the word
        remedy: Replace it by a plain blank, or save the file without byte order mark.
    jk.conf:5: error: unknown directive JkMount　/x w
        remedy: Replace it by a plain blank, or save the file without byte order mark.
    jk.conf:6: warning: U+00A0 looks like a blank and is a part of the word
        remedy: Replace it by a plain blank, or save the file without byte order mark.
    ");
    let utf16 = Memory::new(&[]).with("/etc/jk.conf", b"\xFF\xFEL\0").load();
    let findings = utf16.diagnostics.to_string();
    assert!(
        findings.starts_with("/etc/jk.conf: error: the file is UTF-16 text"),
        "{findings}"
    );
    let latin1 = Memory::new(&[])
        .with("/etc/jk.conf", b"# \xE9\nServerAdmin \xE9\n")
        .load();
    let findings = latin1.diagnostics.to_string();
    assert!(
        findings.contains("/etc/jk.conf:2: warning: the line is not UTF-8 text"),
        "{findings}"
    );
}

#[test]
fn included_files_are_named() {
    let config = format!(
        "{QUIET}Include conf.d\nInclude loop.conf\n<Location /x>\nInclude open.conf\n</Location>\nFoo\n"
    );
    let files = [
        ("/etc/jk.conf", config.as_str()),
        ("/etc/conf.d/b.conf", "JkMount /b ${B}\n"),
        ("/etc/conf.d/a/a.conf", "Define B nobody\n"),
        ("/etc/loop.conf", "Include ./loop2.conf\n"),
        ("/etc/./loop2.conf", "Include loop.conf\n"),
        ("/etc/open.conf", "<RequireAny>\n"),
    ];
    assert_snapshot!(said_of(&files), @r"
    jk.conf:10: error: unknown directive Foo
        remedy: Correct the name, or put the line into an <IfModule> of its module.
    conf.d/b.conf:1: warning: there is no worker `nobody` to serve /b: its requests are answered with 500
        remedy: The workers in worker.list are: w.
    ./loop2.conf:1: error: loop.conf is included again while it is read
        remedy: Remove the Include that closes the circle.
    open.conf:1: error: <RequireAny> was not closed before the end of the file
        remedy: Write </RequireAny> where it ends.
    open.conf:1: error: <RequireAny> directive contains no authorization directives
        remedy: Write Require lines into it.
    ");
}

#[test]
fn wildcards_are_read_in_order() {
    let config = "ServerRoot /srv\nInclude conf/[a-c]*.conf\nIncludeOptional mods-*/x.conf\n";
    let files = [
        ("/etc/jk.conf", config),
        ("/srv/conf/b.conf", "ServerAlias b\n"),
        ("/srv/conf/a.conf", "ServerAlias a\n"),
        ("/srv/conf/.a.conf", "ServerAlias hidden\n"),
        ("/srv/conf/d.conf", "ServerAlias d\n"),
        ("/srv/mods-2/x.conf", "ServerAlias m2\n"),
        ("/srv/mods-1/x.conf", "ServerAlias m1\n"),
        ("/srv/mods-3/y.conf", "ServerAlias m3\n"),
    ];
    let loaded = Memory::new(&files).load();
    let model = loaded
        .model
        .unwrap_or_else(|| panic!("{}", loaded.diagnostics));
    assert_eq!(model.hosts[0].aliases, ["a", "b", "m1", "m2"]);
    let names: Vec<_> = model
        .files
        .iter()
        .map(|f| f.display().to_string())
        .collect();
    assert_eq!(names.len(), 5);
}

#[test]
fn filters_that_are_not_there_are_told_once() {
    let config = format!(
        "{QUIET}AddOutputFilterByType BROTLI_COMPRESS;DEFLATE text/html text/plain\n\
         AddOutputFilterByType brotli_compress;DEFLATE text/css\n\
         SetOutputFilter INFLATE;SUBSTITUTE\nAddOutputFilter INCLUDES .shtml\n\
         SetInputFilter DEFLATE\nDeflateInflateRatioLimit 200\n\
         FilterDeclare COMPRESS\nFilterProvider COMPRESS DEFLATE \"true\"\nFilterChain COMPRESS\n"
    );
    assert_snapshot!(said(&config), @r"
    jk.conf:5: warning: AddOutputFilterByType: there is no filter BROTLI_COMPRESS here: answers leave without it
    jk.conf:7: warning: SetOutputFilter: there is no filter INFLATE here: answers leave without it
    jk.conf:7: warning: SetOutputFilter: there is no filter SUBSTITUTE here: answers leave without it
    jk.conf:8: warning: AddOutputFilter: there is no filter INCLUDES here: answers leave without it
    jk.conf:9: warning: SetInputFilter means nothing here and is ignored
    jk.conf:10: warning: DeflateInflateRatioLimit means nothing here and is ignored
    jk.conf:11: warning: FilterDeclare means nothing here and is ignored
    jk.conf:12: warning: FilterProvider means nothing here and is ignored
    jk.conf:13: warning: FilterChain means nothing here and is ignored
    ");
}

#[test]
fn sections_of_modules_that_are_loaded_and_not_there_are_told() {
    let config = format!(
        "{QUIET}LoadModule brotli_module mod_brotli.so\n\
         <IfModule mod_brotli.c>\nBrotliCompressionQuality 5\n</IfModule>\n\
         <IfModule !mod_brotli.c>\n</IfModule>\n\
         <IfModule mod_dav.c>\nDav On\n</IfModule>\n"
    );
    assert_snapshot!(said(&config), @r"
    jk.conf:6: warning: what stands in <IfModule mod_brotli.c> is skipped
        remedy: The files load the module, and jkd has nothing of it: see whether its lines are missed.
    ");
}

#[test]
fn conditions_choose() {
    let config = format!(
        "{QUIET}Define D\n\
         <IfModule jk_module>\nServerAlias jk\n</IfModule>\n\
         <IfModule \"mod_jk.c\">\nServerAlias jk.c\n<IfModule !ssl_module>\nServerAlias nossl\n</IfModule>\n</IfModule>\n\
         <IfModule mod_ssl.c>\nServerAlias ssl\n</IfModule>\n\
         LoadModule ssl_module modules/mod_ssl.so\n<IfModule mod_ssl.c>\nServerAlias loaded\n</IfModule>\n\
         <IfDefine D>\nServerAlias d\nUnDefine D\n</IfDefine>\n\
         <ifdefine !D>\nServerAlias nod\n</IFDEFINE>\n\
         <IfVersion >= 2.4>\nServerAlias version\n</IfVersion>\n\
         <IfFile /etc/jk.conf>\nServerAlias file\n</IfFile>\n\
         <IfDirective JkMount>\nServerAlias directive\n</IfDirective>\n\
         <IfDirective SSLEngine>\nServerAlias tls\n</IfDirective>\n\
         <IfSection VirtualHost>\nServerAlias section\n</IfSection>\n"
    );
    let loaded = Memory::new(&[("/etc/jk.conf", &*config)]).load();
    assert!(loaded.diagnostics.is_empty(), "{}", loaded.diagnostics);
    assert_eq!(
        loaded.model.unwrap().hosts[0].aliases,
        [
            "jk",
            "jk.c",
            "nossl",
            "loaded",
            "d",
            "nod",
            "version",
            "file",
            "directive",
            "tls",
            "section"
        ]
    );
}

#[test]
fn secrets_are_not_shown() {
    let config = format!(
        "{QUIET}JkWorkerProperty worker.w.secret=tops3cret\nJkWorkerProperty worker.w.secret tops3cret\n\
         JkWorkerProperty worker.w.sekret=tops3cret\nJkWorkerPropertyy worker.w.secret=tops3cret\n"
    );
    let loaded = Memory::new(&[("/etc/jk.conf", &*config)]).load();
    assert!(loaded.diagnostics.has_errors());
    assert!(
        !format!("{loaded:?}").contains("tops3cret"),
        "{}",
        loaded.diagnostics
    );
    let good = format!("{QUIET}JkWorkerProperty worker.w.secret=tops3cret\n");
    let loaded = Memory::new(&[("/etc/jk.conf", &*good)]).load();
    let model = loaded.model.unwrap();
    assert!(!format!("{model:?}").contains("tops3cret"));
    assert!(!serde_json::to_string(&model).unwrap().contains("tops3cret"));
}

/// Words that lead deep into the reader.
#[rustfmt::skip]
const WORDS: &[&str] = &[
    "JkMount", "JkUnMount", "JkOptions", "<Location", "</Location>", "<VirtualHost",
    "</VirtualHost>", "<RequireAll>", "</RequireAll>", "<IfModule", "</IfModule>", "<IfVersion",
    "Include", "Define", "Require", "Order", "Allow", "from", "ip", "all", "not", "Listen",
    "ServerName", "JkWorkerProperty", "worker.list=w", "/*", "/a|/b", "w;stateless=1", "${X}",
    "\"", "'", "\\", ">", "\n", "\n", "\n", "*:80", "[::1]:80", "10.1", "::/", "!", "\u{a0}",
];

proptest! {
    #[test]
    fn any_words_end_without_panic(words in prop::collection::vec(prop::sample::select(WORDS), 0..40)) {
        let text = words.join(" ");
        let loaded = Memory::new(&[("/etc/jk.conf", &*text), ("/etc/ip", &*text)]).load();
        prop_assert_eq!(loaded.model.is_none(), loaded.diagnostics.has_errors());
    }

    #[test]
    fn any_bytes_end_without_panic(bytes: Vec<u8>) {
        let loaded = Memory::new(&[]).with("/etc/jk.conf", &bytes).load();
        prop_assert_eq!(loaded.model.is_none(), loaded.diagnostics.has_errors());
    }
}
