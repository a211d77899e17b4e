use proptest::prelude::*;

use super::*;

fn text(result: Result<Cow<'_, [u8]>, BadUri>) -> Result<String, u16> {
    result
        .map(|path| String::from_utf8_lossy(&path).into_owned())
        .map_err(BadUri::status)
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn targets() {
    for (target, decoded, mapped) in [
        ("/", Ok("/"), Ok("/")),
        ("/a?b=/../c", Ok("/a"), Ok("/a")),
        ("/a#b", Ok("/a"), Ok("/a")),
        ("*", Ok("*"), Ok("*")),
        ("http://host:80/a/b?c", Ok("/a/b"), Ok("/a/b")),
        ("http://host?c", Ok("/"), Ok("/")),
        ("", Err(400), Err(400)),
        ("a/b", Err(400), Err(400)),
        ("/a//b", Ok("/a/b"), Ok("/a/b")),
        ("/a/./b/.", Ok("/a/b/"), Ok("/a/b/")),
        ("/a/x/../b", Ok("/a/b"), Ok("/a/b")),
        ("/a/..", Ok("/"), Ok("/")),
        ("/..", Err(400), Err(400)),
        ("/a/%2e%2E/b", Ok("/b"), Ok("/b")),
        ("/a/%2e./%2e%2e/b", Err(400), Err(400)),
        (
            "/a;jsessionid=1.n/b;p=2",
            Ok("/a;jsessionid=1.n/b;p=2"),
            Ok("/a/b"),
        ),
        ("/a%3Bb/c", Ok("/a;b/c"), Ok("/a/c")),
        ("/a/..;/b", Ok("/a/..;/b"), Ok("/b")),
        ("/a/..;/..;/b", Ok("/a/..;/..;/b"), Err(400)),
        ("/a/;x/b", Ok("/a/;x/b"), Ok("/a/b")),
        ("/a/.;x/b/;y", Ok("/a/.;x/b/;y"), Ok("/a/b/")),
        ("/a%20b", Ok("/a b"), Ok("/a b")),
        ("/%252e%252e/b", Ok("/%2e%2e/b"), Ok("/%2e%2e/b")),
        ("/a%2Fb", Err(404), Err(404)),
        ("/a%00", Err(400), Err(400)),
        ("/a%00%zz", Err(400), Err(400)),
        ("/a%4", Err(400), Err(400)),
        ("/a%", Err(400), Err(400)),
        ("/.a/..b/c.", Ok("/.a/..b/c."), Ok("/.a/..b/c.")),
        ("/...", Ok("/..."), Ok("/...")),
    ] {
        let rules = UriRules::default();
        assert_eq!(
            text(decode(target.as_bytes(), rules)),
            decoded.map(String::from),
            "{target}"
        );
        assert_eq!(
            text(normalise(target.as_bytes(), rules)),
            mapped.map(String::from),
            "{target}"
        );
    }
}

#[test]
fn encoded_slashes() {
    for (target, encoded_slashes, expected) in [
        ("/a%2Fb", EncodedSlashes::Keep, Ok("/a%2Fb")),
        ("/a%2fb%41", EncodedSlashes::Keep, Ok("/a%2fbA")),
        ("/a%2Fb", EncodedSlashes::Decode, Ok("/a/b")),
        ("/a/.%2F.%2e%2Fb", EncodedSlashes::Decode, Ok("/b")),
        ("/.%2e%2F..", EncodedSlashes::Decode, Err(400)),
        ("/a%2F%2Fb", EncodedSlashes::Decode, Ok("/a/b")),
    ] {
        let rules = UriRules {
            encoded_slashes,
            ..UriRules::default()
        };
        assert_eq!(
            text(decode(target.as_bytes(), rules)),
            expected.map(String::from),
            "{target}"
        );
    }
}

#[test]
fn slashes_that_are_not_merged_are_cleaned_for_mapping_only() {
    let rules = UriRules {
        merge_slashes: false,
        ..UriRules::default()
    };
    assert_eq!(text(decode(b"/a//b/../c", rules)), Ok("/a//c".into()));
    assert_eq!(text(decode(b"/%61//", rules)), Ok("/a//".into()));
    assert_eq!(text(decode(b"///a//b", rules)), Ok("/a//b".into()));
    assert_eq!(text(decode(b"//../a", rules)), Err(400));
    assert_eq!(text(decode(b"http://host//../b", rules)), Ok("/b".into()));
    assert_eq!(text(normalise(b"/a//b", rules)), Ok("/a/b".into()));
    assert_eq!(text(decode(b"/a//../b", rules)), Ok("/a/b".into()));
}

#[test]
fn nothing_to_do_allocates_nothing() {
    for path in ["/", "/app/index.jsp", "/a.b/c-d_e~f/", "/app;x"] {
        let decoded = decode(path.as_bytes(), UriRules::default()).unwrap();
        assert!(matches!(decoded, Cow::Borrowed(_)), "{path}");
    }
    assert!(matches!(clean(b"/app/index.jsp"), Ok(Cow::Borrowed(_))));
}

#[test]
fn session_ids_are_cut_out_once() {
    for (path, name, expected) in [
        ("/a;jsessionid=1.n/b;c", ";jsessionid", "/a/b;c"),
        ("/a;x;jsessionid=1;z", ";jsessionid", "/a;x;z"),
        (
            "/a;jsessionid=1;jsessionid=2",
            ";jsessionid",
            "/a;jsessionid=2",
        ),
        ("/a;sid=1", ";jsessionid", "/a;sid=1"),
        ("/a;sid=1", ";sid", "/a"),
        ("/a", "", "/a"),
        ("", ";jsessionid", ""),
    ] {
        let cut = without_session(path.as_bytes(), name);
        assert_eq!(*cut, *expected.as_bytes(), "{path}");
    }
}

proptest! {
    #[test]
    fn clean_is_clean(target in "[/.;%2eEfFa0]{0,20}") {
        let rules = UriRules::default();
        if let Ok(path) = normalise(format!("/{target}").as_bytes(), rules) {
            let padded = [&path[..], b"/"].concat();
            let bad: [&[u8]; 4] = [b"//", b"/./", b"/../", b";"];
            for text in bad {
                let found = path.windows(text.len()).any(|w| w == text);
                prop_assert!(!found, "{:?}", String::from_utf8_lossy(&path));
            }
            prop_assert!(path.starts_with(b"/") && !padded.ends_with(b"/../"));
            prop_assert_eq!(clean(&path).unwrap(), &path[..]);
        }
    }

    #[test]
    fn ordinary_paths_are_left_alone(path in "/[ -~]?[!-~]?[a-z./]{0,4}[ -~\u{0}-\u{ff}]?[a-z/]?") {
        let path = path.as_bytes();
        if is_ordinary(path) {
            prop_assert!(path_of(path) == path && is_plain(path, UriRules::default()));
            prop_assert_eq!(decode_unreserved(path), path);
            prop_assert_eq!(resolve(path, true, without_parameter).unwrap(), path);
        }
    }

    #[test]
    fn bytes_never_panic(target: Vec<u8>, merge_slashes: bool) {
        for encoded_slashes in [EncodedSlashes::Refuse, EncodedSlashes::Decode, EncodedSlashes::Keep] {
            let _ = normalise(&target, UriRules { encoded_slashes, merge_slashes });
        }
    }
}
