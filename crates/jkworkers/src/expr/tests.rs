use std::{borrow::Cow, net::IpAddr};

use super::*;

/// A request that the tests are about.
struct Asked;

impl Request for Asked {
    fn address(&self) -> IpAddr {
        "10.1.2.3".parse().unwrap()
    }

    fn variable(&self, variable: &Variable) -> Option<Cow<'_, [u8]>> {
        let text: &[u8] = match variable {
            Variable::Uri => b"/a/b",
            Variable::Header("User-Agent") => b"Some/1.0",
            Variable::Time(_) => b"2026",
            Variable::Https => b"off",
            _ => return None,
        };
        Some(Cow::Borrowed(text))
    }

    fn entry(&self, table: Table, name: &[u8]) -> Option<Cow<'_, [u8]>> {
        let text: &[u8] = match (table, name) {
            (Table::Request, b"X-One") => b"One",
            (Table::Environment, b"set") => b"yes",
            (Table::Process, b"HOME") => b"/root",
            _ => return None,
        };
        Some(Cow::Borrowed(text))
    }

    fn holds(&self, test: FileTest, path: &[u8]) -> bool {
        matches!((test, path), (FileTest::Regular | FileTest::Exists, b"/f"))
    }

    fn content(&self, path: &[u8]) -> Option<Vec<u8>> {
        (path == b"/f").then(|| b"content".to_vec())
    }

    fn size(&self, path: &[u8]) -> u64 {
        u64::from(path == b"/f") * 7
    }
}

#[track_caller]
fn holds(text: &str) -> bool {
    let read = Expression::new(text);
    let read = read.unwrap_or_else(|bad| panic!("{text}: {bad}"));
    read.evaluate(&Asked).unwrap().holds
}

#[track_caller]
fn made(text: &str) -> String {
    let read = Text::new(text).unwrap_or_else(|bad| panic!("{text}: {bad}"));
    String::from_utf8(read.evaluate(&Asked).unwrap()).unwrap()
}

fn bad(text: &str) -> String {
    match Expression::new(text) {
        Ok(read) => panic!("{text} was read: {read}"),
        Err(bad) => bad.to_string(),
    }
}

#[test]
fn operators_bind_as_in_httpd() {
    for text in [
        "true",
        "!false",
        "not false",
        "! ! true",
        "true || false && false",
        "(true or true) and true",
        "!false && true",
        "!(true && false)",
        "true&&true",
        "((((true))))",
    ] {
        assert!(holds(text), "{text}");
    }
    for text in [
        "false",
        "!true",
        "(true || false) && false",
        "!true || false",
    ] {
        assert!(!holds(text), "{text}");
    }
}

#[test]
fn words_are_compared_as_text_or_as_numbers() {
    for text in [
        "'a' == 'a'",
        "'a' = \"a\"",
        "'a' != 'b'",
        "'a' < 'b'",
        "'b' >= 'b'",
        "'10' < '9'",
        "'10' -gt '9'",
        "10 gt 9",
        "' 7x' -eq 7",
        "'x' -eq 0",
        "-5 -lt -4",
        "99999999999999999999 -ge 9223372036854775807",
        "'a' . 'b' . 'c' == 'abc'",
        "'b' in {'a', 'b'}",
        "!('c' -in {'a'.'b', %{REQUEST_URI}})",
        "%{REQUEST_URI} -in {'x', '/a/b'}",
    ] {
        assert!(holds(text), "{text}");
    }
}

#[test]
fn named_operators() {
    for text in [
        "-n 'a'",
        "-z ''",
        "-z %{REMOTE_USER}",
        "-T '1'",
        "!-T 'off' && !-T 'No' && !-T '0' && !-T '' && -T '00' && -T 'offx'",
        "-R '10.0.0.0/8'",
        "!-R '10.1.2.4'",
        "'192.0.2.1' -ipmatch '192.0.2.0/24'",
        "!('name' -ipmatch '192.0.2.0/24')",
        "'/a/b' -strmatch '/a*'",
        "!('/a/b' -fnmatch '/*')",
        "'/a/b' -fnmatch '/*/?'",
        "'AB' -STRCMATCH 'a[b-c]'",
        "-f '/f' && -e '/f' && !-d '/f' && !-x '/f'",
    ] {
        assert!(holds(text), "{text}");
    }
}

#[test]
fn regular_expressions_leave_what_they_find() {
    for text in [
        "%{REQUEST_URI} =~ m#^/(.)/(.)# && '$2$1' == 'ba'",
        "%{REQUEST_URI} =~ /^.a/ && $1 == ''",
        "'aB' =~ /AB/i",
        "'aB' !~ /AB/",
        "('ab' =~ /(a)/) && ('ab' =~ /b/) && $1 == 'a'",
        "'ab' =~ /(a)/ && !('x' =~ /(y)/) && $1 == ''",
        "'-' =~ m_-_",
        "'a' =~ m,a,",
    ] {
        assert!(holds(text), "{text}");
    }
}

#[test]
fn functions_make_texts() {
    for (text, expected) in [
        ("plain", "plain"),
        ("", ""),
        ("%{REQUEST_URI}?%{req:X-One}", "/a/b?One"),
        ("a\"b'c}d%e$f", "a\"b'c}d%e$f"),
        ("%{tolower:%{req:X-One}}", "one"),
        ("%{toupper:a'b}", "A'B"),
        (
            "%{reqenv:set}%{env:HOME}%{osenv:HOME}%{env:none}",
            "yes/root/root",
        ),
        ("%{base64:ab}%{unbase64:YWI=}%{unbase64:YWI}x", "YWI=ababx"),
        ("%{md5:a}", "0cc175b9c0f1b6a831c399e269772661"),
        ("%{sha1:a}", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
        ("%{escape:a b%c/d}", "a%20b%25c/d"),
        ("%{unescape:a%20b%2fc}", "a b%2fc"),
        ("%{unescape:a%2}%{unescape:a%00}", ""),
        ("%{file:/f}%{filesize:/f}%{filesize:/x}", "content70"),
        ("\\101\\\\\\n\\q", "A\\\nq"),
        ("a\\0b", "a"),
    ] {
        assert_eq!(made(text), expected, "{text}");
    }
    let text = Text::new("%{file:/none}").unwrap();
    assert_eq!(text.evaluate(&Asked), Err(Fault::File));
}

#[test]
fn caches_are_told_what_was_looked_at() {
    let text = "-n req('X-One') && -z http('host') && -n %{HTTP_USER_AGENT} || -n req('X')";
    let outcome = Expression::new(text).unwrap().evaluate(&Asked).unwrap();
    assert_eq!(outcome.vary, [&b"X-One"[..], b"User-Agent"]);
}

#[test]
#[allow(clippy::too_many_lines, reason = "a flat table")]
fn errors_say_what_is_wrong() {
    for (text, expected) in [
        ("", "syntax error, unexpected end, expecting a word"),
        ("1", "syntax error, unexpected end, expecting an operator"),
        ("@", "parse error near '@'"),
        ("true # x", "parse error near '#'"),
        ("TRUE", "syntax error, unexpected end, expecting ("),
        ("a == 'a'", "syntax error, unexpected ==, expecting ("),
        (
            "1 == 2 == 3",
            "syntax error, unexpected ==, expecting the end",
        ),
        ("'a", "unterminated string or variable"),
        (
            "%{FOO}",
            "syntax error, unexpected end, expecting an operator",
        ),
        ("-z %{FOO}", "Variable 'FOO' does not exist"),
        ("-z %{HANDLER}", "Variable 'HANDLER' is not known here"),
        ("-z %{FOO", "unterminated variable"),
        ("-z %{tolower:a", "unterminated string or variable"),
        (
            "-z %{tolower:}",
            "syntax error, unexpected }, expecting a text",
        ),
        ("-z %{ A}", "invalid character in variable name ' '"),
        ("-z %{A }", "invalid character in variable name ' '"),
        ("-z foo('a')", "Function 'foo' does not exist"),
        (
            "-z tolower('a', 'b')",
            "syntax error, unexpected ,, expecting )",
        ),
        ("-Q 'a'", "Unary operator '-Q' does not exist"),
        ("-U '/x'", "Unary operator '-U' is not known here"),
        ("1 -foo 1", "Binary operator '-foo' does not exist"),
        (
            "1 in foo('a')",
            "List-returning function 'foo' does not exist",
        ),
        ("1 in {1", "syntax error, unexpected end, expecting }"),
        (
            "-R %{HTTPS}",
            "-R requires subnet/netmask as constant argument",
        ),
        ("1 -ipmatch 'x'", "parsing of subnet/netmask failed"),
        (
            "1 =~ 'a'",
            "syntax error, unexpected ', expecting a regular expression",
        ),
        ("1 =~ /a", "unterminated regular expression"),
        (
            "1 =~ /a/ig",
            "syntax error, unexpected g, expecting the end",
        ),
        ("'\\400' == 1", "bad escape sequence"),
        ("'\\8' == 1", "bad escape sequence"),
        (
            "-n 'a'-n'b'",
            "syntax error, unexpected -n, expecting the end",
        ),
        (
            "(1) == 2",
            "syntax error, unexpected ), expecting an operator",
        ),
    ] {
        let expected = match text {
            "%{FOO}" => "Variable 'FOO' does not exist",
            _ => expected,
        };
        assert_eq!(bad(text), expected, "{text}");
    }
}

#[test]
fn depth_is_bounded() {
    let chain = |count: usize| format!("{}true", "false || ".repeat(count - 1));
    assert!(holds(&chain(20)));
    let deep = Expression::new(&chain(21)).unwrap();
    assert_eq!(deep.evaluate(&Asked), Err(Fault::Depth));
    assert!(holds(&format!("{}true", "!".repeat(4000))));
    let nested = format!("{}true{}", "(".repeat(61), ")".repeat(61));
    assert_eq!(bad(&nested), "it is nested too deep");
    let nested = format!("-z {}'a'{}", "tolower(".repeat(61), ")".repeat(61));
    assert_eq!(bad(&nested), "it is nested too deep");
    let nested = format!(
        "-z \"{}%{{HTTPS}}{}\"",
        "%{tolower:".repeat(61),
        "}".repeat(61)
    );
    assert_eq!(bad(&nested), "it is nested too deep");
    assert_eq!(
        bad(&format!("-z '{}'", "a".repeat(8192))),
        "a string is longer than 8191 bytes"
    );
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_an_expression_or_an_error(
            text in "(true|-n|-z|'a'|\"|%\\{[A-Z_]{0,4}\\}?|%\\{req:|==|=~|/(a)/|&&|\\|\\||!|[(){},. $\\\\-]|[0-9]| in ){0,14}"
        ) {
            if let Ok(read) = Expression::new(&text) {
                let _ = read.evaluate(&Asked);
            }
            if let Ok(read) = Text::new(&text) {
                let _ = read.evaluate(&Asked);
            }
        }
    }
}
