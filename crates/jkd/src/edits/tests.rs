use jkworkers::workers_properties::{Source, read};

use super::{
    settings::{AJP, BALANCER, HOST, MEMBER, PORT, Range},
    *,
};

const TEXT: &str = "worker.list=lb,x\nworker.lb.type=lb\nworker.lb.balance_workers=a,b\n\
    worker.a.host=10.0.0.1\nworker.a.port=8009\nworker.a.lbfactor=2\nworker.b.host=10.0.0.2\n\
    worker.b.port=8009\nworker.x.host=10.0.0.3\nworker.x.port=8009\n";

fn model(text: &str) -> Arc<Model> {
    let source = Source {
        name: "w",
        bytes: text.as_bytes(),
    };
    Arc::new(Model {
        hosts: Vec::new(),
        listen: Vec::new(),
        workers: read(&[source], &[], "/", &|_| None).workers,
        global: jkworkers::model::Global::default(),
        files: Vec::new(),
    })
}

fn place(worker: &str, member: &str) -> Place {
    Place {
        worker: worker.into(),
        member: (!member.is_empty()).then(|| member.into()),
    }
}

fn get(model: &Model, worker: &str, member: &str, code: &str) -> Option<Value> {
    let worker = model.worker(worker)?;
    let member = (!member.is_empty()).then_some(member);
    of_code(code)?.get(&worker.kind, member)
}

/// A value that is another one.
fn other(range: Range, value: &Value) -> Value {
    use jkworkers::model::{Lock, Method};
    match (range, value) {
        (Range::Flag, value) => Value::Flag(*value == Value::Flag(false)),
        (Range::Lock, _) => Value::Lock(Lock::Pessimistic),
        (Range::Method, _) => Value::Method(Method::Traffic),
        (Range::PacketSize, _) => Value::Number(16_384),
        (_, Value::Number(number)) => Value::Number(number + 7),
        _ => Value::Text("other".into()),
    }
}

fn edit(edits: &mut Edits, model: &Model, place: &Place, code: &'static str, value: Value) {
    let member = place.member.as_deref().unwrap_or_default();
    let running = get(model, &place.worker, member, code).unwrap();
    edits.set(place, code, running, value);
}

#[test]
fn each_setting_can_be_changed_and_nothing_else_changes() {
    let old = model(TEXT);
    let all: Vec<_> = (BALANCER.iter().map(|k| ("lb", "", k.code, k.range)))
        .chain(MEMBER.iter().map(|k| ("lb", "a", k.code, k.range)))
        .chain(AJP.iter().map(|k| ("lb", "a", k.code, k.range)))
        .chain(AJP.iter().map(|k| ("x", "", k.code, k.range)))
        .chain([&HOST, &PORT].map(|k| ("x", "", k.code, k.range)))
        .collect();
    for (worker, member, code, range) in &all {
        let was = get(&old, worker, member, code).unwrap();
        let value = other(*range, &was);
        let mut edits = Edits::default();
        edit(
            &mut edits,
            &old,
            &place(worker, member),
            code,
            value.clone(),
        );
        let new = edits.apply(&old);
        for (worker, member, other, _) in &all {
            let (before, after) = (
                get(&old, worker, member, other).unwrap(),
                get(&new, worker, member, other).unwrap(),
            );
            let is_it = before != after;
            assert!(
                !is_it || (other == code && after == value),
                "{code}: {other} {after}"
            );
        }
        assert_eq!(get(&new, worker, member, code), Some(value), "{code}");
        let is_about_all = *worker == "lb" && member.is_empty();
        let of_b = |model| get(model, "lb", "b", code).filter(|_| !is_about_all);
        assert_eq!(of_b(&new), of_b(&old), "{code}");
    }
}

#[test]
fn edits_hold_until_files_say_something_else_about_the_setting() {
    let old = model(TEXT);
    let mut edits = Edits::default();
    let a = place("lb", "a");
    edit(&mut edits, &old, &a, "vwf", Value::Number(5));
    let running = edits.apply(&old);
    edit(&mut edits, &running, &a, "vwf", Value::Number(6));
    edit(&mut edits, &old, &a, "vwd", Value::Number(3));
    edit(&mut edits, &old, &place("x", ""), "vaprt", Value::Number(1));
    let read_again = |edits: &mut Edits, text: &str| {
        let new = model(text);
        edits.follow(&new);
        let new = edits.apply(&new);
        let values = [("lb", "a", "vwf"), ("lb", "a", "vwd"), ("x", "", "vaprt")];
        values.map(|(worker, member, code)| {
            get(&new, worker, member, code).map_or_else(String::new, |value| value.to_string())
        })
    };
    assert_eq!(read_again(&mut edits, TEXT), ["6", "3", "1"]);
    let without_x = TEXT.replace("list=lb,x", "list=lb");
    assert_eq!(read_again(&mut edits, &without_x), ["6", "3", ""]);
    assert_eq!(read_again(&mut edits, TEXT), ["6", "3", "8009"]);
    let heavier = TEXT.replace("lbfactor=2", "lbfactor=4");
    assert_eq!(read_again(&mut edits, &heavier), ["4", "3", "8009"]);
    assert_eq!(read_again(&mut edits, TEXT), ["2", "3", "8009"]);
}

#[test]
fn edits_of_members_for_addresses_wait_for_them() {
    let text = TEXT.replace("10.0.0.1\n", "many\nworker.a.resolve=all\n");
    let configured = model(&text);
    let expanded = configured.expanded(|_| vec!["10.0.0.9".parse().unwrap()]);
    let mut edits = Edits::default();
    edit(
        &mut edits,
        &expanded,
        &place("lb", "a-10.0.0.9"),
        "vwd",
        Value::Number(3),
    );
    edit(
        &mut edits,
        &configured,
        &place("lb", "a"),
        "vwd",
        Value::Number(4),
    );
    edits.follow(&configured);
    let running = edits.apply(&expanded);
    assert_eq!(
        get(&running, "lb", "a-10.0.0.9", "vwd"),
        Some(Value::Number(3))
    );
    edits.follow(&model(TEXT));
    let running = edits.apply(&expanded);
    assert_eq!(
        get(&running, "lb", "a-10.0.0.9", "vwd"),
        Some(Value::Number(0))
    );
}

#[test]
fn values_look_as_in_mod_jks_log() {
    use jkworkers::model::{Lock, Method};
    let values = [
        Value::Flag(true),
        Value::Method(Method::Session),
        Value::Lock(Lock::Pessimistic),
        Value::Number(-1),
        Value::Text("a\nb".into()),
    ];
    let texts = values.map(|value| value.to_string());
    assert_eq!(texts, ["1", "Sessions", "Pessimistic", "-1", "a\\nb"]);
}
