//! Workers as text: `workers.properties` with every default written out.
//!
//! Each structure is taken apart completely, so that a new field cannot be forgotten here.

use std::{
    fmt::Display,
    io::{self, Write},
    time::Duration,
};

use jkworkers::model::{
    AjpWorker, Balancer, Member, Model, PingPolicy, PoolSettings, ProbeSettings, RecoveryOptions,
    Resolve, Retries, SocketSettings, StatusWorker, StickySettings, Worker, WorkerKind,
};

/// All workers, members below their balancer.
pub(super) fn print(model: &Model, out: &mut impl Write) -> io::Result<()> {
    let names: Vec<_> = model.workers.iter().map(|worker| &*worker.name).collect();
    writeln!(out, "\nworker.list={}", names.join(","))?;
    writeln!(out, "worker.maintain={}", model.global.maintain.as_secs())?;
    let interval = model.global.resolve_interval.as_secs();
    writeln!(out, "worker.resolve_interval={interval}")?;
    model.workers.iter().try_for_each(|each| worker(each, out))
}

fn worker(worker: &Worker, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\n# {}", worker.origin)?;
    let mut lines = Lines {
        out,
        name: &worker.name,
    };
    match &worker.kind {
        WorkerKind::Ajp13(ajp) => lines.ajp(ajp),
        WorkerKind::Status(status) => lines.status(status),
        WorkerKind::Balancer(balancer) => {
            lines.balancer(balancer)?;
            balancer
                .members
                .iter()
                .try_for_each(|each| member(each, lines.out))
        }
    }
}

fn member(member: &Member, out: &mut impl Write) -> io::Result<()> {
    let Member {
        worker,
        lbfactor,
        distance,
        route,
        domain,
        redirect,
        activation,
        configured: _,
    } = member;
    writeln!(out, "\n# {}", worker.origin)?;
    let mut lines = Lines {
        out,
        name: &worker.name,
    };
    lines.put("route", route)?;
    lines.put("lbfactor", lbfactor)?;
    lines.put("distance", distance)?;
    lines.put("domain", domain.as_deref().unwrap_or_default())?;
    lines.put("redirect", redirect.as_deref().unwrap_or_default())?;
    lines.put("activation", activation.code())?;
    lines.ajp(worker)
}

const fn resolve_word(resolve: Resolve) -> &'static str {
    match resolve {
        Resolve::One => "one",
        Resolve::All => "all",
    }
}

fn codes(codes: &[impl ToString]) -> String {
    let codes: Vec<_> = codes.iter().map(ToString::to_string).collect();
    codes.join(",")
}

/// Writes the properties of one worker.
struct Lines<'a, W> {
    out: &'a mut W,
    name: &'a str,
}

impl<W: Write> Lines<'_, W> {
    fn put(&mut self, key: &str, value: impl Display) -> io::Result<()> {
        writeln!(self.out, "worker.{}.{key}={value}", self.name)
    }

    /// A time in milliseconds; 0 is the same as none.
    fn millis(&mut self, key: &str, time: Option<Duration>) -> io::Result<()> {
        self.put(key, time.unwrap_or_default().as_millis())
    }

    /// A time in seconds; 0 is the same as none.
    fn seconds(&mut self, key: &str, time: Option<Duration>) -> io::Result<()> {
        self.put(key, time.unwrap_or_default().as_secs())
    }

    fn balancer(&mut self, balancer: &Balancer) -> io::Result<()> {
        let Balancer {
            members,
            method,
            lock,
            sticky,
            recover_time,
            error_escalation_time,
            max_reply_timeouts,
            retries,
            lb_retries,
            retry_budget,
            slow_start,
        } = balancer;
        let names: Vec<_> = members.iter().map(|member| &*member.worker.name).collect();
        self.put("type", "lb")?;
        self.put("balance_workers", names.join(","))?;
        self.put("method", format!("{method:?}"))?;
        self.put("lock", format!("{lock:?}"))?;
        self.sticky(sticky)?;
        self.seconds("recover_time", Some(*recover_time))?;
        self.seconds("error_escalation_time", Some(*error_escalation_time))?;
        self.put("max_reply_timeouts", max_reply_timeouts)?;
        self.retries(retries)?;
        self.put("lb_retries", lb_retries)?;
        self.put("retry_budget", retry_budget)?;
        self.seconds("slow_start", Some(*slow_start))
    }

    fn sticky(&mut self, sticky: &StickySettings) -> io::Result<()> {
        let StickySettings {
            enabled,
            force,
            cookie,
            path,
            set_cookie,
            cookie_path,
        } = sticky;
        self.put("sticky_session", enabled)?;
        self.put("sticky_session_force", force)?;
        self.put("session_cookie", cookie)?;
        self.put("session_path", path)?;
        self.put("set_session_cookie", set_cookie)?;
        self.put("session_cookie_path", cookie_path)
    }

    fn ajp(&mut self, worker: &AjpWorker) -> io::Result<()> {
        let AjpWorker {
            name: _,
            origin: _,
            host,
            port,
            source,
            prefer_ipv6,
            resolve,
            secret,
            max_packet_size,
            pool,
            socket,
            ping,
            reply_timeout,
            retries,
            recovery_options,
            fail_on_status,
            probe,
            busy_limit,
        } = worker;
        self.put("type", "ajp13")?;
        self.put("host", host)?;
        self.put("port", port)?;
        self.put("source", source.as_deref().unwrap_or_default())?;
        self.put("prefer_ipv6", prefer_ipv6)?;
        self.put("resolve", resolve_word(*resolve))?;
        self.put("secret", if secret.is_some() { "<redacted>" } else { "" })?;
        self.put("max_packet_size", max_packet_size)?;
        self.pool(pool)?;
        self.socket(socket)?;
        self.ping(ping)?;
        self.millis("reply_timeout", *reply_timeout)?;
        self.retries(retries)?;
        self.recovery_options(recovery_options.as_ref())?;
        self.put("fail_on_status", codes(fail_on_status))?;
        self.probe(probe)?;
        self.put("busy_limit", busy_limit)
    }

    fn probe(&mut self, probe: &ProbeSettings) -> io::Result<()> {
        let ProbeSettings {
            interval,
            uri,
            statuses,
            timeout,
        } = probe;
        self.seconds("probe_interval", *interval)?;
        self.put("probe_uri", uri.as_deref().unwrap_or_default())?;
        match &**statuses {
            [] => writeln!(self.out, "# probe_status: all below 400")?,
            statuses => self.put("probe_status", codes(statuses))?,
        }
        self.millis("probe_timeout", Some(*timeout))
    }

    fn pool(&mut self, pool: &PoolSettings) -> io::Result<()> {
        let PoolSettings {
            size,
            min_size,
            idle_timeout,
            acquire_timeout,
        } = pool;
        match size {
            Some(size) => self.put("connection_pool_size", size)?,
            None => writeln!(self.out, "# connection_pool_size: no limit")?,
        }
        self.put("connection_pool_minsize", min_size)?;
        self.seconds("connection_pool_timeout", *idle_timeout)?;
        self.millis("connection_acquire_timeout", Some(*acquire_timeout))
    }

    fn socket(&mut self, socket: &SocketSettings) -> io::Result<()> {
        let SocketSettings {
            connect_timeout,
            timeout,
            keepalive,
            buffer,
        } = socket;
        self.millis("socket_connect_timeout", *connect_timeout)?;
        self.seconds("socket_timeout", *timeout)?;
        self.put("socket_keepalive", keepalive)?;
        self.put("socket_buffer", buffer.unwrap_or_default())
    }

    fn ping(&mut self, ping: &PingPolicy) -> io::Result<()> {
        let PingPolicy {
            connect,
            prepost,
            interval,
            timeout: _,
            connect_by_prepost: _,
        } = ping;
        self.millis("connect_timeout", *connect)?;
        self.millis("prepost_timeout", prepost.map(|ping| ping.timeout))?;
        if let Some(ping) = prepost.filter(|ping| !ping.min_idle.is_zero()) {
            let idle = ping.min_idle.as_millis();
            writeln!(
                self.out,
                "# prepost_timeout: only after {idle} ms without use"
            )?;
        }
        self.seconds("connection_ping_interval", interval.map(|(idle, _)| idle))?;
        match interval {
            Some((_, timeout)) => self.millis("ping_timeout", Some(*timeout)),
            None => Ok(()),
        }
    }

    fn retries(&mut self, retries: &Retries) -> io::Result<()> {
        self.put("retries", retries.attempts)?;
        self.millis("retry_interval", Some(retries.interval))
    }

    fn recovery_options(&mut self, options: Option<&RecoveryOptions>) -> io::Result<()> {
        let Some(options) = options else {
            return writeln!(self.out, "# recovery_options: not set, only safe retries");
        };
        let bits = [
            (options.not_if_request_sent, 1),
            (options.not_if_headers_sent, 2),
            (options.abort_if_client_fails, 4),
            (options.always_head, 8),
            (options.always_get, 16),
        ];
        let set = bits.iter().filter(|(set, _)| *set);
        self.put("recovery_options", set.map(|(_, bit)| bit).sum::<u32>())
    }

    fn status(&mut self, status: &StatusWorker) -> io::Result<()> {
        let StatusWorker {
            css,
            ns,
            xmlns,
            doctype,
            prefix,
            read_only,
            users,
            user_case_insensitive,
            good,
            bad,
        } = status;
        self.put("type", "status")?;
        for (key, value) in [
            ("css", css),
            ("ns", ns),
            ("xmlns", xmlns),
            ("doctype", doctype),
            ("prefix", prefix),
        ] {
            if let Some(value) = value {
                self.put(key, value)?;
            }
        }
        self.put("read_only", read_only)?;
        self.put("user", users.join(","))?;
        self.put("user_case_insensitive", user_case_insensitive)?;
        self.put("good", good.join(","))?;
        self.put("bad", bad.join(","))
    }
}
