//! Which rules about variables a host has in the end: inherited ones first, and only those that
//! anybody reads. Files from distributions set a dozen variables that mean nothing here.

use std::{collections::HashSet, sync::Arc};

use crate::{
    httpd::{self, Server},
    model::{
        Format, Host,
        variables::{Condition, EnvVar, Indicators, Subject, VariableRules, names},
    },
};

/// The indicators of a server, over those of the main one.
pub(super) fn indicators(base: Option<&Server>, server: &Server) -> Indicators {
    let directives = |server: &Server| server.indicators.clone();
    let inherited = base.map(directives).unwrap_or_default();
    let inherited = httpd::indicators(Indicators::default(), &inherited);
    httpd::indicators(inherited, &server.indicators)
}

/// `JkEnvVar`: the server's own, and those of the main server that it does not write itself.
pub(super) fn sent(base: Option<&Server>, server: &Server) -> Vec<EnvVar> {
    let own = &server.env_vars;
    let is_own = |var: &EnvVar| own.iter().any(|o| o.name.eq_ignore_ascii_case(&var.name));
    let inherited = base.into_iter().flat_map(|base| &base.env_vars);
    let inherited = inherited.filter(|var| !is_own(var));
    own.iter().chain(inherited).cloned().collect()
}

/// Takes out rules whose variables nobody reads.
pub(super) fn prune(host: &mut Host) {
    let mut read = Read::by(host);
    host.rewriting.is_read = read.has("SCRIPT_URL") || read.has("SCRIPT_URI");
    // In the reverse order of their evaluation: a condition may look at what an earlier one set.
    for section in host.sections.iter_mut().rev() {
        read.prune(&mut section.settings.variables);
    }
    read.prune(&mut host.settings.variables);
}

/// What is read whatever is written about it: httpd's own, and mod_deflate's and mod_filter's.
fn always(host: &Host) -> impl Iterator<Item = &'static str> {
    let filters = [
        "no-gzip",
        "gzip-only-text/html",
        "force-gzip",
        "filter-errordocs",
    ];
    let filters = filters.into_iter().filter(|_| host.filtering.deflates);
    let fixed = names::ALL.iter().copied();
    let manners = [
        names::NO_KEEP_ALIVE,
        names::DOWNGRADE,
        names::FORCE_RESPONSE,
    ];
    fixed.chain(manners).chain(filters)
}

/// What somebody reads.
struct Read {
    /// Names in lower case.
    names: HashSet<String>,
    /// Whatever begins with this.
    prefix: Option<Arc<str>>,
    /// Any of them: an expression makes the name.
    any: bool,
}

impl Read {
    fn by(host: &mut Host) -> Self {
        let mut read: HashSet<_> = always(host).map(str::to_ascii_lowercase).collect();
        let indicators = host.indicators.by_directive().into_iter();
        read.extend(indicators.map(|(_, name)| name.to_ascii_lowercase()));
        read.extend(host.logs.variables().map(str::to_ascii_lowercase));
        read.extend(host.env_vars.iter().map(|v| v.name.to_ascii_lowercase()));
        let sections = host.sections.iter().map(|section| &section.settings);
        for rule in sections
            .chain([&host.settings])
            .flat_map(|settings| settings.headers.all())
        {
            let made_of = rule.action.format().into_iter();
            let made_of = made_of.flat_map(Format::variables);
            read.extend(
                made_of
                    .chain(rule.when.variable())
                    .map(str::to_ascii_lowercase),
            );
        }
        read.extend(host.rewriting.variables().map(str::to_ascii_lowercase));
        for section in &host.sections {
            let rules = &section.settings.rewriting;
            read.extend(rules.variables().map(str::to_ascii_lowercase));
        }
        read.extend(asked_for(host).map(str::to_ascii_lowercase));
        let by_expressions = super::expressions::variables(host);
        let named = by_expressions.iter().flatten();
        read.extend(named.map(|name| name.to_ascii_lowercase()));
        // Under these names the variables of a request are there for its page of an error.
        let renamed = read
            .iter()
            .filter_map(|name| name.strip_prefix("redirect_"));
        let renamed: Vec<_> = renamed.map(str::to_owned).collect();
        read.extend(renamed);
        let chain = &host.indicators.tls.chain_prefix;
        let wanted = host.options.forward_cert_chain && host.extracts_tls;
        Self {
            names: read,
            prefix: wanted.then(|| Arc::clone(chain)),
            any: by_expressions.is_none(),
        }
    }

    fn has(&self, name: &str) -> bool {
        let begins = |prefix: &str| {
            let start = name.get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        self.any
            || self.names.contains(&name.to_ascii_lowercase())
            || self.prefix.as_deref().is_some_and(begins)
    }

    fn prune(&mut self, rules: &mut VariableRules) {
        rules.settings.retain(|setting| self.has(&setting.name));
        rules.unset.retain(|name| self.has(name));
        let conditions = std::mem::take(&mut rules.conditions);
        let mut kept: Vec<_> = conditions
            .into_iter()
            .rev()
            .filter(|c| self.keeps(c))
            .collect();
        kept.reverse();
        rules.conditions = kept;
    }

    fn keeps(&mut self, condition: &Condition) -> bool {
        let keeps = condition.assignments.iter().any(|a| self.has(&a.name));
        if let (true, Subject::Named(name)) = (keeps, &condition.subject) {
            self.names.insert(name.to_ascii_lowercase());
        }
        keeps
    }
}

/// Variables on which it depends who may come in.
fn asked_for(host: &Host) -> impl Iterator<Item = &str> {
    let sections = host.sections.iter();
    sections.flat_map(|section| section.settings.access.variables())
}
