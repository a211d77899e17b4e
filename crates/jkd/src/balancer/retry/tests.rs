use super::*;

const AFTER: Duration = Duration::from_millis(100);
const SAME: Retry = Retry::SameMember { after: AFTER };
const AT_ONCE: Retry = Retry::SameMember {
    after: Duration::ZERO,
};

/// `recovery_options` by its number.
fn options(bits: u8) -> RecoveryOptions {
    RecoveryOptions {
        unknown: 0,
        not_if_request_sent: bits & 1 != 0,
        not_if_headers_sent: bits & 2 != 0,
        abort_if_client_fails: bits & 4 != 0,
        always_head: bits & 8 != 0,
        always_get: bits & 16 != 0,
    }
}

fn facts(stage: Stage, method: &Method) -> Facts<'_> {
    Facts {
        stage,
        method,
        body_consumed: false,
        body_asked: false,
        pooled: false,
    }
}

fn progress(bits: Option<u8>, tries: u32) -> Progress {
    Progress {
        options: bits.map(options),
        retries: Retries {
            attempts: 2,
            interval: AFTER,
        },
        tries,
        resent: 0,
        hurries: false,
    }
}

/// Every failure with the stage at which it happens.
const ALL: [(Failure, Stage); 20] = [
    (Failure::Connect, Stage::NothingSent),
    (Failure::Unresponsive, Stage::NothingSent),
    (Failure::Ping, Stage::NothingSent),
    (Failure::Send, Stage::NothingSent),
    (Failure::Send, Stage::RequestSent),
    (Failure::NoEndpoint, Stage::NothingSent),
    (Failure::Exhausted, Stage::NothingSent),
    (Failure::Busy, Stage::NothingSent),
    (Failure::ReplyTimeout, Stage::RequestSent),
    (Failure::ReplyTimeout, Stage::HeadersReceived),
    (Failure::Closed, Stage::RequestSent),
    (Failure::Stalled, Stage::RequestSent),
    (Failure::Closed, Stage::HeadersReceived),
    (Failure::Framing, Stage::RequestSent),
    (Failure::BadPacket, Stage::RequestSent),
    (Failure::HardStatus, Stage::HeadersReceived),
    (Failure::SoftStatus, Stage::HeadersReceived),
    (Failure::TooLarge, Stage::NothingSent),
    (Failure::ClientRead, Stage::RequestSent),
    (Failure::Internal, Stage::RequestSent),
];

#[test]
fn the_safe_rule() {
    let (get, post) = (Method::GET, Method::POST);
    let expected = [
        // GET, POST
        (SAME, SAME),
        (Retry::Elsewhere, Retry::Elsewhere),
        (SAME, SAME),
        (SAME, SAME),
        (Retry::Elsewhere, Retry::No),
        (Retry::Elsewhere, Retry::Elsewhere),
        (Retry::Elsewhere, Retry::Elsewhere),
        (Retry::Elsewhere, Retry::Elsewhere),
        (Retry::No, Retry::No),
        (Retry::No, Retry::No),
        (Retry::Elsewhere, Retry::No),
        (Retry::No, Retry::No),
        (Retry::No, Retry::No),
        (Retry::Elsewhere, Retry::No),
        (Retry::Elsewhere, Retry::No),
        (Retry::Elsewhere, Retry::No),
        (Retry::Elsewhere, Retry::No),
        (Retry::No, Retry::No),
        (Retry::No, Retry::No),
        (Retry::Elsewhere, Retry::No),
    ];
    for ((failure, stage), (on_get, on_post)) in ALL.into_iter().zip(expected) {
        let progress = progress(None, 1);
        let what = format!("{failure:?} at {stage:?}");
        assert_eq!(
            decide(failure, &facts(stage, &get), &progress),
            on_get,
            "GET {what}"
        );
        assert_eq!(
            decide(failure, &facts(stage, &post), &progress),
            on_post,
            "POST {what}"
        );
    }
}

#[test]
fn after_the_last_try_on_a_member_elsewhere() {
    let get = Method::GET;
    for bits in [None, Some(0)] {
        let decision = decide(
            Failure::Connect,
            &facts(Stage::NothingSent, &get),
            &progress(bits, 2),
        );
        assert_eq!(decision, Retry::Elsewhere);
    }
}

#[test]
fn what_was_sent_is_repeated_once() {
    let get = Method::GET;
    let once = Progress {
        resent: 1,
        ..progress(None, 1)
    };
    let sent = facts(Stage::RequestSent, &get);
    assert_eq!(decide(Failure::Closed, &sent, &once), Retry::No);
    // What never reached a member is no repetition.
    let unsent = facts(Stage::NothingSent, &get);
    assert_eq!(decide(Failure::Connect, &unsent, &once), SAME);
}

#[test]
fn nobody_waits_for_a_member_that_refuses_while_another_one_works() {
    let post = Method::POST;
    let unsent = facts(Stage::NothingSent, &post);
    let hurries = |bits| Progress {
        hurries: true,
        ..progress(bits, 1)
    };
    let decision = decide(Failure::Connect, &unsent, &hurries(None));
    assert_eq!(decision, Retry::Elsewhere);
    // mod_jk does.
    assert_eq!(decide(Failure::Connect, &unsent, &hurries(Some(0))), SAME);
    assert_eq!(decide(Failure::Ping, &unsent, &hurries(None)), SAME);
}

#[test]
fn a_stale_pooled_connection_is_replaced_at_once() {
    let get = Method::GET;
    let pooled = Facts {
        pooled: true,
        ..facts(Stage::RequestSent, &get)
    };
    assert_eq!(
        decide(Failure::Closed, &pooled, &progress(None, 1)),
        AT_ONCE
    );
    assert_eq!(
        decide(Failure::Closed, &pooled, &progress(None, 2)),
        Retry::Elsewhere
    );
    assert_eq!(
        decide(Failure::Framing, &pooled, &progress(None, 1)),
        Retry::Elsewhere
    );
    let post = Method::POST;
    let pooled = Facts {
        method: &post,
        ..pooled
    };
    assert_eq!(
        decide(Failure::Closed, &pooled, &progress(None, 1)),
        Retry::No
    );
}

#[test]
fn bodies_that_are_gone_end_it() {
    let put = Method::PUT;
    for bits in [None, Some(0), Some(24)] {
        for (failure, stage) in ALL {
            let consumed = Facts {
                body_consumed: true,
                ..facts(stage, &put)
            };
            assert_eq!(decide(failure, &consumed, &progress(bits, 1)), Retry::No);
            let asked = Facts {
                body_asked: true,
                ..facts(stage, &put)
            };
            assert_eq!(decide(failure, &asked, &progress(bits, 1)), Retry::No);
        }
    }
}

#[test]
fn mod_jks_rule() {
    // For recovery_options 0, 1, 2: the columns of mod_jk's documentation, except that nothing is
    // ever repeated after headers.
    let expected = [
        [SAME; 3],
        [SAME; 3],
        [SAME; 3],
        [SAME; 3],
        [SAME; 3],
        [Retry::Elsewhere; 3],
        [Retry::Elsewhere; 3],
        [Retry::Elsewhere; 3],
        [SAME, Retry::No, SAME],
        [Retry::No; 3],
        [SAME, Retry::No, SAME],
        [SAME, Retry::No, SAME],
        [Retry::No; 3],
        [SAME, Retry::No, SAME],
        [SAME, Retry::No, SAME],
        [SAME; 3],
        [SAME; 3],
        [Retry::No; 3],
        [Retry::No; 3],
        [SAME, Retry::No, SAME],
    ];
    for ((failure, stage), columns) in ALL.into_iter().zip(expected) {
        for (bits, column) in [0, 1, 2].into_iter().zip(columns) {
            for method in [&Method::GET, &Method::POST] {
                let decision = decide(failure, &facts(stage, method), &progress(Some(bits), 1));
                assert_eq!(
                    decision, column,
                    "{failure:?} at {stage:?}, {method}, options {bits}"
                );
            }
        }
    }
}

#[test]
fn head_and_get_may_be_exempt() {
    for (bits, on_get, on_head) in [
        (1, Retry::No, Retry::No),
        (1 + 8, Retry::No, SAME),
        (1 + 16, SAME, Retry::No),
        (27, Retry::No, SAME),
    ] {
        let progress = progress(Some(bits), 1);
        let get = facts(Stage::RequestSent, &Method::GET);
        assert_eq!(
            decide(Failure::Closed, &get, &progress),
            on_get,
            "GET {bits}"
        );
        let head = facts(Stage::RequestSent, &Method::HEAD);
        assert_eq!(
            decide(Failure::Closed, &head, &progress),
            on_head,
            "HEAD {bits}"
        );
    }
}

#[test]
fn methods() {
    for name in [
        "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "PROPFIND", "REPORT",
    ] {
        assert!(
            is_idempotent(&Method::from_bytes(name.as_bytes()).unwrap()),
            "{name}"
        );
    }
    for name in ["POST", "PATCH", "CONNECT", "LOCK", "MKCOL", "get"] {
        assert!(
            !is_idempotent(&Method::from_bytes(name.as_bytes()).unwrap()),
            "{name}"
        );
    }
}

#[test]
fn the_first_number_of_a_status_decides() {
    let (hard, soft) = (Some(Failure::HardStatus), Some(Failure::SoftStatus));
    for (status, list, expected) in [
        (503, &[500, 503][..], hard),
        (404, &[500, -404], soft),
        (404, &[404, -404], hard),
        (404, &[-404, 404], soft),
        (200, &[500, -404], None),
        (500, &[], None),
    ] {
        assert_eq!(Failure::by_status(status, list), expected, "{status}");
    }
}

#[test]
fn statuses_and_verdicts() {
    for (failure, status, verdict) in [
        (Failure::Connect, 503, Verdict::Failed),
        (Failure::Unresponsive, 503, Verdict::Failed),
        (Failure::Ping, 503, Verdict::Failed),
        (Failure::Send, 503, Verdict::Failed),
        (Failure::NoEndpoint, 503, Verdict::NoEndpoint),
        (Failure::Exhausted, 503, Verdict::Undecided),
        (Failure::Busy, 503, Verdict::Busy),
        (Failure::ReplyTimeout, 504, Verdict::ReplyTimeout),
        (Failure::Closed, 502, Verdict::Failed),
        (Failure::Stalled, 502, Verdict::Failed),
        (Failure::Framing, 502, Verdict::Protocol),
        (Failure::BadPacket, 500, Verdict::Failed),
        (Failure::HardStatus, 503, Verdict::HardStatus),
        (Failure::SoftStatus, 503, Verdict::SoftStatus),
        (Failure::TooLarge, 413, Verdict::ClientError),
        (Failure::ClientRead, 400, Verdict::ClientError),
        (Failure::Internal, 500, Verdict::Protocol),
    ] {
        assert_eq!(
            (failure.status(), failure.verdict()),
            (status, verdict),
            "{failure:?}"
        );
    }
}
