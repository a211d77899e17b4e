use proptest::prelude::*;

use super::*;
use crate::{
    model::WrittenLists,
    workers_properties::{self, Source},
};

const WORKERS: &str = "worker.list=lb,solo,st
worker.lb.type=lb
worker.lb.balance_workers=a,b,c,d
worker.solo.port=8009
worker.st.type=status
";

/// What a text means, and all that is said about it.
fn target(text: &str) -> (Target, Vec<String>) {
    let source = Source {
        name: "workers.properties",
        bytes: WORKERS.as_bytes(),
    };
    let workers = workers_properties::read(&[source], &[], "", &|_| None).workers;
    let find = |name: &str| workers.iter().find(|w| &*w.name == name).map(|w| &**w);
    let mut said = Vec::new();
    let target = Target::parse(text, find, &mut |complaint| {
        said.push(format!("{complaint} ({})", complaint.help()));
    });
    (target, said)
}

#[track_caller]
fn quiet(text: &str) -> Target {
    let (target, said) = target(text);
    assert!(said.is_empty(), "{said:?}");
    target
}

#[test]
fn every_extension_has_its_place() {
    let (target, said) = target(
        "lb;reply_timeout=500;stateless=1;sticky_ignore=2;fail_on_status=503,-404 500;\
         session_path=;foo;session_cookie=SID;set_session_cookie=1;session_cookie_path=/x;\
         use_server_errors=500;;",
    );
    assert_eq!(
        said,
        [
            "the rule extension `session_cookie_path` has no effect, as in mod_jk (Write \
          `worker.NAME.session_cookie_path=…` into workers.properties.)"
        ]
    );
    assert_eq!(&*target.worker, "lb");
    assert_eq!(
        target.extensions,
        RuleExtensions {
            reply_timeout: Some(Duration::from_millis(500)),
            stateless: true,
            sticky_ignore: true,
            fail_on_status: vec![503, -404, 500],
            session_path: Some("foo".into()),
            session_cookie: Some("SID".into()),
            set_session_cookie: true,
            session_cookie_path: Some("/x".into()),
            use_server_errors: Some(500),
            written: Some(Box::new(WrittenLists {
                fail_on_status: "503,-404 500".into(),
                ..WrittenLists::default()
            })),
            ..RuleExtensions::default()
        }
    );
    assert!(target.activations.is_empty());
}

#[test]
fn numbers_that_mean_the_workers_own() {
    for text in [
        "lb",
        "lb;",
        "lb;reply_timeout=-1;stateless=0;use_server_errors=0",
        "lb;use_server_errors=-1",
        "nobody",
    ] {
        assert!(quiet(text).extensions.is_empty(), "{text}");
    }
    let off = quiet("lb;reply_timeout=0").extensions.reply_timeout;
    assert_eq!(off, Some(Duration::ZERO));
}

#[test]
fn session_paths() {
    let path = |text: &str| quiet(text).extensions.session_path;
    assert_eq!(path("lb;session_path=foo"), Some("foo".into()));
    assert_eq!(path("lb;session_path=;foo;stateless=1"), Some("foo".into()));
    assert_eq!(path("lb;session_path="), Some(String::new()));
}

#[test]
fn lists_become_activations_by_member() {
    let (a, d, s) = (
        Some(Activation::Active),
        Some(Activation::Disabled),
        Some(Activation::Stopped),
    );
    for (text, expected) in [
        ("lb;disabled=b", vec![None, d, None, None]),
        ("lb;active=a;stopped=d,c", vec![a, None, s, s]),
        ("lb;stopped=a b;disabled=c", vec![s, s, d, None]),
        ("lb;stopped=", vec![]),
        ("lb;stateless=1", vec![]),
    ] {
        assert_eq!(*quiet(text).activations, *expected, "{text}");
    }
}

#[test]
fn of_two_activations_the_later_in_the_order_of_lists_counts() {
    let (target, said) = target("lb;stopped=a,b;active=a,c;disabled=c,d,d");
    let codes: Vec<_> = target
        .activations
        .iter()
        .map(|a| a.map_or("-", Activation::code))
        .collect();
    assert_eq!(codes, ["STP", "STP", "DIS", "DIS"]);
    insta::assert_snapshot!(said.join("\n"), @r"
    the rule makes `c` active and disabled: disabled counts (Name it in one of the lists.)
    the rule makes `a` active and stopped: stopped counts (Name it in one of the lists.)
    ");
}

#[test]
fn of_two_lists_the_first_counts_and_of_two_numbers_the_last() {
    let (target, said) = target(
        "lb;disabled=a;disabled=b;reply_timeout=1;reply_timeout=2;session_cookie=A;\
         session_cookie=B;set_session_cookie=0;set_session_cookie=1;set_session_cookie=0",
    );
    assert_eq!(target.activations[0], Some(Activation::Disabled));
    assert_eq!(target.activations[1], None);
    let extensions = &target.extensions;
    assert_eq!(extensions.reply_timeout, Some(Duration::from_millis(2)));
    assert_eq!(extensions.session_cookie.as_deref(), Some("A"));
    assert!(extensions.set_session_cookie);
    insta::assert_snapshot!(said.join("\n"), @r"
    the rule extension `disabled` is written twice: the first one counts (Keep it once; items of a list are separated by commas.)
    the rule extension `reply_timeout` is written twice: the last one counts (Keep it once; items of a list are separated by commas.)
    the rule extension `session_cookie` is written twice: the first one counts (Keep it once; items of a list are separated by commas.)
    the rule extension `set_session_cookie` is written twice: the last one counts (Keep it once; items of a list are separated by commas.)
    the rule extension `set_session_cookie` is written twice: the first one counts (Keep it once; items of a list are separated by commas.)
    ");
}

#[test]
fn what_has_no_effect_is_told() {
    let (target, said) =
        target("solo;active=a;stopped=b;session_cookie=x;stateless=1;Stateless=1; stateless=1;x");
    assert!(target.extensions.stateless && target.activations.is_empty());
    insta::assert_snapshot!(said.join("\n"), @r"
    unknown rule extension `Stateless` is ignored (Did you mean `stateless`? No blank may stand around it.)
    unknown rule extension ` stateless` is ignored (Did you mean `stateless`? No blank may stand around it.)
    unknown rule extension `x` is ignored (The extensions are active, disabled, fail_on_status, reply_timeout, session_cookie, session_cookie_path, session_path, set_session_cookie, stateless, sticky_ignore, stopped, use_server_errors.)
    the rule extension `active` is ignored: `solo` is no balancer (type lb) (Remove it, or mount a balancer.)
    the rule extension `stopped` is ignored: `solo` is no balancer (type lb) (Remove it, or mount a balancer.)
    the rule extension `session_cookie` is ignored: `solo` is no balancer (type lb) (Remove it, or mount a balancer.)
    ");
}

#[test]
fn what_cannot_be_read_is_told_and_0() {
    let (target, said) = target("lb;reply_timeout=5s;fail_on_status=404,x;stopped=e,a");
    let millis = Some(Duration::from_millis(5));
    assert_eq!(target.extensions.reply_timeout, millis);
    assert_eq!(target.extensions.fail_on_status, [404, 0]);
    assert_eq!(target.activations[0], Some(Activation::Stopped));
    insta::assert_snapshot!(said.join("\n"), @r"
    the rule extension `reply_timeout=5s` is read as 5 (Write a whole number.)
    the rule extension `fail_on_status=404,x` is read as 404,0 (Write a whole number.)
    the rule extension `stopped` names `e`, which is no member of `lb` (Write names out of worker.lb.balance_workers.)
    ");
}

#[test]
fn blanks_belong_to_the_name() {
    assert_eq!(&*quiet("lb ;stopped=a").worker, "lb ");
    assert!(quiet("lb ;stopped=a").activations.is_empty());
}

proptest! {
    #[test]
    fn any_text_is_read(text in "(lb|solo|[a-z ]{0,3})(;(active|stopped|session_path|reply_timeout|x)?=?[a-d, 0-9;é-]{0,5}){0,6}") {
        let (target, _) = target(&text);
        prop_assert_eq!(&*target.worker, text.split(';').next().unwrap());
        prop_assert!(target.activations.is_empty() || target.activations.len() == 4);
    }
}
