//! Who may come in, in httpd's words.

use std::{
    fmt::{self, Display},
    io::{self, Write},
};

use jkworkers::model::{
    Access, AccessRule, Auth, AuthType, Entry, Merging, Methods, Order, Require, Whence, Who,
};

/// `Require`, `Order` and their relatives.
pub(super) fn print(access: &Access, out: &mut impl Write) -> io::Result<()> {
    if let Some(merging) = access.merging {
        let word = match merging {
            Merging::Off => "Off",
            Merging::And => "And",
            Merging::Or => "Or",
        };
        writeln!(out, "    AuthMerging {word}")?;
    }
    if let Some(require) = &access.require {
        self::require(require, 4, out)?;
    }
    access
        .order
        .iter()
        .try_for_each(|order| self::order(order, out))
}

/// `AuthType` and its relatives.
pub(super) fn print_auth(auth: &Auth, out: &mut impl Write) -> io::Result<()> {
    match &auth.kind {
        Some(AuthType::None) => writeln!(out, "    AuthType None")?,
        Some(AuthType::Basic(text)) => writeln!(out, "    AuthType {text}")?,
        _ => {}
    }
    if let Some(name) = &auth.name {
        writeln!(out, "    AuthName {:?}", name.text())?;
    }
    for (directive, file) in [
        ("AuthUserFile", &auth.user_file),
        ("AuthGroupFile", &auth.group_file),
    ] {
        if let Some(file) = file {
            writeln!(out, "    {directive} {}", file.display())?;
        }
    }
    for (directive, flag) in [
        ("AuthBasicAuthoritative", auth.authoritative),
        ("AuthzSendForbiddenOnFailure", auth.forbids),
    ] {
        if let Some(on) = flag {
            writeln!(out, "    {directive} {}", if on { "On" } else { "Off" })?;
        }
    }
    Ok(())
}

fn require(require: &Require, indent: usize, out: &mut impl Write) -> io::Result<()> {
    let (name, inner) = match require {
        Require::Any(inner) => ("RequireAny", inner.as_slice()),
        Require::All(inner) => ("RequireAll", inner.as_slice()),
        Require::None(inner) => ("RequireNone", inner.as_slice()),
        Require::Limited(methods, inner) => {
            writeln!(out, "{:indent$}<Limit {methods}>", "")?;
            return self::require(inner, indent + 2, out);
        }
        Require::Rule(AccessRule { negated, who }) => {
            let not = if *negated { "not " } else { "" };
            return writeln!(out, "{:indent$}Require {not}{}", "", Named(who));
        }
    };
    writeln!(out, "{:indent$}<{name}>", "")?;
    inner
        .iter()
        .try_for_each(|each| self::require(each, indent + 2, out))
}

fn order(order: &Order, out: &mut impl Write) -> io::Result<()> {
    let words = if order.allow_first.is_none() {
        "Deny,Allow"
    } else {
        "Allow,Deny"
    };
    writeln!(out, "    Order {words}{}", For(&order.allow_first))?;
    for (verb, entries) in [("Allow", &order.allow), ("Deny", &order.deny)] {
        for Entry { methods, whence } in entries {
            writeln!(out, "    {verb} from {}{}", From(whence), For(methods))?;
        }
    }
    if !order.satisfy_any.is_none() {
        writeln!(out, "    Satisfy Any{}", For(&order.satisfy_any))?;
    }
    Ok(())
}

/// The methods that something is for, unless they are all.
struct For<'a>(&'a Methods);

impl Display for For<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_all() || self.0.is_none() {
            return Ok(());
        }
        write!(f, " (for {})", self.0)
    }
}

struct Named<'a>(&'a Who);

impl Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Who::Everybody => f.write_str("all granted"),
            Who::Nobody => f.write_str("all denied"),
            Who::Local => f.write_str("local"),
            Who::ValidUser => f.write_str("valid-user"),
            Who::Method(methods) => write!(f, "method {methods}"),
            Who::Ip(nets) => list(f, "ip", nets),
            Who::Env(names) => list(f, "env", names),
            Who::Host(names) => list(f, "host", names),
            Who::ForwardDns(names) => list(f, "forward-dns", names),
            Who::User(names) => list(f, "user", names),
            Who::Group(names) => list(f, "group", names),
            Who::Expression(expression) => write!(f, "expr {expression}"),
            Who::Made(named, text) => write!(f, "{} {text}", named.word()),
            other => write!(f, "{other:?}"),
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, kind: &str, words: &[impl Display]) -> fmt::Result {
    f.write_str(kind)?;
    words.iter().try_for_each(|word| write!(f, " {word}"))
}

struct From<'a>(&'a Whence);

impl Display for From<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Whence::All => f.write_str("all"),
            Whence::Net(net) => net.fmt(f),
            Whence::Host(name) => name.fmt(f),
            Whence::Env(name) => write!(f, "env={name}"),
            Whence::NotEnv(name) => write!(f, "env=!{name}"),
        }
    }
}
