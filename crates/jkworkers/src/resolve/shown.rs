//! All properties, as an operator may see them.

use std::collections::BTreeSet;

use super::{Properties, is_secret};

/// A secret that is shorter may stand in other values by chance.
const TELLING: usize = 4;

impl Properties {
    /// All keys with their values, in the order in which they came. Secrets are not among them, nor
    /// what secrets are made of.
    pub(crate) fn shown(&self) -> Vec<(Box<str>, Box<str>)> {
        // A set: what is inherited is the same again and again.
        let secrets: BTreeSet<_> = (self.map.iter())
            .filter(|(key, property)| is_secret(key) && !property.text().is_empty())
            .map(|(_, property)| property.text())
            .collect();
        let all = self.order.iter();
        let all = all.filter_map(|key| Some((key.as_str(), self.get(key)?.text())));
        let shown = all.filter(|(key, text)| {
            !is_secret(key) && !secrets.iter().any(|secret| tells(key, text, secret))
        });
        shown.map(|(key, text)| (key.into(), text.into())).collect()
    }
}

/// Whether a value is a secret, or has one in it, or is a variable that may be a part of one.
fn tells(key: &str, text: &str, secret: &str) -> bool {
    let is_variable = !key.starts_with("worker.");
    text == secret
        || (secret.len() >= TELLING && text.contains(secret))
        || (is_variable && !text.is_empty() && secret.contains(text))
}

#[cfg(test)]
mod tests {
    use crate::{diag::Diagnostics, properties, resolve::Properties, workers_properties::Source};

    fn shown(text: &str) -> String {
        let mut found = Diagnostics::default();
        let mut properties = Properties::default();
        let source = Source {
            name: "w",
            bytes: text.as_bytes(),
        };
        properties.predefine("ServerRoot", "/root");
        for line in properties::read_source(&source, &mut found) {
            properties.add(line, &|_| None, &mut found);
        }
        properties.inherit(&mut found);
        let shown = properties.shown().into_iter();
        let lines: Vec<_> = shown
            .map(|(key, value)| format!("{key}={value}\n"))
            .collect();
        lines.concat()
    }

    #[test]
    fn all_comes_in_its_order() {
        let text = "worker.t.port=8\nworker.list=b\nworker.list=a\nworker.b.reference=worker.t\n\
            p=$(ServerRoot)/x\nworker.t.port=9\n";
        let expected = "ServerRoot=/root\nworker.t.port=9\nworker.list=b,a\n\
            worker.b.reference=worker.t\np=/root/x\nworker.b.port=9\n";
        assert_eq!(shown(text), expected);
    }

    #[test]
    fn secrets_and_what_they_are_made_of_stay_out() {
        let text = "a=can\nb=ary\nunused=x\nworker.n.secret=$(a)$(b)\nworker.n.secretkey=k\n\
            worker.n.host=xcanaryx\nworker.n.port=1\ndb.password=deep\nother=deep\n\
            worker.m.secret=1\nworker.m.port=11\nworker.m.route=1\n";
        assert_eq!(
            shown(text),
            "ServerRoot=/root\nunused=x\nworker.m.port=11\n"
        );
    }
}
