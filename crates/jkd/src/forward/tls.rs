//! How a client used TLS, as variables say it: the only place that knows.

use std::borrow::Cow;

use jkworkers::{
    model::{Host, variables::OwnVariable},
    number::atoi,
};

use super::Facts;
use crate::variables::Variables;

/// What a backend is told about TLS.
#[derive(Debug, Default)]
pub(crate) struct Tls<'a> {
    /// The client's certificate as PEM text, and its chain where that is wanted.
    pub(super) certificate: Option<Cow<'a, [u8]>>,
    pub(super) cipher: Option<Cow<'a, [u8]>>,
    pub(super) session: Option<Cow<'a, [u8]>>,
    pub(super) protocol: Option<Cow<'a, [u8]>>,
    /// Bits.
    pub(super) key_size: Option<u16>,
}

impl<'a> Tls<'a> {
    /// How much text it is, bytes.
    pub(super) fn length(&self) -> usize {
        let all = [
            &self.certificate,
            &self.cipher,
            &self.session,
            &self.protocol,
        ];
        all.into_iter().flatten().map(|text| text.len()).sum()
    }

    /// `None` where the client used none, or nobody is to know.
    pub(super) fn by(variables: &'a Variables<'_>, facts: &Facts<'a>) -> Option<Self> {
        let Facts { host, .. } = facts;
        let names = &host.indicators.tls;
        let look = |name| look(name, variables, facts);
        let is_used = host.extracts_tls && look(&names.https)?.eq_ignore_ascii_case(b"on");
        is_used.then(|| Self {
            certificate: certificate(look(&names.certificate), host, variables),
            cipher: look(&names.cipher),
            session: look(&names.session),
            protocol: look(&names.protocol).filter(|text| !text.is_empty()),
            key_size: (host.options.forward_key_size)
                .then(|| bits(&look(&names.key_size)?))
                .flatten(),
        })
    }
}

/// What is said under a name. What a request has by itself counts before what is set.
fn look<'a>(name: &str, variables: &'a Variables<'_>, facts: &Facts<'a>) -> Option<Cow<'a, [u8]>> {
    let own = OwnVariable::named(name).filter(|own| !own.yields());
    let own = own.and_then(|own| facts.value(&own));
    own.or_else(|| variables.last(name).map(Cow::Borrowed))
}

/// Of an empty text nothing is sent.
fn certificate<'a>(
    own: Option<Cow<'a, [u8]>>,
    host: &Host,
    variables: &Variables<'_>,
) -> Option<Cow<'a, [u8]>> {
    if !host.options.forward_cert_chain {
        return own.filter(|text| !text.is_empty());
    }
    let mut chain = own.unwrap_or_default().into_owned();
    let prefix = host.indicators.tls.chain_prefix.as_bytes();
    for variable in variables.iter() {
        let start = variable.name.as_bytes().get(..prefix.len());
        if start.is_some_and(|start| start.eq_ignore_ascii_case(prefix)) {
            chain.extend_from_slice(&variable.value);
        }
    }
    (!chain.is_empty()).then_some(Cow::Owned(chain))
}

/// What is no number is 0, -1 says that it is not known, and two bytes of the number are sent.
fn bits(text: &[u8]) -> Option<u16> {
    let number = atoi(text);
    (number != -1)
        .then(|| u16::try_from(number & 0xFFFF).ok())
        .flatten()
}
