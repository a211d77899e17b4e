//! What a request's rule and variables mean for the members of its balancer.

use http::StatusCode;
use jkworkers::model::{self, StickySettings, Worker, WorkerKind};

use super::{Answer, Refused, refused};
use crate::{
    balancer::{Balancer, Chosen, NoMember, Now, Selection, SessionIds, Tried},
    logging::Printable,
    mapping::Mapped,
    steering::Steering,
};

/// So many members are named.
const MOST: usize = 20;

/// How sessions stick to members of the worker.
pub(super) fn sticky(worker: &Worker) -> StickySettings {
    match &worker.kind {
        WorkerKind::Balancer(balancer) => balancer.sticky.clone(),
        WorkerKind::Ajp13(_) | WorkerKind::Status(_) => StickySettings::default(),
    }
}

/// All that is different for this request, and who gets it when all members are up.
pub(super) fn describe(
    worker: &Worker,
    mapped: &Mapped<'_>,
    steering: &Steering<'_>,
    sessions: &SessionIds<'_>,
    answer: &mut Answer,
) -> Result<(), Refused> {
    if let Some(limit) = steering.reply_timeout() {
        let millis = limit.as_millis();
        answer.say(format!("reply_timeout of this request: {millis} ms"));
    }
    if let Some(limit) = steering.request_timeout() {
        let millis = limit.as_millis();
        answer.say(format!(
            "all attempts together (JkdRequestTimeout): {millis} ms"
        ));
    }
    let WorkerKind::Balancer(balancer) = &worker.kind else {
        return Ok(());
    };
    if steering.ignores_sessions() {
        answer.say("its session ids are ignored: sticky_ignore".to_owned());
    }
    if steering.is_stateless() {
        answer.say("members take turns whatever their load: stateless".to_owned());
    }
    answer.lines.extend(activations(balancer, mapped));
    for route in sessions.routes() {
        let is_known = balancer.members.iter().any(|m| m.route.as_bytes() == route);
        let unknown = if is_known { "" } else { ", of no member" };
        answer.say(format!("route: {}{unknown}", Printable(route)));
    }
    let chosen = choose(balancer, &steering.selection(sessions));
    let chosen = chosen.map_err(|why| refused(why, StatusCode::SERVICE_UNAVAILABLE))?;
    answer.say(members(balancer, &chosen, sessions));
    Ok(())
}

/// Members that have another activation for the requests of this rule.
fn activations(balancer: &model::Balancer, mapped: &Mapped<'_>) -> Vec<String> {
    let all = balancer.members.iter();
    let overridden = all.filter_map(|member| {
        let activation = (*mapped.activations().get(member.configured)?)?;
        let (name, word) = (&member.worker.name, activation.word());
        Some(format!("{name} is {word} for this rule"))
    });
    overridden.collect()
}

/// The member that is asked first, and who would be next if it failed.
fn choose(
    config: &std::sync::Arc<model::Balancer>,
    selection: &Selection<'_>,
) -> Result<Vec<Chosen>, NoMember> {
    let balancer = Balancer::new(config.clone());
    let mut tried = Tried::default();
    let mut all = vec![balancer.choose(selection, &tried, Now::default())?];
    while let Some(last) = all.last() {
        tried.insert(last.index);
        match balancer.choose(selection, &tried, Now::default()) {
            Ok(next) => all.push(next),
            Err(_) => break,
        }
    }
    Ok(all)
}

fn members(balancer: &model::Balancer, chosen: &[Chosen], sessions: &SessionIds<'_>) -> String {
    let named = chosen.iter().filter_map(|c| balancer.members.get(c.index));
    let mut names: Vec<_> = named.map(|m| &*m.worker.name).take(MOST).collect();
    if chosen.len() > MOST {
        names.push("...");
    }
    let sticks = !sessions.is_empty() && chosen.first().is_some_and(|first| first.sticky);
    match names.split_first() {
        Some((first, [])) => format!("member: {first}"),
        Some((first, rest)) if sticks => {
            format!(
                "member: {first}, by its route; if it fails: {}",
                rest.join(", ")
            )
        }
        _ => format!("members: {}, by load and distance", names.join(", ")),
    }
}
