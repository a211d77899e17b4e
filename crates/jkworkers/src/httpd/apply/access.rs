//! `Require`, `Order`, `Allow`, `Deny`, `Satisfy` and `AuthMerging`.

mod require;

use super::{Apply, Call};
use crate::{
    access::{BadAddress, parse_net},
    diag::excerpt,
    model::{Entry, Merging, Methods, Order, Whence},
};

pub(in crate::httpd) use self::require::require;

/// What is wrong, and what to do about it.
type Problem = (String, String);

/// `AllowMethods reset|method …`: several lines of one section count together.
pub(in crate::httpd) fn allow_methods(apply: &mut Apply<'_>, call: &Call<'_>) {
    let all = match call.words {
        [word] if word.eq_ignore_ascii_case("reset") => Methods::all(),
        words => match require::methods(words) {
            Ok(methods) => methods,
            Err(word) => {
                let message = format!("AllowMethods: Invalid Method '{}'", excerpt(word));
                let help = "Write GET, POST and the like in capitals.";
                return apply.error(call.origin, message, help);
            }
        },
    };
    let said = &mut apply.settings().methods;
    *said = Some(match said.take() {
        Some(known) if !known.is_all() && !all.is_all() => known.union(&all),
        _ => all,
    });
}

/// `Order Deny,Allow` and its like.
pub(in crate::httpd) fn order(apply: &mut Apply<'_>, call: &Call<'_>) {
    let allow_first = match &*call.words.join(" ").to_ascii_lowercase() {
        "allow,deny" | "mutual-failure" => true,
        "deny,allow" => false,
        _ => {
            let message = "Order takes Deny,Allow or Allow,Deny".to_owned();
            return apply.error(call.origin, message, "Write no blank behind the comma.");
        }
    };
    let methods = apply.methods.clone();
    let order = apply.current_order();
    order.allow_first = switched(&order.allow_first, &methods, allow_first);
}

/// `Allow from …`
pub(in crate::httpd) fn allow(apply: &mut Apply<'_>, call: &Call<'_>) {
    let entries = apply.from(call);
    apply.current_order().allow.extend(entries);
}

/// `Deny from …`
pub(in crate::httpd) fn deny(apply: &mut Apply<'_>, call: &Call<'_>) {
    let entries = apply.from(call);
    apply.current_order().deny.extend(entries);
}

/// `Satisfy All|Any`
pub(in crate::httpd) fn satisfy(apply: &mut Apply<'_>, call: &Call<'_>) {
    let any = match &*call.first().to_ascii_lowercase() {
        "any" => true,
        "all" => false,
        _ => {
            let message = "Satisfy either 'any' or 'all'.".to_owned();
            return apply.error(call.origin, message, "All is the default.");
        }
    };
    let methods = apply.methods.clone();
    let order = apply.current_order();
    order.satisfy_any = switched(&order.satisfy_any, &methods, any);
}

/// `AuthMerging Off|And|Or`
pub(in crate::httpd) fn auth_merging(apply: &mut Apply<'_>, call: &Call<'_>) {
    let merging = match &*call.first().to_ascii_lowercase() {
        "off" => Merging::Off,
        "and" => Merging::And,
        "or" => Merging::Or,
        _ => {
            let message = "AuthMerging must be one of: Off | And | Or".to_owned();
            return apply.error(call.origin, message, "Off is the default.");
        }
    };
    apply.settings().access.merging = Some(merging);
}

/// A set with some methods switched on or off.
fn switched(set: &Methods, methods: &Methods, on: bool) -> Methods {
    if on {
        set.union(methods)
    } else {
        set.intersection(&methods.clone().complement())
    }
}

impl Apply<'_> {
    /// `Satisfy Any` where nothing is required lets everybody in.
    pub(super) fn warn_of_empty_satisfaction(&mut self) {
        let Some(section) = self.current_section() else {
            return;
        };
        let access = &section.settings.access;
        let any = (access.order.as_ref()).is_some_and(|o| !o.satisfy_any.is_none());
        if any && access.require.is_none() {
            let (covers, origin) = (section.covers.to_string(), section.origin.clone());
            let message =
                format!("Satisfy Any without Require lets everybody into {covers}, as in httpd");
            self.warning(&origin, message, "Remove Satisfy, or write a Require line.");
        }
    }

    /// What access control by `Order` is from its first directive on.
    fn current_order(&mut self) -> &mut Order {
        let order = &mut self.settings().access.order;
        order.get_or_insert_with(Order::default)
    }

    /// The arguments of `Allow` and `Deny`.
    fn from(&mut self, call: &Call<'_>) -> Vec<Entry> {
        let Some((from, names)) = call.words.split_first() else {
            return Vec::new();
        };
        if !from.eq_ignore_ascii_case("from") || names.is_empty() {
            let message = format!("{} takes `from` and then addresses", call.name);
            self.error(
                call.origin,
                message,
                format!("Write `{} from …`.", call.name),
            );
            return Vec::new();
        }
        let mut entries = Vec::new();
        for name in names {
            match from_one(name) {
                Ok(whence) => entries.push(Entry {
                    methods: self.methods.clone(),
                    whence,
                }),
                Err((problem, help)) => {
                    let message = format!("{} from {name}: {problem}", call.name);
                    self.error(call.origin, message, help);
                }
            }
        }
        entries
    }
}

/// One word behind `from`.
fn from_one(name: &str) -> Result<Whence, Problem> {
    let lower = name.to_ascii_lowercase();
    if lower == "all" {
        return Ok(Whence::All);
    }
    if let Some(name) = lower.strip_prefix("env=").and_then(|_| name.get(4..)) {
        return Ok(match name.strip_prefix('!') {
            Some(absent) => Whence::NotEnv(absent.into()),
            None => Whence::Env(name.into()),
        });
    }
    match parse_net(name) {
        Ok(net) => Ok(Whence::Net(net)),
        Err(BadAddress::HostName) => Ok(Whence::Host(name.to_owned())),
        Err(bad) => Err((bad.to_string(), bad.remedy().into())),
    }
}

#[cfg(test)]
mod tests {
    use crate::{load::memory::Memory, model::Asked};

    #[test]
    fn methods_of_one_section_count_together() {
        let config = "Listen 80\nJkMount /* w\n\
                      <Location />\nAllowMethods GET\nAllowMethods POST PUT\n</Location>\n\
                      <Location /all>\nAllowMethods reset\n</Location>\n\
                      <Location /anew>\nAllowMethods GET\nAllowMethods RESET\n\
                      AllowMethods PUT\n</Location>\n";
        let model = Memory::new(&[("/etc/jk.conf", config)]).model();
        let host = &model.hosts[0];
        for (path, method, may) in [
            ("/", "GET", true),
            ("/", "HEAD", true),
            ("/", "PUT", true),
            ("/", "DELETE", false),
            ("/", "put", false),
            ("/all", "DELETE", true),
            ("/anew", "PUT", true),
            ("/anew", "GET", false),
        ] {
            let allows = host.allows_method(Asked::at(path.as_bytes()), method);
            assert_eq!(allows, may, "{method} {path}");
        }
    }
}
