use jkworkers::uri_map::{
    self, EncodedSlashes, UriRules,
    tomcat::{Connector, Encoded},
};
use proptest::prelude::*;

use super::*;

const OPTIONS: [ForwardUri; 4] = [
    ForwardUri::Proxy,
    ForwardUri::Compat,
    ForwardUri::CompatUnparsed,
    ForwardUri::Escaped,
];

const SLASHES: [EncodedSlashes; 3] = [
    EncodedSlashes::Refuse,
    EncodedSlashes::Decode,
    EncodedSlashes::Keep,
];

const KEEP: UriRules = UriRules {
    encoded_slashes: EncodedSlashes::Keep,
    merge_slashes: true,
};

const DECODE: UriRules = UriRules {
    encoded_slashes: EncodedSlashes::Decode,
    merge_slashes: true,
};

const UNMERGED: UriRules = UriRules {
    encoded_slashes: EncodedSlashes::Refuse,
    merge_slashes: false,
};

/// What is written for the backend, and whether it leaves.
fn forward(raw: &[u8], rules: UriRules, option: ForwardUri) -> (Vec<u8>, Result<(), Unsafe>) {
    let decoded = uri_map::decode(raw, rules).unwrap();
    let path = uri_map::clean(&decoded).unwrap();
    let seen = Seen {
        raw,
        decoded: &decoded,
        path: &path,
    };
    let sent = written(seen, option);
    let verdict = check(&sent, seen);
    (sent.into_owned(), verdict)
}

fn text(raw: &str, rules: UriRules, option: ForwardUri) -> (String, Result<(), Unsafe>) {
    let (sent, verdict) = forward(raw.as_bytes(), rules, option);
    let text = sent.iter().map(|&b| char::from(b)).collect();
    (text, verdict)
}

/// What the client sent, what leaves under Proxy, Compat, CompatUnparsed and Escaped. A `!` in
/// front: mod_jk sends it, and Tomcat could read another path.
type Row = (&'static str, UriRules, [&'static str; 4]);

#[allow(clippy::too_many_lines, reason = "a table")]
#[rustfmt::skip]
fn table() -> Vec<Row> {
    let plain = UriRules::default();
    vec![
        ("/", plain, ["/", "/", "/", "/"]),
        ("/a//b", plain, ["/a/b", "/a/b", "/a//b", "/a/b"]),
        ("/a//b", UNMERGED, ["/a//b", "/a//b", "/a//b", "/a//b"]),
        ("//a//b", plain, ["/a/b", "/a/b", "//a//b", "/a/b"]),
        ("//a//b", UNMERGED, ["/a//b", "/a//b", "//a//b", "/a//b"]),
        ("/a/x/../b", plain, ["/a/b", "/a/b", "/a/x/../b", "/a/b"]),
        ("/a/%2e%2e/b", plain, ["/b", "/b", "/a/%2e%2e/b", "/b"]),
        ("/a/./b/%2E/c", plain, ["/a/b/c", "/a/b/c", "/a/./b/%2E/c", "/a/b/c"]),
        ("/a;jsessionid=1.n/b;p=2", plain, ["/a;jsessionid=1.n/b;p=2"; 4]),
        ("/a/..;/b", plain, ["/a/..;/b"; 4]),
        ("/a%20b", plain, ["/a%20b", "/a b", "/a%20b", "/a%20b"]),
        ("/a%25b", plain, ["/a%25b", "/a%b", "/a%25b", "/a%25b"]),
        ("/a%3Fb", plain, ["/a%3Fb", "/a?b", "/a%3Fb", "/a%3fb"]),
        ("/%7Eu", plain, ["/~u", "/~u", "/%7Eu", "/~u"]),
        ("/caf%C3%A9", plain, ["/caf%C3%A9", "/caf\u{c3}\u{a9}", "/caf%C3%A9", "/caf%c3%a9"]),
        ("/caf%e9", plain, ["/caf%E9", "/caf\u{e9}", "/caf%e9", "/caf%e9"]),
        ("/a[b]", plain, ["/a%5Bb%5D", "/a[b]", "/a[b]", "/a%5bb%5d"]),
        ("/a%2Fb", DECODE, ["/a/b", "/a/b", "!/a%2Fb", "/a/b"]),
        ("/a%2F%2fb", DECODE, ["/a/b", "/a/b", "!/a%2F%2fb", "/a/b"]),
        ("/a%2f..%2fb", DECODE, ["/b", "/b", "!/a%2f..%2fb", "/b"]),
        ("/a%2Fb", KEEP, ["/a%252Fb", "!/a%2Fb", "!/a%2Fb", "/a%252Fb"]),
        ("/a%2f..%2fb", KEEP, ["/a%252f..%252fb", "!/a%2f..%2fb", "!/a%2f..%2fb", "/a%252f..%252fb"]),
        ("/a%3Bb", plain, ["/a;b", "/a;b", "!/a%3Bb", "/a;b"]),
        ("/a%5cb", plain, ["!/a%5Cb", "!/a\\b", "!/a%5cb", "!/a%5cb"]),
        ("/a\\b", plain, ["!/a%5Cb", "!/a\\b", "!/a\\b", "!/a%5cb"]),
        ("/t/%252e%252e/other", plain, ["/t/%252e%252e/other", "!/t/%2e%2e/other", "/t/%252e%252e/other", "/t/%252e%252e/other"]),
        ("/a%252525b", plain, ["/a%252525b", "!/a%2525b", "/a%252525b", "/a%252525b"]),
        ("/a%252fb", plain, ["/a%252fb", "!/a%2fb", "/a%252fb", "/a%252fb"]),
        ("/app//../admin", plain, ["/admin", "/admin", "/app//../admin", "/admin"]),
        ("/app//../admin", UNMERGED, ["/app/admin", "/app/admin", "!/app//../admin", "/app/admin"]),
        ("/a/b/..", plain, ["/a/", "/a/", "!/a/b/..", "/a/"]),
        ("/a/.", plain, ["/a/", "/a/", "!/a/.", "/a/"]),
        ("/a/b/..;x", plain, ["!/a/b/..;x"; 4]),
        ("/a/..;x", plain, ["/a/..;x"; 4]),
        ("/a/;x/../b", plain, ["/a/b", "/a/b", "!/a/;x/../b", "/a/b"]),
        ("/a/..;x%2fy/b", KEEP, ["/a/..;x%252fy/b", "/a/..;x%2fy/b", "/a/..;x%2fy/b", "/a/..;x%252fy/b"]),
        ("/a;x=%5c/b", plain, ["/a;x=%5C/b", "/a;x=\\/b", "/a;x=%5c/b", "/a;x=%5c/b"]),
        ("/a%0d%0ab", plain, ["/a%0D%0Ab", "!/a\r\nb", "/a%0d%0ab", "/a%0d%0ab"]),
        ("/a%c0%afb", plain, ["!/a%C0%AFb", "!/a\u{c0}\u{af}b", "!/a%c0%afb", "!/a%c0%afb"]),
        ("/.well-known/x", plain, ["/.well-known/x"; 4]),
    ]
}

#[test]
fn paths_leave_as_mod_jk_sends_them_or_not_at_all() {
    for (raw, rules, expected) in table() {
        for (option, expected) in OPTIONS.into_iter().zip(expected) {
            let (sent, verdict) = text(raw, rules, option);
            let leaves = expected.strip_prefix('!');
            assert_eq!(
                sent,
                leaves.unwrap_or(expected),
                "{raw} {option:?} {rules:?}"
            );
            assert_eq!(
                verdict.is_err(),
                leaves.is_some(),
                "{raw} {option:?}: {verdict:?}"
            );
        }
    }
}

#[test]
fn each_byte_is_encoded_as_mod_jk_does() {
    const KEPT: &[u8] = b"!$&'()*+,-.0123456789:;=@ABCDEFGHIJKLMNOPQRSTUVWXYZ_\
                          abcdefghijklmnopqrstuvwxyz~";
    for byte in (1..=255).filter(|b| *b != b'/') {
        let raw = format!("/a%{byte:02x}b");
        let sent = |option| text(&raw, UriRules::default(), option).0;
        let kept = KEPT.contains(&byte);
        let plain = format!("/a{}b", char::from(byte));
        let encoded = |text: String| if kept { plain.clone() } else { text };
        assert_eq!(sent(ForwardUri::Proxy), encoded(format!("/a%{byte:02X}b")));
        assert_eq!(
            sent(ForwardUri::Escaped),
            encoded(format!("/a%{byte:02x}b"))
        );
        assert_eq!(sent(ForwardUri::Compat), plain);
        assert_eq!(sent(ForwardUri::CompatUnparsed), raw);
    }
}

#[test]
fn overlong_ascii_is_refused_and_older_encodings_are_not() {
    let overlong: [&[u8]; 6] = [
        b"/\xC0\xAF",
        b"/\xC1\x81",
        b"/\xE0\x80\xAE",
        b"/\xE0\x81\x9C",
        b"/\xF0\x80\x80\xAF",
        b"/\xFC\x80\x80\x80\x80\xAF",
    ];
    for path in overlong {
        assert!(has_overlong_ascii(path), "{path:x?}");
        assert!(has_overlong_ascii(&[b"/x\xC0", path].concat()), "{path:x?}");
    }
    let fine: [&[u8]; 7] = [
        b"/",
        b"/\xC0",
        b"/\xC0B\xE9",
        "/\u{e0}\u{80}".as_bytes(),
        "/\u{800}\u{10000}".as_bytes(),
        b"/\xE0\x9F\x80",
        b"/\xF0\x80\x9F\x80",
    ];
    for path in fine {
        assert!(!has_overlong_ascii(path), "{path:x?}");
    }
}

#[test]
fn a_plain_path_is_not_copied() {
    let path = b"/app/x;jsessionid=1.a";
    let seen = Seen {
        raw: path,
        decoded: path,
        path: b"/app/x",
    };
    for option in OPTIONS {
        assert!(matches!(written(seen, option), Cow::Borrowed(_)));
        assert_eq!(check(path, seen), Ok(()));
    }
}

/// All settings that a Tomcat can have.
fn connectors() -> impl Iterator<Item = Connector> {
    let each = [Encoded::Reject, Encoded::Decode, Encoded::PassThrough];
    let pairs = each.into_iter().flat_map(move |s| each.map(|r| (s, r)));
    pairs.flat_map(|(solidus, reverse_solidus)| {
        [false, true].map(|allow_backslash| Connector {
            solidus,
            reverse_solidus,
            allow_backslash,
        })
    })
}

/// A path with its `%25` decoded, `%2F` and `%5C` left: what a connector that passes them through
/// has yet to decode.
fn settled(reading: &[u8], connector: Connector) -> Vec<u8> {
    let passes = [connector.solidus, connector.reverse_solidus].contains(&Encoded::PassThrough);
    let text: String = reading.iter().map(|&b| char::from(b)).collect();
    let text = if passes {
        text.replace("%25", "%")
    } else {
        text
    };
    text.chars().map(|c| u8::try_from(c).unwrap()).collect()
}

fn targets() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
        "/", "/", "/", "a", "b.", ".", "..", ";", ";x=1", "%2e", "%2E%2e", "%2f", "%2F", "%5c",
        "\\", "%25", "%252e", "%252f", "%3b", "%3B", "%00", "%3f", "%20", "%0d", "%c0%af", "%c0",
        "%ae", "%e9", "%C3%A9", "%", "%2", "%zz", "%41", "WEB-INF", "*",
    ]);
    let known =
        prop::collection::vec(pieces, 0..12).prop_map(|p| format!("/{}", p.concat()).into());
    prop_oneof![4 => known, 1 => "/[ -~]{0,40}".prop_map(String::into_bytes)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_leaves_is_read_as_it_was_mapped(raw in targets(), merge_slashes: bool) {
        for (option, encoded_slashes) in OPTIONS.into_iter().flat_map(|o| SLASHES.map(|s| (o, s))) {
            let rules = UriRules { encoded_slashes, merge_slashes };
            let Ok(decoded) = uri_map::decode(&raw, rules) else { continue };
            let Ok(path) = uri_map::clean(&decoded) else { continue };
            let seen = Seen { raw: &raw, decoded: &decoded, path: &path };
            let sent = written(seen, option);
            if seen.is_ordinary() {
                prop_assert_eq!(&*sent, &*raw);
                prop_assert_eq!(check(&sent, seen), Ok(()));
            }
            let readings: Vec<_> = connectors()
                .filter_map(|c| Some(settled(&tomcat::read(&sent, c)?, c)))
                .collect();
            let agree = readings.iter().all(|reading| *reading == *path);
            match check(&sent, seen) {
                Ok(()) => prop_assert!(agree, "{option:?} {rules:?} {readings:?}"),
                Err(Unsafe::Misread) => prop_assert!(!agree, "{option:?} {rules:?}"),
                Err(Unsafe::Control | Unsafe::Overlong) => {}
            }
        }
    }

    #[test]
    fn what_leaves_encoded_is_harmless(raw in targets()) {
        for option in [ForwardUri::Proxy, ForwardUri::Escaped] {
            let Ok(decoded) = uri_map::decode(&raw, UriRules::default()) else { continue };
            let Ok(path) = uri_map::clean(&decoded) else { continue };
            let seen = Seen { raw: &raw, decoded: &decoded, path: &path };
            let sent = written(seen, option);
            prop_assert!(sent.iter().all(|b| keeps(*b) || *b == b'%'));
        }
    }
}
