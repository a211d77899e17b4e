//! URIs that chance has made, for the configurations of the topic `mapping`.

use crate::{case::Configuration, chance::Chance};

/// How many for each configuration.
const URIS: usize = 20;

/// URIs are made from words that matter, and from those that a configuration is tried with. None of
/// them is about a path that jkd refuses: those have cases of their own.
#[rustfmt::skip]
const WORDS: [&str; 36] = [
    "app", "admin", "static", "x", "y.jsp", "c.do", "d.gif", ".", "..", "", "..;", "..;a=b", ";x",
    "app;jsessionid=1.n", "%2e%2e", "%2E", "%61pp", "a%20b", "%25", "%3b", "caf%C3%A9", "a[b]", "~u",
    "%7Eu", "a+b", "a,b", "a:b@c", "%3Fq", "%23", "a%252e", "(a)'!*$&=", "%2e%2e;", "a%7Cb", "a%22b",
    "...", "a|b",
];

/// One configuration for each of these, with a seed of its own.
pub(crate) fn configurations(all: &[Configuration]) -> Vec<Configuration> {
    let mappings = all.iter().filter(|one| one.title.starts_with("mapping: "));
    let generated = mappings.zip(1..).map(|(configuration, seed)| {
        let words = configuration.segments();
        let mut chance = Chance(seed);
        let uris: Vec<_> = (0..URIS).map(|_| made_up(&mut chance, &words)).collect();
        configuration.with_uris(&uris)
    });
    generated.collect()
}

fn made_up(chance: &mut Chance, more: &[String]) -> String {
    let mut uri = String::new();
    for _ in 0..=chance.below(5) {
        let at = chance.below(WORDS.len() + 2 * more.len());
        let word = WORDS.get(at).map(|word| (*word).to_owned());
        uri += "/";
        uri += &word.unwrap_or_else(|| more[(at - WORDS.len()) / 2].clone());
    }
    // A dot segment at the end may be refused.
    uri += "/z";
    if chance.below(8) == 0 {
        uri += "?q=/../%2e;x";
    }
    uri
}
