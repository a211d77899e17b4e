//! Where sessions go.

use super::*;

#[test]
fn sessions_stick() {
    let balancer = balancer(&[1, 1]);
    for (cookie, expected, sticky) in [
        ("JSESSIONID=1.b", "b", true),
        ("JSESSIONID=1.b", "b", true),
        ("JSESSIONID=9.zz; JSESSIONID=1.b", "b", true),
        // The load that b has got from its sessions counts.
        ("JSESSIONID=1.zz", "a", false),
        ("JSESSIONID=1", "a", false),
        ("JSESSIONID=1.2.b", "a", false),
        ("JSESSIONID=abc.", "b", false),
    ] {
        let chosen = balancer.pick(cookie, at(0)).unwrap();
        assert_eq!(balancer.name_of(Ok(chosen)), expected, "{cookie}");
        assert_eq!(chosen.sticky, sticky, "{cookie}");
    }
}

#[test]
fn only_requests_without_any_id_are_new_sessions() {
    let balancer = balancer(&[1, 1]);
    assert!(balancer.pick("", at(0)).unwrap().new_session);
    assert!(!balancer.pick("JSESSIONID=1", at(0)).unwrap().new_session);
    assert!(!balancer.pick("JSESSIONID=1.b", at(0)).unwrap().new_session);
}

#[test]
fn the_first_of_two_members_with_one_route() {
    let balancer = with(&[1, 1, 1], |c| {
        c.members[2].route = "same".into();
        c.members[1].route = "same".into();
    });
    let chosen = balancer.pick("JSESSIONID=1.same", at(0));
    assert_eq!(balancer.name_of(chosen), "b");
}

#[test]
fn disabled_members_serve_their_own_sessions() {
    let balancer = with(&[1, 1], |c| c.members[0].activation = Disabled);
    assert_eq!(balancer.next_names(3, at(0)), "bbb");
    let chosen = balancer.pick("JSESSIONID=1.a", at(0)).unwrap();
    assert_eq!((chosen.index, chosen.activation), (0, Disabled));
}

#[test]
fn stopped_members_serve_nothing() {
    let balancer = with(&[1, 1], |c| c.members[0].activation = Stopped);
    let chosen = balancer.pick("JSESSIONID=1.a", at(0));
    assert_eq!(balancer.name_of(chosen), "b");
    balancer.set_activation(1, Stopped);
    assert_eq!(balancer.pick("", at(0)), Err(NoMember::NoneUsable));
}

#[test]
fn an_only_member_serves_everything_unless_disabled() {
    let balancer = with(&[1], |c| c.sticky.force = true);
    let chosen = balancer.pick("JSESSIONID=1.other", at(0)).unwrap();
    assert!(chosen.sticky);
    balancer.set_activation(0, Disabled);
    assert_eq!(balancer.pick("", at(0)), Err(NoMember::NoneUsable));
    assert!(balancer.pick("JSESSIONID=1.a", at(0)).is_ok());
    balancer.set_activation(0, Stopped);
    assert_eq!(
        balancer.pick("JSESSIONID=1.a", at(0)),
        Err(NoMember::NoneUsable)
    );
}

#[test]
fn force_keeps_sessions_at_home() {
    let balancer = with(&[1, 1], |c| {
        c.sticky.force = true;
        c.members[0].redirect = Some("b".into());
    });
    balancer.record(0, Verdict::Failed, at(0));
    for cookie in ["JSESSIONID=1.a", "JSESSIONID=nodot", "JSESSIONID=1.zz"] {
        assert_eq!(
            balancer.pick(cookie, at(0)),
            Err(NoMember::SessionLost),
            "{cookie}"
        );
    }
    assert_eq!(balancer.next_names(2, at(0)), "bb");
    // Another of the request's sessions may still be at home.
    let chosen = balancer.pick("JSESSIONID=1.a; JSESSIONID=1.b", at(0));
    assert_eq!(balancer.name_of(chosen), "b");
}

#[test]
fn redirect_names_the_successor() {
    let balancer = with(&[1, 1, 1], |c| {
        c.members[0].redirect = Some("c".into());
        c.members[0].domain = Some("d".into());
        c.members[1].domain = Some("d".into());
        c.members[2].activation = Disabled;
    });
    balancer.record(0, Verdict::Failed, at(0));
    let chosen = balancer.pick("JSESSIONID=1.a", at(0)).unwrap();
    assert_eq!((chosen.index, chosen.sticky), (2, false));
    // A successor that cannot serve either: the session has no home, its domain is not asked.
    balancer.set_activation(2, Stopped);
    let chosen = balancer.pick("JSESSIONID=1.a", at(0));
    assert_eq!(balancer.name_of(chosen), "b");
}

#[test]
fn a_disabled_member_is_the_hot_standby() {
    let balancer = with(&[1, 1], |c| {
        c.members[0].redirect = Some("b".into());
        c.members[1].activation = Disabled;
    });
    assert_eq!(balancer.next_names(2, at(0)), "aa");
    balancer.record(0, Verdict::Failed, at(0));
    let chosen = balancer.pick("", at(0)).unwrap();
    assert_eq!((chosen.index, chosen.sticky), (1, false));
    assert_eq!(chosen.activation, Disabled);
}

#[test]
fn the_domain_takes_over() {
    let balancer = with(&[1, 1, 1], |c| {
        c.members[1].domain = Some("d".into());
        c.members[2].domain = Some("d".into());
    });
    balancer.record(1, Verdict::Failed, at(0));
    let chosen = balancer.pick("JSESSIONID=1.b", at(0)).unwrap();
    assert_eq!((chosen.index, chosen.sticky), (2, false));
}

#[test]
fn a_route_may_name_a_domain() {
    let balancer = with(&[1, 1, 1], |c| {
        c.members[1].domain = Some("d".into());
        c.members[2].domain = Some("d".into());
        c.members[1].distance = 1;
    });
    for cookie in ["JSESSIONID=1.d", "JSESSIONID=1.d.zzz"] {
        let chosen = balancer.pick(cookie, at(0)).unwrap();
        assert_eq!((chosen.index, chosen.sticky), (2, false), "{cookie}");
    }
    // Members of equal distance: the least loaded one.
    let near = with(&[1, 1, 1], |c| {
        c.members[1].domain = Some("d".into());
        c.members[2].domain = Some("d".into());
    });
    let names: String = (0..4)
        .map(|_| near.name_of(near.pick("JSESSIONID=1.d", at(0))))
        .collect();
    assert_eq!(names, "bcbc");
    // Its only usable members are those that serve everybody.
    near.set_activation(1, Disabled);
    near.set_activation(2, Disabled);
    let chosen = near.pick("JSESSIONID=1.d", at(0));
    assert_eq!(near.name_of(chosen), "a");
}

#[test]
fn route_and_domain_of_one_id() {
    // Nobody has the route `a.b`: the text before its dot is tried as a domain.
    let balanced = balancer(&[1, 1]);
    assert!(!balanced.pick("JSESSIONID=1.a.b", at(0)).unwrap().sticky);
    let domain = with(&[1, 1], |c| c.members[1].domain = Some("a".into()));
    let chosen = domain.pick("JSESSIONID=1.a.b", at(0));
    assert_eq!(domain.name_of(chosen), "b");
    let exact = with(&[1, 1], |c| c.members[1].route = "a.b".into());
    assert!(exact.pick("JSESSIONID=1.a.b", at(0)).unwrap().sticky);
}
