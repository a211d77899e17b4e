//! `resolve=all`: names that turn into members.

use std::{borrow::Cow, net::IpAddr, sync::Arc};

use super::{AjpWorker, Balancer, Member, Model, Resolve, Worker, WorkerKind};

/// No name turns into more members than this: whoever answers for it must not decide how large a
/// balancer becomes.
pub const MAX_ADDRESSES: usize = 256;

impl Model {
    /// The model as it is run: each member with `resolve=all` is replaced by one member for each
    /// address of its name, in the order of the addresses, whatever order `addresses` has. It
    /// stays as it is where no address is known.
    ///
    /// A member for an address is called `NAME-ADDRESS`, so that the one that stays is recognised
    /// when others come and go.
    #[must_use]
    pub fn expanded(self: &Arc<Self>, addresses: impl Fn(&str) -> Vec<IpAddr>) -> Arc<Self> {
        if !self.workers.iter().any(|worker| is_expandable(worker)) {
            return Arc::clone(self);
        }
        let expand = |worker: &Arc<Worker>| match &worker.kind {
            WorkerKind::Balancer(lb) if is_expandable(worker) => Arc::new(Worker {
                kind: WorkerKind::Balancer(Arc::new(lb.expanded(&addresses))),
                ..Worker::clone(worker)
            }),
            _ => Arc::clone(worker),
        };
        Arc::new(Self {
            workers: self.workers.iter().map(expand).collect(),
            ..Self::clone(self)
        })
    }
}

fn is_expandable(worker: &Worker) -> bool {
    match &worker.kind {
        WorkerKind::Balancer(lb) => lb.members.iter().any(|m| m.worker.name_of_many().is_some()),
        WorkerKind::Ajp13(_) | WorkerKind::Status(_) => false,
    }
}

impl Balancer {
    fn expanded(&self, addresses: impl Fn(&str) -> Vec<IpAddr>) -> Self {
        let mut members: Vec<Cow<'_, Member>> = Vec::new();
        for member in &self.members {
            let name = member.worker.name_of_many();
            let found = name.map(|name| member.worker.choose(addresses(name)));
            match found.as_deref() {
                None | Some([]) => members.push(Cow::Borrowed(member)),
                Some(found) => members.extend(found.iter().map(|at| Cow::Owned(member.at(*at)))),
            }
        }
        let heirs = |route: &str| {
            let template = self.members.iter().find(|m| &*m.route == route)?;
            let mut heirs = members.iter();
            let heir = heirs.find(|m| m.configured == template.configured)?;
            Some(Arc::clone(&heir.route))
        };
        let with_heir = |member: &Cow<'_, Member>| Member {
            redirect: (member.redirect.as_ref())
                .map(|route| heirs(route).unwrap_or_else(|| Arc::clone(route))),
            ..Member::clone(member)
        };
        Self {
            members: members.iter().map(with_heir).collect(),
            ..self.clone()
        }
    }
}

impl AjpWorker {
    /// The name whose addresses are Tomcats of their own, if it is one.
    pub fn name_of_many(&self) -> Option<&str> {
        let is_name = self.host.parse::<IpAddr>().is_err();
        (self.resolve == Resolve::All && is_name).then_some(&*self.host)
    }

    /// Those of the addresses that are Tomcats: a machine that has an address of each family is
    /// one Tomcat, not two.
    fn choose(&self, mut found: Vec<IpAddr>) -> Vec<IpAddr> {
        let source = self
            .source
            .as_deref()
            .and_then(|s| s.parse::<IpAddr>().ok());
        let prefer_ipv6 = source.map_or(self.prefer_ipv6, |source| source.is_ipv6());
        if found.iter().any(|address| address.is_ipv6() == prefer_ipv6) {
            found.retain(|address| address.is_ipv6() == prefer_ipv6);
        }
        found.sort_unstable();
        found.dedup();
        found.truncate(MAX_ADDRESSES);
        found
    }
}

impl Member {
    /// Whether its route is another than the worker's name.
    pub(crate) fn has_own_route(&self) -> bool {
        self.route != self.worker.name
    }

    /// This member at one of its addresses.
    fn at(&self, address: IpAddr) -> Self {
        let worker = &*self.worker;
        let route = if self.has_own_route() {
            format!("{}.{address}", self.route)
        } else {
            address.to_string()
        };
        Self {
            route: route.into(),
            domain: Some(self.domain.as_ref().unwrap_or(&self.route).clone()),
            worker: Arc::new(AjpWorker {
                name: format!("{}-{address}", worker.name).into(),
                host: address.to_string(),
                resolve: Resolve::One,
                ..worker.clone()
            }),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers_properties::{Source, read};

    const TWO: &str = "worker.list=lb\nworker.lb.type=lb\nworker.lb.balance_workers=a,x,b\n\
        worker.a.redirect=x\nworker.x.host=tomcats\nworker.x.port=8010\nworker.x.resolve=all\n\
        worker.x.lbfactor=3\nworker.x.distance=2\nworker.x.activation=d\nworker.x.redirect=b\n";

    fn model(text: &str) -> Arc<Model> {
        let source = Source {
            name: "w",
            bytes: text.as_bytes(),
        };
        let read = read(&[source], &[], "/", &|_| None);
        Arc::new(Model {
            hosts: Vec::new(),
            listen: Vec::new(),
            workers: read.workers,
            global: super::super::Global::default(),
            files: Vec::new(),
        })
    }

    fn members(model: &Model) -> &[Member] {
        match &model.workers.last().unwrap().kind {
            WorkerKind::Balancer(lb) => &lb.members,
            other => panic!("{other:?}"),
        }
    }

    fn expanded(model: &Arc<Model>, addresses: &[&str]) -> Arc<Model> {
        model.expanded(|name| {
            assert_eq!(name, "tomcats");
            addresses.iter().map(|text| text.parse().unwrap()).collect()
        })
    }

    fn names(model: &Model) -> Vec<&str> {
        members(model).iter().map(|m| &*m.worker.name).collect()
    }

    #[test]
    fn a_name_turns_into_a_member_for_each_address() {
        let model = expanded(&model(TWO), &["10.0.0.10", "10.0.0.9", "10.0.0.10"]);
        assert_eq!(names(&model), ["a", "x-10.0.0.9", "x-10.0.0.10", "b"]);
        let member = &members(&model)[1];
        assert_eq!(
            (&*member.route, member.domain.as_deref()),
            ("10.0.0.9", Some("x"))
        );
        assert_eq!(
            (member.lbfactor, member.distance, member.configured),
            (3, 2, 1)
        );
        assert_eq!(member.activation.code(), "DIS");
        assert_eq!(member.redirect.as_deref(), Some("b"));
        assert_eq!(
            (&*member.worker.host, member.worker.port),
            ("10.0.0.9", 8010)
        );
        // Who was redirected to the name is redirected to the first of its members.
        assert_eq!(members(&model)[0].redirect.as_deref(), Some("10.0.0.9"));
        let places: Vec<_> = members(&model).iter().map(|m| m.configured).collect();
        assert_eq!(places, [0, 1, 1, 2]);
    }

    #[test]
    fn without_addresses_and_without_names_all_stays() {
        let two = model(TWO);
        assert_eq!(names(&expanded(&two, &[])), ["a", "x", "b"]);
        assert_eq!(
            members(&expanded(&two, &[]))[0].redirect.as_deref(),
            Some("x")
        );
        for text in [
            &TWO.replace("=all", "=one"),
            &TWO.replace("tomcats", "10.0.0.1"),
            "worker.list=x\nworker.x.host=tomcats\nworker.x.resolve=all\n",
        ] {
            let model = model(text);
            let same = model.expanded(|_| unreachable!("nobody asks"));
            assert!(Arc::ptr_eq(&model, &same), "{text}");
        }
    }

    #[test]
    fn a_route_stands_before_the_address_and_is_the_domain() {
        let with = |more: &str| {
            let model = expanded(&model(&format!("{TWO}{more}\n")), &["10.0.0.9"]);
            let member = members(&model)[1].clone();
            (member.route.to_string(), member.domain.unwrap().to_string())
        };
        let pair = |route: &str, domain: &str| (route.to_owned(), domain.to_owned());
        assert_eq!(with("worker.x.route=blue"), pair("blue.10.0.0.9", "blue"));
        assert_eq!(
            with("worker.x.route=blue.y"),
            pair("blue.y.10.0.0.9", "blue")
        );
        assert_eq!(with("worker.x.domain=d"), pair("10.0.0.9", "d"));
    }

    #[test]
    fn one_family_counts_where_there_are_both() {
        let both = ["fd00::1", "10.0.0.9", "fd00::2"];
        let (v4, v6) = (
            ["a", "x-10.0.0.9", "b"],
            ["a", "x-fd00::1", "x-fd00::2", "b"],
        );
        assert_eq!(names(&expanded(&model(TWO), &both)), v4);
        assert_eq!(names(&expanded(&model(TWO), &["fd00::2", "fd00::1"])), v6);
        for more in ["worker.x.prefer_ipv6=1", "worker.x.source=::1"] {
            let model = model(&format!("{TWO}{more}\n"));
            assert_eq!(names(&expanded(&model, &both)), v6, "{more}");
        }
    }

    #[test]
    fn nobody_can_make_a_balancer_as_large_as_he_likes() {
        let many: Vec<_> = (0..=u16::MAX)
            .map(|n| format!("10.0.{}.{}", n >> 8, n & 255))
            .collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert_eq!(
            names(&expanded(&model(TWO), &many)).len(),
            MAX_ADDRESSES + 2
        );
    }
}
