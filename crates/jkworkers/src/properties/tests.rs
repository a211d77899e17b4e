use super::*;

fn read(bytes: &[u8]) -> (Vec<(String, String, u32)>, String) {
    let mut found = Diagnostics::default();
    let source = Source { name: "w", bytes };
    let lines = read_source(&source, &mut found);
    let lines = lines
        .into_iter()
        .map(|line| (line.key, line.value, line.origin.line))
        .collect();
    (lines, found.to_string())
}

fn pairs(bytes: &[u8]) -> Vec<(String, String)> {
    let (lines, _) = read(bytes);
    lines
        .into_iter()
        .map(|(key, value, _)| (key, value))
        .collect()
}

#[test]
fn one_line_is_one_setting() {
    for (bytes, key, value) in [
        (&b"a=b"[..], "a", "b"),
        (b"a=b\n", "a", "b"),
        (b"a=b\r\n", "a", "b"),
        (b" \t a \x0b = \x0c b c \r\n", "a", "b c"),
        (b"a=b=c=d", "a", "b=c=d"),
        (b"a==b", "a", "=b"),
        (b"a=b#c", "a", "b"),
        (b"a=b # c = d # e", "a", "b"),
        (b"a=b ! c ; d // e", "a", "b ! c ; d // e"),
        (b"a=b\\", "a", "b\\"),
        (br"a=\n\u0041\:", "a", r"\n\u0041\:"),
        (b"a=\"b\"", "a", "\"b\""),
        (b"a=b\0=c", "a", "b"),
        ("\u{FEFF}a=b".as_bytes(), "\u{FEFF}a", "b"),
        (
            "\u{3000}a\u{A0}= \u{2003}b\u{200B}\n".as_bytes(),
            "\u{3000}a\u{A0}",
            "\u{2003}b\u{200B}",
        ),
        ("a=ü".as_bytes(), "a", "ü"),
        (b"a=\xFC", "a", "ü"),
        // A comment in Shift_JIS does not spoil the UTF-8 before it.
        (b"a=\xC3\xBC # \x93\xFA\x96\x7B", "a", "ü"),
    ] {
        assert_eq!(
            pairs(bytes),
            [(key.to_owned(), value.to_owned())],
            "{bytes:?}"
        );
    }
}

#[test]
fn lines_that_set_nothing_are_skipped() {
    for bytes in [
        &b""[..],
        b"\n\n \t\r\n",
        b"# a=b",
        b"  #a=b",
        b"a=#b",
        b"a#=b",
        b"a",
        b"a b",
        b"=b",
        b" = ",
        b"a=",
        b"a= \t\r\n",
        b"\0a=b",
        "\u{FEFF}# a=b".as_bytes(),
    ] {
        assert_eq!(pairs(bytes), [], "{bytes:?}");
    }
}

#[test]
fn a_line_knows_its_number() {
    let (lines, found) = read(b"a=1\n\n# c\r\n  b=2");
    let numbers: Vec<u32> = lines.into_iter().map(|(_, _, line)| line).collect();
    assert_eq!(numbers, [1, 4]);
    assert_eq!(found, "");
}

#[test]
fn there_is_no_continuation() {
    let (lines, found) = read(b"worker.list=a,\\\n  b");
    assert_eq!(lines, [("worker.list".into(), "a,\\".into(), 1)]);
    assert!(found.contains("w:1: warning: the `\\` at the end of `worker.list`"));
    assert!(found.contains("w:2: warning: the line has no `=`"));
}

#[test]
fn a_long_line_is_read_in_pieces() {
    let mut bytes = b"a=".to_vec();
    bytes.resize(8191, b'x');
    let (lines, found) = read(&bytes);
    assert_eq!(lines.len(), 1);
    assert_eq!(found, "");

    bytes.push(b'\n');
    assert_eq!(
        read(&bytes),
        (lines, String::new()),
        "the newline alone is no line"
    );

    bytes.truncate(8191);
    bytes.extend(b"b=c\nd=e");
    let (lines, found) = read(&bytes);
    let short: Vec<(&str, usize, u32)> = lines
        .iter()
        .map(|(key, value, line)| (&**key, value.len(), *line))
        .collect();
    assert_eq!(short, [("a", 8189, 1), ("b", 1, 1), ("d", 1, 2)]);
    assert!(
        found.starts_with("w:1: warning: the line is longer than 8191 bytes"),
        "{found}"
    );
}

#[test]
fn properties_of_the_server_configuration_have_no_comments() {
    let mut found = Diagnostics::default();
    let origin = Origin::new("httpd.conf", 7);
    let line = read_inline(&origin, " worker.a.secret = a#b ", &mut found).unwrap();
    assert_eq!((&*line.key, &*line.value), ("worker.a.secret", "a#b"));
    assert_eq!(line.origin, origin);
    assert!(found.is_empty());

    let limit = format!("a={}", "x".repeat(8190));
    assert!(read_inline(&origin, &limit, &mut found).is_some());
    assert!(read_inline(&origin, &format!("{limit}x"), &mut found).is_none());
    assert!(found.has_errors());
}

#[test]
fn foreign_blanks_are_reported_once_with_the_number_of_lines() {
    let (_, found) = read("\u{FEFF}a=1\nb=2\n\u{A0}c=3\nd=4\u{3000} # e\n# \u{3000}\n".as_bytes());
    assert!(
        found.starts_with("w:1: warning: U+FEFF looks like a blank and is a part of the text (such blanks are on 2 more lines)\n"),
        "{found}"
    );
    assert_eq!(found.matches("warning").count(), 1);
}

#[test]
fn utf16_is_refused() {
    for bytes in [b"\xFF\xFEa\0=\0", b"\xFE\xFF\0a\0="] {
        let (lines, found) = read(bytes);
        assert_eq!(lines, []);
        assert!(found.starts_with("w: error: the file is UTF-16 text"));
    }
}

#[test]
fn each_trap_is_reported() {
    for (text, message) in [
        ("a=b#c", "the value of `a` ends before the `#`"),
        ("a=", "`a` has an empty value"),
        ("a=#b", "`a` has an empty value"),
        ("=b", "nothing stands before the `=`"),
        (
            "worker.a.port 8009",
            "the line has no `=` and is ignored (`worker.a.port…`)",
        ),
        ("!a=b", "`!a` is no comment"),
        (
            "a='b c'",
            "the quotes around the value of `a` are a part of it",
        ),
        ("; a=b", "`;…` is no comment"),
        ("//a=b", "`//a` is no comment"),
        ("a=b\rc=d", "a carriage return inside the line of `a`"),
    ] {
        let (_, found) = read(text.as_bytes());
        assert!(
            found.starts_with(&format!("w:1: warning: {message}")) || found.contains(message),
            "{text}: {found}"
        );
        assert_eq!(found.matches("remedy").count(), 1, "{text}");
    }
}

#[test]
fn a_comment_behind_a_blank_is_no_trap() {
    assert_eq!(read(b"worker.list=a,b # two of them\n").1, "");
}
