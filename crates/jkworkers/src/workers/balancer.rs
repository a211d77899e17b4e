//! Workers of type lb.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use super::{Builder, ajp, settings::Settings, types::Type};
use crate::{
    diag::{Origin, listing},
    directive::{
        BALANCE_WORKERS, ERROR_ESCALATION_TIME, LB_RETRIES, LOCK, MAX_REPLY_TIMEOUTS, METHOD,
        RECOVER_TIME, REDIRECT, RETRY_BUDGET, SESSION_COOKIE, SESSION_COOKIE_PATH, SESSION_PATH,
        SET_SESSION_COOKIE, SLOW_START, STICKY_SESSION, STICKY_SESSION_FORCE,
    },
    model::{Activation, Balancer, Lock, Member, Method, Secret, StickySettings},
    resolve::Property,
};

impl Builder<'_, '_> {
    /// The balancer of this name, or `None` where it has no member.
    pub(super) fn balancer(&mut self, name: &str, asked_at: &Origin) -> Option<Balancer> {
        let members = self.balanced(name, asked_at);
        self.check_routes(name, &members);
        self.check_names(name, &members);
        self.check_redirects(&members);
        let mut settings = self.settings(name);
        let recover_time = settings.seconds(&RECOVER_TIME);
        let balancer = Balancer {
            method: method(&mut settings),
            lock: lock(&mut settings),
            sticky: sticky(&mut settings),
            recover_time,
            error_escalation_time: escalation(&mut settings, recover_time),
            max_reply_timeouts: settings.count(&MAX_REPLY_TIMEOUTS),
            retries: ajp::any_retries(&mut settings),
            lb_retries: settings.count(&LB_RETRIES),
            retry_budget: settings.count(&RETRY_BUDGET),
            slow_start: settings.seconds(&SLOW_START),
            members,
        };
        (!balancer.members.is_empty()).then_some(balancer)
    }

    /// The members in list order; those that cannot be members are reported and left out.
    fn balanced(&mut self, name: &str, asked_at: &Origin) -> Vec<Member> {
        let properties = self.properties;
        let settings = self.settings(name);
        let secret = ajp::secret(&settings);
        let list = settings.property(&BALANCE_WORKERS);
        let Some(list) = list.filter(|list| list.items().next().is_some()) else {
            let place = super::first_written(properties, name).unwrap_or(asked_at);
            self.refuse_empty(name, list.map_or(place, Property::origin));
            return Vec::new();
        };
        let mut members: Vec<Member> = Vec::new();
        let mut seen = HashSet::new();
        for (item, origin) in list.items() {
            if !seen.insert(item) {
                self.found
                    .error(origin, format!("`{item}` is a member of `{name}` twice"))
                    .help("List each member once; write lbfactor to give it more.");
                continue;
            }
            self.check_name(item, origin);
            members.extend(self.admit(name, item, origin, secret.as_ref()));
        }
        for (place, member) in members.iter_mut().enumerate() {
            member.configured = place;
        }
        members
    }

    fn admit(
        &mut self,
        balancer: &str,
        name: &str,
        origin: &Origin,
        secret: Option<&Secret>,
    ) -> Option<Member> {
        let typed = self.type_of(name, origin);
        let kind = typed.kind;
        if kind != Type::Ajp13 && !typed.refused {
            let remedy = match kind {
                Type::Lb => "Members have type ajp13: list that balancer's own members here.",
                _ => "Members have type ajp13: remove it from the list.",
            };
            self.found
                .error(
                    origin,
                    format!(
                        "`{name}` has type {} and cannot be a member of `{balancer}`",
                        kind.name()
                    ),
                )
                .help(remedy);
        }
        if kind != Type::Ajp13 {
            return None;
        }
        let mut member = self.member(name, origin);
        if member.worker.secret.is_none() {
            Arc::make_mut(&mut member.worker).secret = secret.cloned();
        }
        if member.worker.port == 0 {
            member.activation = Activation::Stopped;
        }
        (!typed.refused).then_some(member)
    }

    fn refuse_empty(&mut self, name: &str, place: &Origin) {
        let key = self.settings(name).key(BALANCE_WORKERS.name);
        self.found
            .error(place, format!("the balancer `{name}` has no members"))
            .help(format!("Write `{key}=` with the names of ajp13 workers."));
    }

    fn check_routes(&mut self, name: &str, members: &[Member]) {
        let mut seen: HashMap<&str, &Member> = HashMap::new();
        for member in members {
            let Some(first) = seen.insert(&member.route, member) else {
                continue;
            };
            self.found
                .error(
                    &member.worker.origin,
                    format!(
                        "`{}` and `{}` have the same route `{}` in the balancer `{name}`",
                        first.worker.name, member.worker.name, member.route
                    ),
                )
                .help("Give each its own route, the jvmRoute of its Tomcat.");
        }
    }

    /// Two workers whose members would be told apart by nothing: their routes are their addresses.
    fn check_names(&mut self, name: &str, members: &[Member]) {
        let mut seen: HashMap<&str, &Member> = HashMap::new();
        for member in members.iter().filter(|member| !member.has_own_route()) {
            let Some(host) = member.worker.name_of_many() else {
                continue;
            };
            let Some(first) = seen.insert(host, member) else {
                continue;
            };
            self.found
                .error(
                    &member.worker.origin,
                    format!(
                        "`{}` and `{}` turn the name `{host}` into members with the same routes in the balancer `{name}`",
                        first.worker.name, member.worker.name
                    ),
                )
                .help(format!(
                    "Write `worker.{}.route=ROUTE`, and `ROUTE.ADDRESS` as jvmRoute of its Tomcats.",
                    member.worker.name
                ));
        }
    }

    fn check_redirects(&mut self, members: &[Member]) {
        let routes = || members.iter().map(|member| &*member.route);
        let known: HashSet<&str> = routes().collect();
        for member in members {
            let Some(redirect) = &member.redirect else {
                continue;
            };
            if known.contains(&**redirect) {
                continue;
            }
            let remedy = match self.found.guess(redirect, routes) {
                Some(meant) => format!("Did you mean `{meant}`?"),
                None => format!("The routes here are {}.", listing(routes())),
            };
            self.settings(&member.worker.name).warn(&REDIRECT, |key| {
                (
                    format!("`{key}={redirect}` is the route of no member of the same balancer"),
                    remedy,
                )
            });
        }
    }
}

fn method(settings: &mut Settings<'_, '_>) -> Method {
    match settings.choice(&METHOD) {
        Some("traffic") => Method::Traffic,
        Some("busyness") => Method::Busyness,
        Some("session") => Method::Session,
        Some("next") => Method::Next,
        _ => Method::Request,
    }
}

fn lock(settings: &mut Settings<'_, '_>) -> Lock {
    match settings.choice(&LOCK) {
        Some("pessimistic") => Lock::Pessimistic,
        _ => Lock::Optimistic,
    }
}

fn sticky(settings: &mut Settings<'_, '_>) -> StickySettings {
    StickySettings {
        enabled: settings.flag(&STICKY_SESSION),
        force: settings.flag(&STICKY_SESSION_FORCE),
        cookie: settings
            .text(&SESSION_COOKIE)
            .unwrap_or_default()
            .to_owned(),
        path: settings.text(&SESSION_PATH).unwrap_or_default().to_owned(),
        set_cookie: settings.flag(&SET_SESSION_COOKIE),
        cookie_path: settings
            .text(&SESSION_COOKIE_PATH)
            .unwrap_or_default()
            .to_owned(),
    }
}

/// Half of `recover_time` in whole seconds: of 1 s that is 0, and a member escalates at once.
fn escalation(settings: &mut Settings<'_, '_>, recover_time: Duration) -> Duration {
    if settings.written_int(&ERROR_ESCALATION_TIME).is_none() {
        return Duration::from_secs(recover_time.as_secs() / 2);
    }
    settings.seconds(&ERROR_ESCALATION_TIME)
}
