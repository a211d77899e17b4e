//! What is said about files that are wrong.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::memory::Memory;

mod files;
mod hosts;
mod ignored;
mod served;

/// The findings about a configuration, without those of every small one.
fn said(config: &str) -> String {
    said_of(&[("/etc/jk.conf", config)])
}

fn said_of(files: &[(&str, &str)]) -> String {
    let loaded = Memory::new(files).load();
    assert_eq!(loaded.model.is_none(), loaded.diagnostics.has_errors());
    let lines = loaded.diagnostics.to_string();
    lines.replace("/etc/", "")
}

/// A beginning that leaves nothing to say.
const QUIET: &str = "Listen 80\nJkWorkerProperty worker.list=w\nJkWorkerProperty worker.w.port=8009\nJkMount /* w\n";

fn body(config: &str) -> String {
    said(&format!("{QUIET}{config}"))
}

#[test]
fn nothing_to_say() {
    assert_snapshot!(body(""), @r"

    ");
}

#[test]
fn nothing_written() {
    assert_snapshot!(said("# empty\n"), @r"
    jk.conf: warning: no Listen directive: 127.0.0.1:8080 is used
        remedy: Write `Listen 80`, or start with --listen ADDRESS:PORT.
    jk.conf: warning: no JkWorkersFile: the only worker is one called `ajp13`, localhost:8009
        remedy: Write `JkWorkersFile FILE`, or start with --workers FILE.
    jk.conf: warning: nothing is mounted: every request is answered with 404
        remedy: Write `JkMount /* WORKER`, or start with --mount '/*=WORKER'.
    ");
}

#[test]
fn unknown_names() {
    assert_snapshot!(body("JkMuont /x w\nServerNmae x\nFrobnicate\n<Locaton /x>\n</Locaton>\n<Foo>\n</Foo>\n"), @r"
    jk.conf:5: error: unknown directive JkMuont
        remedy: Did you mean JkMount?
    jk.conf:6: error: unknown directive ServerNmae
        remedy: Did you mean ServerName?
    jk.conf:7: error: unknown directive Frobnicate
        remedy: Correct the name, or put the line into an <IfModule> of its module.
    jk.conf:8: error: unknown section <Locaton>
        remedy: Did you mean <Location>?
    jk.conf:10: error: unknown section <Foo>
        remedy: Correct the name, or put the section into an <IfModule> of its module.
    ");
}

#[test]
fn known_names_have_one_warning_each() {
    assert_snapshot!(body("LoadModule a b\nCacheEnable disk\nCacheEnable disk\nSSLProxyEngine ${SSL}\n<Directory />\nFoo\n</Directory>\n<Directory /x>\n</Directory>\n"), @r"
    jk.conf:6: warning: CacheEnable means nothing here and is ignored
    jk.conf:8: warning: SSLProxyEngine means nothing here and is ignored
    jk.conf:10: error: unknown directive Foo
        remedy: Correct the name, or put the line into an <IfModule> of its module.
    ");
}

#[test]
fn of_a_file_that_cannot_be_read_nothing_else_is_said() {
    assert_snapshot!(said_of(&[]), @r"
    jk.conf: error: cannot read jk.conf: there is no such file
        remedy: Correct the path of the configuration file.
    ");
}

#[test]
fn foreign_blanks_at_the_ends_of_a_line_are_told() {
    let config = format!("\u{feff}{QUIET}JkMount /x w\u{3000}\n");
    assert_snapshot!(said(&config), @r"
    jk.conf: warning: no Listen directive: 127.0.0.1:8080 is used
        remedy: Write `Listen 80`, or start with --listen ADDRESS:PORT.
    jk.conf:1: warning: U+FEFF looks like a blank and is a part of the word
        remedy: Replace it by a plain blank, or save the file without byte order mark.
    jk.conf:1: error: unknown directive ﻿Listen
        remedy: Replace it by a plain blank, or save the file without byte order mark.
    jk.conf:5: warning: U+3000 looks like a blank and is a part of the word
        remedy: Replace it by a plain blank, or save the file without byte order mark.
    jk.conf:5: warning: there is no worker `w　` to serve /x: its requests are answered with 500
        remedy: The workers in worker.list are: w.
    ");
}

#[test]
fn names_without_an_effect_yet() {
    assert_snapshot!(body("JkEnvVar A b\nJkEnvVar B\nJkExtractSSL maybe\nJkMountFileReload x\nJkShmFile x\nJkWatchdogInterval 60\nJkRequestLogFormat \"%w %V\" x\n"), @r"
    jk.conf:7: error: JkExtractSSL must be On or Off
        remedy: Write one of the two.
    jk.conf:8: warning: JkMountFileReload x is read as 0
        remedy: Write digits only.
    jk.conf:11: error: JkRequestLogFormat takes one argument, not 2
        remedy: Put an argument with blanks in quotes.
    ");
}

#[test]
fn places() {
    assert_snapshot!(body("Order deny,allow\n<VirtualHost *>\nJkWorkersFile x\nListen 1\n<Location /x>\nJkLogLevel info\n<Location /y>\n</Location>\n</Location>\n<VirtualHost *>\n</VirtualHost>\n</VirtualHost>\n<RequireAll>\n</RequireAll>\n"), @r"
    jk.conf:5: error: Order not allowed here
        remedy: Write it inside a <Location>.
    jk.conf:7: error: JkWorkersFile cannot occur within <VirtualHost> section
        remedy: Move the line out of the <VirtualHost>.
    jk.conf:8: error: Listen cannot occur within <VirtualHost> section
        remedy: Move the line out of the <VirtualHost>.
    jk.conf:10: error: JkLogLevel not allowed in <Location> context
        remedy: Move the line out of the section.
    jk.conf:11: error: <Location> not allowed in <Location> context
        remedy: Close the section before it.
    jk.conf:14: error: <VirtualHost> cannot occur within <VirtualHost> section
        remedy: Close the section before it.
    jk.conf:17: error: <RequireAll> not allowed here
        remedy: Write it inside a <Location>.
    ");
}

#[test]
fn nesting() {
    assert_snapshot!(body("<Location /a>\n<IfModule jk_module>\n</Location>\n</IfModule>\n</Foo>\n<VirtualHost *>\n</Location>\n<Location /b\n"), @r"
    jk.conf:6: error: <IfModule> was not closed before </Location> (jk.conf:7)
        remedy: Write </IfModule> where it ends.
    jk.conf:8: error: </IfModule> without matching <IfModule> section
        remedy: Remove the line, or open the section in this file.
    jk.conf:9: error: </Foo> without matching <Foo> section
        remedy: Remove the line, or open the section in this file.
    jk.conf:10: error: <VirtualHost> was not closed before the end of the file
        remedy: Write </VirtualHost> where it ends.
    jk.conf:11: error: expected </VirtualHost>, which closes jk.conf:10, but saw </Location>
        remedy: Remove </Location>, or open its section inside.
    jk.conf:12: error: <Location> directive missing closing '>'
        remedy: End the line with `>`.
    jk.conf:12: error: <Location> was not closed before the end of the file
        remedy: Write </Location> where it ends.
    ");
}

#[test]
fn nesting_in_skipped_sections() {
    assert_snapshot!(body("<IfModule no>\n<Location /a>\nFoo ${X}\n</Foo>\n</IfModule>\nBar\n"), @r"
    jk.conf:6: error: <Location> was not closed before </IfModule> (jk.conf:9)
        remedy: Write </Location> where it ends.
    jk.conf:8: error: expected </Location>, which closes jk.conf:6, but saw </Foo>
        remedy: Remove </Foo>, or open its section inside.
    jk.conf:10: error: unknown directive Bar
        remedy: Correct the name, or put the line into an <IfModule> of its module.
    ");
}

#[test]
fn handlers_take_the_place_of_mounts() {
    let nothing =
        "Listen 80\nJkWorkerProperty worker.list=w\nJkWorkerProperty worker.w.port=8009\n";
    let section = "<Location /x>\nSetHandler jakarta-servlet\n</Location>\n";
    assert_snapshot!(said(&format!("{nothing}{section}")), @"");
    assert_snapshot!(said(&format!("{nothing}DocumentRoot /\n")), @r"
    jk.conf: warning: nothing is mounted: files are served and nothing else
        remedy: Write `JkMount /* WORKER`, or start with --mount '/*=WORKER'.
    ");
}

#[test]
fn access() {
    assert_snapshot!(body("<Location /x>\nOrder deny, allow\nOrder x\nAllow 127.0.0.1\nAllow from example.com 10.1 300.1\nDeny from env=x\nRequire valid-user\nRequire ip\nRequire ip 10.1/40 example.com\nRequire all\nRequire not ip 10\nRequire host x\nSatisfy both\nAuthMerging And\n<RequireAll>\nRequire not ip 10\nFoo\n</RequireAll>\n<RequireNone>\nRequire local\n</RequireNone>\n</Location>\n"), @r"
    jk.conf:6: error: Order takes Deny,Allow or Allow,Deny
        remedy: Write no blank behind the comma.
    jk.conf:7: error: Order takes Deny,Allow or Allow,Deny
        remedy: Write no blank behind the comma.
    jk.conf:8: error: Allow takes `from` and then addresses
        remedy: Write `Allow from …`.
    jk.conf:9: error: Allow from 300.1: this is not an IP address
        remedy: Write an address (10.1.2.3, ::1), a partial address (10.1) or a network (10.1.0.0/16, 10.1.0.0/255.255.0.0, 2001:db8::/32)
    jk.conf:12: error: Require ip takes addresses
        remedy: Write an address (10.1.2.3, ::1), a partial address (10.1) or a network (10.1.0.0/16, 10.1.0.0/255.255.0.0, 2001:db8::/32)
    jk.conf:13: error: Require ip 10.1/40: this is not an IP address
        remedy: Write an address (10.1.2.3, ::1), a partial address (10.1) or a network (10.1.0.0/16, 10.1.0.0/255.255.0.0, 2001:db8::/32)
    jk.conf:14: error: Require all takes `granted` or `denied`
        remedy: Write one of the two.
    jk.conf:15: error: negative Require directive has no effect in <RequireAny> directive
        remedy: Put it into <RequireAll>, together with `Require all granted`.
    jk.conf:17: error: Satisfy either 'any' or 'all'.
        remedy: All is the default.
    jk.conf:19: error: <RequireAll> directive contains only negative authorization directives
        remedy: Add `Require all granted` to it.
    jk.conf:21: error: Foo not allowed here
        remedy: Only Require lines and their sections may stand here.
    jk.conf:23: error: <RequireNone> directive has no effect in <RequireAny> directive
        remedy: Put it into <RequireAll>, together with `Require all granted`.
    ");
}

#[test]
fn authentication() {
    assert_snapshot!(body("<Location /x>\nAuthType Digest\nAuthType Basic\nAuthName %{SERVER_NAM}\nAuthName a b\nAuthUserFile %{DOCUMENT_ROOT}/users\nAuthBasicProvider file ldap\nAuthBasicAuthoritative maybe\nAuthBasicFake demo\nAuthBasicFake off\nAuthBasicUseDigestAlgorithm MD5\nAuthzSendForbiddenOnFailure 1\nRequire ldap-user x\nRequire user %{evn:X}\nRequire expr tru\nRequire user\nRequire method FOO\n</Location>\nAuthType Basic\nRequire valid-user\n"), @r"
    jk.conf:6: error: AuthType Digest is not supported: nobody could authenticate
        remedy: Write `AuthType Basic`.
    jk.conf:8: error: AuthName %{SERVER_NAM}: Variable 'SERVER_NAM' does not exist
        remedy: Correct the name.
    jk.conf:9: error: AuthName takes one argument, not 2
        remedy: Put an argument with blanks in quotes.
    jk.conf:10: error: AuthUserFile: expressions are not supported
        remedy: Write the text itself.
    jk.conf:11: error: AuthBasicProvider ldap is not supported
        remedy: Write `AuthBasicProvider file`, and an AuthUserFile made by htpasswd.
    jk.conf:12: error: AuthBasicAuthoritative must be On or Off
        remedy: Write one of the two.
    jk.conf:13: error: AuthBasicFake is not supported
        remedy: Remove the line, or write Off.
    jk.conf:15: error: AuthBasicUseDigestAlgorithm is not supported
        remedy: Remove the line, or write Off.
    jk.conf:16: error: AuthzSendForbiddenOnFailure must be On or Off
        remedy: Write one of the two.
    jk.conf:17: error: Require ldap-user is not supported: what it protects would be open
        remedy: Write `Require ip …`, `Require user …`, `Require all denied` or another kind that the manual names.
    jk.conf:18: error: Require user %{evn:X}: Function 'evn' does not exist
        remedy: Correct the name.
    jk.conf:19: error: Require expr tru: syntax error, unexpected end, expecting (
        remedy: Put texts in quotes, and write conditions such as %{REQUEST_URI} == '/x', -n req('Name') or true, joined by && and ||.
    jk.conf:20: warning: Require user without a name is met by nobody
        remedy: Write `Require user NAME`.
    jk.conf:21: error: Require method FOO: httpd knows no such method
        remedy: Write GET, POST and the like in capitals.
    jk.conf:23: error: AuthType not allowed here
        remedy: Write it inside a <Location>.
    jk.conf:24: error: Require not allowed here
        remedy: Write it inside a <Location>.
    ");
}

#[test]
fn sections() {
    assert_snapshot!(body("<Directory x>\n</Directory>\n<Files a>\n<Files b>\n</Files>\n</Files>\n<Location /a>\n<Files b>\n</Files>\n</Location>\n<LocationMatch \"(a\">\n</LocationMatch>\n<FilesMatch a b>\n</FilesMatch>\n<Directory ~ ^/a>\n<Location /b>\n</Location>\n</Directory>\n<Limit GET>\n</Limit>\n<Location /c>\n<Limit>\n</Limit>\n<Limit TRACE>\n</Limit>\n<Limit GET>\n<LimitExcept GET>\nRequire all denied\n</LimitExcept>\n</Limit>\n<RequireAll>\n</RequireAll>\n</Location>\n"), @r"
    jk.conf:5: error: <Directory x>: the path does not begin with /
        remedy: Write /x.
    jk.conf:8: error: <Files> not allowed in <Files> context
        remedy: Close the section before it.
    jk.conf:12: error: <Files> not allowed in <Location> context
        remedy: Close the section before it.
    jk.conf:15: error: <LocationMatch (a>: cannot use the expression: at offset 2: missing closing parenthesis
        remedy: Correct the expression; a backslash makes an operator plain text.
    jk.conf:17: error: <FilesMatch> takes one regular expression
        remedy: Put text with blanks in quotes.
    jk.conf:20: error: <Location> not allowed in <Directory> context
        remedy: Close the section before it.
    jk.conf:23: error: <Limit> not allowed here
        remedy: Write it inside a <Location>.
    jk.conf:26: error: <Limit> directive requires additional arguments
        remedy: Write methods, such as POST.
    jk.conf:28: error: <Limit> cannot control TRACE
        remedy: Remove TRACE; `TraceEnable Off` is about it.
    jk.conf:31: error: <LimitExcept> directive excludes all methods
        remedy: Close the section around before it.
    jk.conf:35: error: <RequireAll> directive contains no authorization directives
        remedy: Write Require lines into it.
    ");
}

#[test]
fn satisfied_by_nothing() {
    assert_snapshot!(body("<Location /x>\nSatisfy Any\nDeny from all\n</Location>\n"), @r"
    jk.conf:5: warning: Satisfy Any without Require lets everybody into <Location /x>, as in httpd
        remedy: Remove Satisfy, or write a Require line.
    ");
}

#[test]
fn protection_that_would_be_lost_is_an_error() {
    assert_snapshot!(body("<LocationMatch ^/x>\n<Limit GET>\nRequire ip 10\n</Limit>\nSetHandler x\n</LocationMatch>\n<Location ~ ^/y>\nOrder allow,deny\n</Location>\n"), @r"
    jk.conf:9: warning: there is no handler x here: what it is set for is answered with 404
        remedy: Write jakarta-servlet, or None to leave it to the mounts.
    ");
}

#[test]
fn options() {
    assert_snapshot!(body("JkOptions +ForwardURIProxy -ForwardURIEscaped +FlushPackets\nJkOptions +ForwardSSLKeySize\nJkOptions CollapseSlashesAll\nJkLogLevel loud\nJkLogFile \"|rotatelogs x\"\nJkMountCopy some\nAllowEncodedSlashes some\nMergeSlashes some\nJkdRequestTimeout 5m\n"), @r"
    jk.conf:5: error: JkOptions: -ForwardURIEscaped is not allowed
        remedy: Write the one that you want; the last one wins.
    jk.conf:6: error: JkOptions: Illegal option 'ForwardSSLKeySize'
        remedy: Did you mean ForwardKeySize?
    jk.conf:7: warning: JkOptions CollapseSlashesAll has no effect: slashes are always collapsed
    jk.conf:8: warning: JkLogLevel loud is no level: info is used, as in mod_jk
        remedy: Write trace, debug, info, warn, error or emerg.
    jk.conf:10: error: JkMountCopy must be All, On or Off
        remedy: Off is the default.
    jk.conf:11: error: AllowEncodedSlashes must be On, Off, or NoDecode
        remedy: Off is the default.
    jk.conf:12: error: MergeSlashes must be On or Off
        remedy: Write one of the two.
    jk.conf:13: error: JkdRequestTimeout 5m is no time
        remedy: Write seconds, such as 30, or milliseconds, such as 500ms; 0 is no limit.
    ");
}

#[test]
#[allow(clippy::too_many_lines, reason = "a list")]
fn rules_about_headers() {
    assert_snapshot!(body("Header set X \"a%qb\"\nHeader foo X a\nHeader set X\nHeader unset X a b\n\
        RequestHeader echo X\nHeader edit X a\nHeader set X a b\nHeader set X a env=\nHeader set \"X Y\" b\n\
        Header set X a early env=x\nHeader set X \"a\\nb\"\nHeader set X %{A}\nHeader always\n\
        RequestHeader always set X y\nHeader set X a expr=tru\nHeader set X \"expr=%{REQUEST_URL}\"\n\
        Header edit X ( b\nHeader set X %i\nHeader unset Content-Length\n<Location /x>\nHeader set X a early\n</Location>\n\
        Header onsuccess unset X early\nHeader set X 100%\nHeader set X: \"\" env=!A\n"), @r"
    jk.conf:5: error: Header: there is no format %q
        remedy: Write %t, %D, %l, %{VARIABLE}e or %{VARIABLE}s, and %% for a percent sign.
    jk.conf:6: error: Header: the action must be add, append, echo, edit, edit*, merge, note, set, setifempty or unset, not `foo`
        remedy: Write `set NAME VALUE`, `unset NAME`, `edit NAME REGEX REPLACEMENT`, and behind it early or env=VARIABLE; put text with blanks in quotes.
    jk.conf:7: error: Header: set takes one value after the name
        remedy: Write `set NAME VALUE`, `unset NAME`, `edit NAME REGEX REPLACEMENT`, and behind it early or env=VARIABLE; put text with blanks in quotes.
    jk.conf:8: error: Header: too many arguments
        remedy: Put a value with blanks in quotes.
    jk.conf:9: error: RequestHeader: echo is for answers
        remedy: Write `Header echo` instead.
    jk.conf:10: error: Header: edit takes an expression and a replacement after the name
        remedy: Write `set NAME VALUE`, `unset NAME`, `edit NAME REGEX REPLACEMENT`, and behind it early or env=VARIABLE; put text with blanks in quotes.
    jk.conf:11: error: Header: `b` is no condition
        remedy: Write early, env=VARIABLE or env=!VARIABLE; put a value with blanks in quotes.
    jk.conf:12: error: Header: the name of the variable is missing
        remedy: Write env=VARIABLE or env=!VARIABLE.
    jk.conf:13: error: Header: `X Y` is no name of a field
        remedy: Write letters, digits and hyphens.
    jk.conf:14: error: Header: too many arguments
        remedy: Put a value with blanks in quotes.
    jk.conf:15: error: Header: a value is one line
        remedy: Leave \r and \n out.
    jk.conf:16: error: Header: there is no format %
        remedy: Write %t, %D, %l, %{VARIABLE}e or %{VARIABLE}s, and %% for a percent sign.
    jk.conf:17: error: Header: the action must be add, append, echo, edit, edit*, merge, note, set, setifempty or unset
        remedy: Write `Header set NAME VALUE`.
    jk.conf:18: error: RequestHeader: the action must be add, append, echo, edit, edit*, merge, note, set, setifempty or unset, not `always`
        remedy: Write `set NAME VALUE`, `unset NAME`, `edit NAME REGEX REPLACEMENT`, and behind it early or env=VARIABLE; put text with blanks in quotes.
    jk.conf:19: error: Header: expr=tru: syntax error, unexpected end, expecting (
        remedy: Put texts in quotes, and write conditions such as %{REQUEST_URI} == '/x', -n req('Name') or true, joined by && and ||.
    jk.conf:20: error: Header: expr=%{REQUEST_URL}: Variable 'REQUEST_URL' does not exist
        remedy: Correct the name.
    jk.conf:21: error: Header: cannot use the expression `(`: at offset 1: missing closing parenthesis
        remedy: Correct the expression; a backslash makes an operator plain text.
    jk.conf:22: error: Header: %i counts processes that do not exist here
        remedy: Remove it.
    jk.conf:23: error: Header: Content-Length says where a message ends, and cannot be changed
        remedy: Remove the line: the field is always right.
    jk.conf:25: warning: Header: early has no effect in a section
        remedy: Leave early out, or move the line out of the section.
    ");
}
