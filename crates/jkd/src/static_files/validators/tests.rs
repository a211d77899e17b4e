use super::*;

const DAY: &[u8] = b"Wed, 01 Jan 2020 00:00:00 GMT";
const BEFORE: &[u8] = b"Tue, 31 Dec 2019 23:59:59 GMT";

fn facts() -> Facts {
    Facts {
        size: 29,
        inode: 255,
        modified: httpdate::parse_http_date("Wed, 01 Jan 2020 00:00:00 GMT").unwrap(),
    }
}

fn validators() -> Validators {
    Validators::new(facts(), ETagParts::default(), SystemTime::now())
}

#[test]
fn tags_are_httpds() {
    assert_eq!(validators().etag.as_deref(), Some("\"1d-59b08c1fa4000\""));
    let all = ETagParts {
        inode: true,
        mtime: true,
        size: true,
    };
    let now = facts().modified + Duration::from_secs(1);
    let weak = Validators::new(facts(), all, now);
    assert_eq!(weak.etag.as_deref(), Some("W/\"ff-1d-59b08c1fa4000\""));
    let none = ETagParts {
        inode: false,
        mtime: false,
        size: false,
    };
    let future = Validators::new(facts(), none, now - Duration::from_secs(60));
    assert_eq!(future.etag, None);
    assert_eq!(future.modified, now - Duration::from_secs(60));
}

#[test]
fn what_is_older_than_1970_has_just_changed() {
    let epoch = SystemTime::UNIX_EPOCH;
    for (modified, etag) in [
        (epoch, "\"1d-0\""),
        (epoch - Duration::from_secs(1), "\"1d-fffffffffff0bdc0\""),
    ] {
        let facts = Facts {
            modified,
            ..facts()
        };
        let old = Validators::new(facts, ETagParts::default(), SystemTime::now());
        assert_eq!(old.etag.as_deref(), Some(etag));
        let since = Conditions {
            if_modified_since: Some(DAY),
            ..Conditions::default()
        };
        assert_eq!(old.check(since, &Method::GET), Met::Yes);
        let unless = Conditions {
            if_unmodified_since: Some(DAY),
            ..Conditions::default()
        };
        assert_eq!(old.check(unless, &Method::GET), Met::No);
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn conditions_are_checked_in_their_order() {
    const OWN: &[u8] = b"\"1d-59b08c1fa4000\"";
    let none = Conditions::default();
    for (asked, get, post) in [
        (none, Met::Yes, Met::Yes),
        (
            Conditions {
                if_none_match: Some(b"*"),
                ..none
            },
            Met::NotModified,
            Met::No,
        ),
        (
            Conditions {
                if_none_match: Some(OWN),
                ..none
            },
            Met::NotModified,
            Met::No,
        ),
        (
            Conditions {
                if_none_match: Some(b"\"z\" , W/\"1d-59b08c1fa4000\""),
                ..none
            },
            Met::NotModified,
            Met::Yes,
        ),
        (
            Conditions {
                if_match: Some(OWN),
                ..none
            },
            Met::Yes,
            Met::Yes,
        ),
        (
            Conditions {
                if_match: Some(b"*"),
                ..none
            },
            Met::Yes,
            Met::Yes,
        ),
        (
            Conditions {
                if_match: Some(b"\"x\""),
                ..none
            },
            Met::No,
            Met::No,
        ),
        (
            Conditions {
                if_match: Some(b"W/\"1d-59b08c1fa4000\""),
                ..none
            },
            Met::No,
            Met::No,
        ),
        (
            Conditions {
                if_modified_since: Some(DAY),
                ..none
            },
            Met::NotModified,
            Met::Yes,
        ),
        (
            Conditions {
                if_modified_since: Some(BEFORE),
                ..none
            },
            Met::Yes,
            Met::Yes,
        ),
        (
            Conditions {
                if_modified_since: Some(b"junk"),
                ..none
            },
            Met::Yes,
            Met::Yes,
        ),
        (
            Conditions {
                if_unmodified_since: Some(DAY),
                ..none
            },
            Met::Yes,
            Met::Yes,
        ),
        (
            Conditions {
                if_unmodified_since: Some(BEFORE),
                ..none
            },
            Met::No,
            Met::No,
        ),
        (
            Conditions {
                if_modified_since: Some(DAY),
                if_none_match: Some(b"\"no\""),
                ..none
            },
            Met::Yes,
            Met::Yes,
        ),
    ] {
        assert_eq!(validators().check(asked, &Method::GET), get, "{asked:?}");
        assert_eq!(validators().check(asked, &Method::POST), post, "{asked:?}");
    }
}

#[test]
fn parts_are_sent_of_what_the_client_may_have_begun() {
    let can_be = |own: &Validators, if_range| {
        own.can_be_current(Conditions {
            if_range,
            ..Conditions::default()
        })
    };
    let own = validators();
    let now = facts().modified + Duration::from_secs(59);
    let fresh = Validators::new(facts(), ETagParts::default(), now);
    for (field, is_date) in [
        (None, false),
        (Some(&b"\"xx\""[..]), false),
        (Some(DAY), true),
    ] {
        assert!(can_be(&own, field));
        assert_eq!(can_be(&fresh, field), !is_date);
    }
    let parts = Conditions {
        if_modified_since: Some(DAY),
        range: Some(b"bytes=0-3"),
        ..Conditions::default()
    };
    assert_eq!(fresh.check(parts, &Method::GET), Met::Yes);
    assert_eq!(own.check(parts, &Method::GET), Met::NotModified);
}

#[test]
fn lists_of_tags_are_read_to_the_first_that_is_none() {
    let own = validators();
    for (field, strong, weak) in [
        (&b"\"1d-59b08c1fa4000\""[..], true, true),
        (b" , \"a\" ,\"1d-59b08c1fa4000\" ,", true, true),
        (b"\"a,b\",\"1d-59b08c1fa4000\"", true, true),
        (b"\"a\\\",\",\"1d-59b08c1fa4000\"", true, true),
        (b"W/\"1d-59b08c1fa4000\"", false, true),
        (b"W/\"a\", \"1d-59b08c1fa4000\"", false, true),
        (b"a, \"1d-59b08c1fa4000\"", false, false),
        (b"1d-59b08c1fa4000", false, false),
        (b"\"1d-59b08c1fa4000", false, false),
        (b"\"", false, false),
        (b",", false, false),
        (b"", false, false),
    ] {
        let text = field.escape_ascii();
        assert_eq!(own.is_among(field, Comparison::Strong), strong, "{text}");
        assert_eq!(own.is_among(field, Comparison::Weak), weak, "{text}");
    }
}
