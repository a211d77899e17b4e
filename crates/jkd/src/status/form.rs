//! `edit`: a form with the settings as they are, which an `update` changes.

use jkworkers::model::{Activation, AjpWorker, Balancer, Member, WorkerKind};

use super::{query::Query, target::Target};
use crate::{
    balancer::MemberState,
    edits::{AJP, BALANCER, HOST, Kind, MEMBER, PORT, Range, Value},
    snapshot::{Group, Running, Snapshot},
};

/// A form.
pub(super) struct Sheet {
    pub(super) title: String,
    /// What is sent along: names and values.
    pub(super) hidden: Vec<(&'static str, String)>,
    pub(super) fields: Vec<Input>,
}

/// One setting in it.
pub(super) struct Input {
    pub(super) label: String,
    pub(super) name: String,
    pub(super) value: String,
    /// What it may be, where that is one of a few.
    pub(super) choices: &'static [&'static str],
}

/// The form for what the query names, if there is one.
pub(super) fn of(snapshot: &Snapshot, query: &Query) -> Option<Sheet> {
    let target = Target::find(snapshot, query, false).ok()?;
    let Running::Group(group) = target.worker else {
        return None;
    };
    let mut hidden = vec![("cmd", "update".to_owned()), ("w", group.name.to_string())];
    for name in ["sw", "att", "from", "opt"] {
        hidden.extend(query.get(name).map(|value| (name, value.to_owned())));
    }
    if query.get("from") == Some("show") {
        hidden.extend(query.get("sw").map(|value| ("psw", value.to_owned())));
    }
    let worker = snapshot.model.worker(&group.name)?;
    let (title, fields) = match (&worker.kind, target.member(), query.get("att")) {
        (WorkerKind::Balancer(lb), Some(index), _) => of_member(group, lb, index)?,
        (WorkerKind::Balancer(lb), None, Some(code)) => of_all(group, lb, code)?,
        (WorkerKind::Balancer(lb), None, None) => (
            format!("Edit load balancer settings for {}", group.name),
            BALANCER.iter().map(|kind| input(kind, lb)).collect(),
        ),
        (WorkerKind::Ajp13(ajp), ..) => (
            format!("Edit worker settings for {}", group.name),
            ajp_kinds().map(|kind| input(kind, ajp)).collect(),
        ),
        _ => return None,
    };
    Some(Sheet {
        title,
        hidden,
        fields,
    })
}

fn of_member(group: &Group, lb: &Balancer, index: usize) -> Option<(String, Vec<Input>)> {
    let member = lb.members.get(index)?;
    let name = &member.worker.name;
    let mut fields = vec![activation(group, index, "vwa", "activation".to_owned())];
    fields.extend(MEMBER.iter().map(|kind| input(kind, member)));
    fields.extend(ajp_kinds().map(|kind| input(kind, &*member.worker)));
    let title = format!(
        "Edit worker settings for {name} of load balancer {}",
        group.name
    );
    Some((title, fields))
}

fn of_all(group: &Group, lb: &Balancer, code: &str) -> Option<(String, Vec<Input>)> {
    let member = MEMBER.iter().find(|kind| kind.code == code);
    let ajp = AJP.iter().find(|kind| kind.code == code);
    let of = |(index, of): (usize, &Member)| {
        let name = format!("val{index}");
        let label = of.worker.name.to_string();
        let like = |input: Input| Input {
            label: label.clone(),
            name: name.clone(),
            ..input
        };
        match (member, ajp) {
            (Some(kind), _) => Some(like(input(kind, of))),
            (None, Some(kind)) => Some(like(input(kind, &*of.worker))),
            (None, None) if code == "vwa" => Some(activation(group, index, &name, label.clone())),
            (None, None) => None,
        }
    };
    let fields: Option<_> = lb.members.iter().enumerate().map(of).collect();
    let title = member
        .map(|kind| kind.name)
        .or_else(|| ajp.map(|kind| kind.name));
    let title = title.unwrap_or("activation");
    Some((
        format!(
            "Edit attribute {title} for all members of load balancer {}",
            group.name
        ),
        fields?,
    ))
}

fn ajp_kinds() -> impl Iterator<Item = &'static Kind<AjpWorker>> {
    [&HOST, &PORT].into_iter().chain(AJP)
}

fn activation(group: &Group, index: usize, name: &str, label: String) -> Input {
    let state = group.balancer.member(index);
    let now = state.map_or(Activation::Active, MemberState::activation);
    Input {
        label,
        name: name.to_owned(),
        value: now.word().to_owned(),
        choices: &["active", "disabled", "stopped"],
    }
}

fn input<T>(kind: &'static Kind<T>, of: &T) -> Input {
    let value = (kind.get)(of);
    let text = match &value {
        // As it is, where a log would show it in other words.
        Value::Text(text) => text.to_string(),
        Value::Flag(flag) => (if *flag { "True" } else { "False" }).to_owned(),
        other => other.to_string(),
    };
    Input {
        label: kind.name.to_owned(),
        name: kind.code.to_owned(),
        value: text,
        choices: choices(kind.range),
    }
}

const fn choices(range: Range) -> &'static [&'static str] {
    match range {
        Range::Flag => &["True", "False"],
        Range::Lock => &["Optimistic", "Pessimistic"],
        Range::Method => &["Request", "Traffic", "Busyness", "Sessions", "Next"],
        Range::From(_) | Range::PacketSize | Range::Text => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::accept;

    #[test]
    fn choices_are_read_as_they_are_shown() {
        for range in [Range::Flag, Range::Lock, Range::Method] {
            let read = choices(range).iter().map(|text| accept::value(range, text));
            let read: Vec<_> = read.flatten().collect();
            let shown = read.iter().map(|value| match value {
                Value::Flag(flag) => (if *flag { "True" } else { "False" }).to_owned(),
                other => other.to_string(),
            });
            assert_eq!(shown.collect::<Vec<_>>(), choices(range));
        }
    }
}
