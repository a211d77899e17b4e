//! All bodies, with the committed seeds, and with mutations of them.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use jkd_fuzz::{TARGETS, Target};
use proptest::{
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, TestError, TestRunner},
};

/// Inputs that are not longer than this are mutated, bytes: others take their time.
const SHORT: usize = 3000;

/// How many mutations each body gets.
const CASES: u32 = 150;

/// Two tests for each target: one for its seeds as they are, one for what can be made of them.
macro_rules! targets {
    ($($name:ident)*) => {
        $(mod $name {
            #[test]
            fn seeds() {
                super::seeds(stringify!($name));
            }

            #[test]
            fn mutations() {
                super::mutations(stringify!($name));
            }
        })*

        #[test]
        fn every_target_is_tried() {
            let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

targets! {
    ajp_request ajp_response answer_head exchange exchange_bytes expression forward httpd log_format
    log_lines normalise pattern pooled_bytes request_chunks request_head request_stream
    response_stream rewriting session_ids status_query uriworkermap workers_properties
}

#[test]
fn every_directory_of_seeds_has_a_target() {
    for entry in fs::read_dir(root().join("seeds")).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(jkd_fuzz::find(name.to_str().unwrap()).is_some(), "{name:?}");
    }
}

fn seeds(name: &str) {
    let target = jkd_fuzz::find(name).unwrap();
    let seeds = seeds_of(target);
    assert!(seeds.len() >= 3, "{name} has no seeds");
    for (path, seed) in seeds {
        eprintln!("{}", path.display());
        (target.run)(&seed);
    }
}

fn mutations(name: &str) {
    let target = jkd_fuzz::find(name).unwrap();
    let seeds: Vec<_> = seeds_of(target)
        .into_iter()
        .map(|(_, seed)| seed)
        .filter(|seed| seed.len() <= SHORT)
        .collect();
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        max_shrink_iters: 300,
        ..Config::default()
    };
    let tried = TestRunner::new(config).run(&mutated(seeds), |input| {
        (target.run)(&input);
        Ok(())
    });
    if let Err(TestError::Fail(reason, input)) = tried {
        panic!("{reason}\nwith b\"{}\"", input.escape_ascii());
    }
}

/// A seed with some changes, or bytes without any sense.
fn mutated(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let others = select(seeds.clone());
    let change = prop_oneof![
        3 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Replace(at, vec![byte])),
        2 => (any::<Index>(), token()).prop_map(|(at, token)| Change::Insert(at, token)),
        2 => (any::<Index>(), 1_usize..20).prop_map(|(at, length)| Change::Remove(at, length)),
        1 => any::<Index>().prop_map(Change::End),
        1 => (any::<Index>(), any::<Index>(), 1_usize..200).prop_map(|(from, to, length)| {
            Change::Repeat(from, to, length)
        }),
        1 => (any::<Index>(), others, any::<Index>()).prop_map(|(at, other, from)| {
            Change::Insert(at, other[from.index(other.len() + 1)..].to_vec())
        }),
    ];
    let changes = prop::collection::vec(change, 0..6);
    let mutated = (select(seeds), changes).prop_map(|(seed, changes)| {
        changes
            .iter()
            .fold(seed, |input, change| change.apply(input))
    });
    prop_oneof![9 => mutated, 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

#[derive(Clone, Debug)]
enum Change {
    End(Index),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, Index, usize),
    Replace(Index, Vec<u8>),
}

impl Change {
    fn apply(&self, mut input: Vec<u8>) -> Vec<u8> {
        let place = |at: &Index, input: &[u8]| at.index(input.len() + 1);
        match self {
            Self::End(at) => input.truncate(place(at, &input)),
            Self::Insert(at, text) => {
                let at = place(at, &input);
                input.splice(at..at, text.iter().copied());
            }
            Self::Remove(at, length) => {
                let at = place(at, &input);
                let end = input.len().min(at + length);
                input.drain(at..end);
            }
            Self::Repeat(from, to, length) => {
                let (from, to) = (place(from, &input), place(to, &input));
                let part = input[from..input.len().min(from + length)].to_vec();
                input.splice(to..to, part);
            }
            Self::Replace(at, text) => {
                let at = place(at, &input);
                let end = input.len().min(at + text.len());
                input.splice(at..end, text.iter().copied());
            }
        }
        input
    }
}

/// What means something to one parser or another.
#[allow(clippy::too_many_lines, reason = "a flat table")]
fn token() -> impl Strategy<Value = Vec<u8>> {
    let tokens: Vec<&[u8]> = vec![
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b" ",
        b"\t",
        b"%",
        b"%2F",
        b"%2e",
        b"%00",
        b"%zz",
        b"/../",
        b"//",
        b"/./",
        b";",
        b";jsessionid=",
        b"=",
        b"&",
        b"?",
        b"#",
        b"*",
        b"!",
        b"-",
        b"|",
        b",",
        b"\"",
        b"'",
        b"\\",
        b"(",
        b")",
        b"[",
        b"]",
        b"{",
        b"}",
        b"<",
        b">",
        b"$",
        b"$1",
        b"${a}",
        b"$(a)",
        b"%{a}",
        b"\xFF",
        b"\xC3\xA9",
        b"0",
        b"-1",
        b"65536",
        b"4294967296",
        b"99999999999999999999",
        b"AB\0\x02\x05\x01",
        b"\x12\x34",
        b"==> a <==\n",
        b"\n#?\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\n",
    ];
    select(tokens).prop_map(<[u8]>::to_vec)
}

/// The committed seeds of a target, and what other tests have for it.
fn seeds_of(target: Target) -> Vec<(PathBuf, Vec<u8>)> {
    let own = format!("seeds/{}", target.name);
    let mut paths = files(&own, "");
    paths.extend(match target.name {
        "httpd" => [
            files("../crates/jkworkers/tests/corpus", ".txt"),
            files("../crates/jkworkers/tests/broken", ".txt"),
        ]
        .concat(),
        "request_stream" => files("../crates/ajp13/tests/captures", ".c2s.bin"),
        "response_stream" => files("../crates/ajp13/tests/captures", ".s2c.bin"),
        "workers_properties" => files("../crates/jkworkers/tests/data", ".properties"),
        _ => Vec::new(),
    });
    paths
        .into_iter()
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

/// The files in a directory whose names end so, sorted.
fn files(directory: &str, end: &str) -> Vec<PathBuf> {
    let directory = root().join(directory);
    let entries = fs::read_dir(&directory).into_iter().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_file() && path.to_string_lossy().ends_with(end));
    paths.sort();
    paths
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
