//! What a case sends, and what has to come of it.

use std::collections::BTreeMap;

use serde::Deserialize;

/// All cases. Whatever the file says that is not known here is an error: nothing is overlooked.
pub(crate) fn all() -> Vec<Case> {
    let file: File = serde_json::from_str(include_str!("cases.json")).expect("cases");
    file.cases
}

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) category: String,
    /// Code points up to 255 are the bytes that are sent.
    raw: String,
    /// Instead of `raw`.
    steps: Option<Vec<Step>>,
    pub(crate) expect: Expect,
    /// What is tolerated.
    #[serde(default)]
    accept: Vec<Expect>,
    pub(crate) why: String,
    #[serde(rename = "source")]
    _source: Option<String>,
    #[serde(rename = "note")]
    _note: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, untagged)]
pub(crate) enum Step {
    Send {
        send: String,
    },
    Bytewise {
        bytewise: String,
    },
    Drip {
        drip: String,
        every_ms: u64,
    },
    Pause {
        pause_ms: u64,
    },
    Close {
        #[serde(rename = "close")]
        _close: String,
    },
    Shutdown {
        #[serde(rename = "shutdown")]
        _side: String,
    },
    Interim {
        expect_interim: u16,
        #[serde(rename = "within_ms")]
        _within: u64,
    },
    Read {
        read_bytes: usize,
    },
    /// Every client waits for the end.
    WaitForClose {
        #[serde(rename = "wait_close_ms")]
        _within: u64,
    },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// First final statuses that are right; 0 is an end without an answer.
    pub(crate) status: Vec<u16>,
    /// All final statuses.
    pub(crate) statuses: Option<Vec<u16>>,
    /// How many final answers.
    pub(crate) responses: Option<usize>,
    /// What reaches the backend; `null`: nothing.
    #[serde(default, deserialize_with = "some")]
    #[allow(
        clippy::option_option,
        reason = "`null` says something else than nothing"
    )]
    pub(crate) forwarded: Option<Option<Wanted>>,
    /// What it looks like if it reaches the backend.
    pub(crate) forwarded_if_any: Option<Wanted>,
    pub(crate) max_forwarded: usize,
    pub(crate) forwarded_complete: Option<bool>,
    pub(crate) forwarded_not_uri: Option<String>,
    pub(crate) forwarded_server_name: Option<String>,
    pub(crate) close: Option<bool>,
    pub(crate) interim: Option<Vec<u16>>,
    pub(crate) max_ms: Option<u64>,
    pub(crate) no_tunnel: Option<bool>,
    /// The backend serves others afterwards, which is looked at for all cases together.
    #[serde(rename = "worker_ok")]
    _worker_ok: Option<bool>,
    #[serde(rename = "note")]
    _note: Option<String>,
}

/// A part of what a request shall be.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Wanted {
    pub(crate) method: Option<String>,
    pub(crate) uri: Option<String>,
    pub(crate) query: Option<String>,
    pub(crate) body: Option<String>,
    pub(crate) body_len: Option<usize>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) header_values: BTreeMap<String, Vec<String>>,
    pub(crate) headers_absent: Vec<String>,
    pub(crate) headers_not_value: BTreeMap<String, String>,
    pub(crate) attrs_absent: Vec<String>,
    pub(crate) attrs_not_value: BTreeMap<String, String>,
    pub(crate) uris_absent: Vec<String>,
    pub(crate) server_name: Option<String>,
    pub(crate) remote_addr: Option<String>,
    pub(crate) is_ssl: Option<u8>,
}

/// Tells `null` from nothing.
fn some<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// The groups in which nothing is tolerated: they are about what is one request and what is two,
/// and about who may say what.
const STRICT: [&str; 9] = [
    "cl+te",
    "te-obfuscation",
    "content-length",
    "chunked",
    "path",
    "attr-injection",
    "line-endings",
    "header-syntax",
    "hop-by-hop",
];

impl Case {
    pub(crate) fn steps(&self) -> Vec<Step> {
        let send = || {
            vec![Step::Send {
                send: self.raw.clone(),
            }]
        };
        self.steps.clone().unwrap_or_else(send)
    }

    /// What it sends, if that is all that it does.
    pub(crate) fn text(&self) -> Option<Vec<u8>> {
        self.steps.is_none().then(|| bytes(&self.raw))
    }

    /// What would be right, the best first.
    pub(crate) fn right(&self) -> impl Iterator<Item = &Expect> {
        let tolerates = !STRICT.contains(&&*self.category);
        let tolerated = self.accept.iter().filter(move |_| tolerates);
        std::iter::once(&self.expect).chain(tolerated)
    }

    /// Whether the client half-closes or breaks off by itself.
    pub(crate) fn ends_by_itself(&self) -> bool {
        let mut steps = self.steps.iter().flatten();
        steps.any(|step| matches!(step, Step::Close { .. }))
    }
}

/// The bytes of a text, with its macros carried out.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    let text = expanded(text);
    let byte = |c: char| u8::try_from(u32::from(c)).expect("a byte");
    text.chars().map(byte).collect()
}

/// `{{rep:TEXT:N}}` and `{{hdrs:N}}`; none is inside of another.
pub(crate) fn expanded(text: &str) -> String {
    let Some((before, rest)) = text.split_once("{{") else {
        return text.to_owned();
    };
    let (inside, after) = rest.split_once("}}").expect("the end of a macro");
    let (what, count) = inside.rsplit_once(':').expect("a count");
    let count = count.parse().expect("a number");
    let made = match what.strip_prefix("rep:") {
        Some(text) => text.repeat(count),
        None => (0..count).map(|n| format!("x-h{n}: v\r\n")).collect(),
    };
    format!("{before}{made}{}", expanded(after))
}
