//! What is tried again once something was sent.

use super::*;

#[test]
fn a_post_that_was_sent_is_not_repeated() {
    let balancer = balancer(&[1, 1]);
    let mut client = Client {
        method: Method::POST,
        ..Client::default()
    };
    let closes = a_fails(Failure::Closed, Stage::RequestSent);
    assert_eq!(client.run(&balancer, &closes), "a -> 502");
}

#[test]
fn a_get_that_was_sent_is_repeated_once() {
    let both = balancer(&[1, 1]);
    let closes = |_: &str| Some((Failure::Closed, Stage::RequestSent));
    assert_eq!(get(&both, &closes), "a b -> 502");
    let one = balancer(&[1, 1]);
    assert_eq!(
        get(&one, &a_fails(Failure::Closed, Stage::RequestSent)),
        "a b -> 200"
    );
}

#[test]
fn mod_jk_repeats_a_post() {
    let balancer = configured(&[1, 1], MOD_JK);
    let mut client = Client {
        method: Method::POST,
        ..Client::default()
    };
    let closes = a_fails(Failure::Closed, Stage::RequestSent);
    assert_eq!(client.run(&balancer, &closes), "a (100) a b -> 200");
}

#[test]
fn recovery_option_1_keeps_to_what_was_sent() {
    let options = MOD_JK.map(|o| RecoveryOptions {
        not_if_request_sent: true,
        ..o
    });
    let balancer = configured(&[1, 1], options);
    let closes = a_fails(Failure::Closed, Stage::RequestSent);
    assert_eq!(get(&balancer, &closes), "a -> 502");
}

#[test]
fn answers_are_never_spliced() {
    for options in [None, MOD_JK] {
        let balancer = configured(&[1, 1], options);
        let dies = a_fails(Failure::Closed, Stage::HeadersReceived);
        assert_eq!(get(&balancer, &dies), "a -> 502");
    }
}
