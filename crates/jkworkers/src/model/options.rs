//! `JkOptions`, as far as it is not about the form of paths.

use serde::Serialize;

/// What a host's `JkOptions` come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "they are independent of each other"
)]
pub struct JkOptions {
    /// `ForwardLocalAddress`, `ForwardPhysicalAddress`: whose address the backend gets for the
    /// client's.
    pub address: ForwardAddress,
    /// `DisableReuse`: a connection to a backend serves one request.
    pub disable_reuse: bool,
    /// `FlushPackets`: what a backend sends of a body is passed on at once, whatever its length.
    pub flush_packets: bool,
    /// `FlushHeader`: the head of an answer is passed on before its body.
    pub flush_header: bool,
    /// `ForwardDirectories`: a directory without an index file is offered to the workers.
    pub forward_directories: bool,
    /// `ForwardKeySize`: the size of the key is forwarded; on unless it is switched off.
    pub forward_key_size: bool,
    /// `ForwardSSLCertChain`: the chain of the client's certificate follows it.
    pub forward_cert_chain: bool,
}

impl Default for JkOptions {
    fn default() -> Self {
        Self {
            address: ForwardAddress::default(),
            disable_reuse: false,
            flush_packets: false,
            flush_header: false,
            forward_directories: false,
            forward_key_size: true,
            forward_cert_chain: false,
        }
    }
}

/// Whose address the backend gets for the client's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ForwardAddress {
    /// The client's.
    #[default]
    Client,
    /// `ForwardLocalAddress`: the one that the client connected to, and port 0.
    Local,
    /// `ForwardPhysicalAddress`: that of the other end of the connection, whatever is said in its
    /// name.
    Physical,
}

impl JkOptions {
    /// The options that differ from the defaults, as they would be written.
    pub fn written(&self) -> Vec<&'static str> {
        let address = match self.address {
            ForwardAddress::Client => None,
            ForwardAddress::Local => Some("+ForwardLocalAddress"),
            ForwardAddress::Physical => Some("+ForwardPhysicalAddress"),
        };
        let others = [
            (self.disable_reuse, "+DisableReuse"),
            (self.flush_packets, "+FlushPackets"),
            (self.flush_header, "+FlushHeader"),
            (self.forward_directories, "+ForwardDirectories"),
            (!self.forward_key_size, "-ForwardKeySize"),
            (self.forward_cert_chain, "+ForwardSSLCertChain"),
        ];
        let others = others.into_iter().filter(|(differs, _)| *differs);
        address
            .into_iter()
            .chain(others.map(|(_, word)| word))
            .collect()
    }
}
