//! A client that uses TLS.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
};

use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned,
    SupportedProtocolVersion,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
    version::TLS13,
};

use super::files::Files;

/// What is asked, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    /// The name in the handshake.
    pub(crate) name: Option<&'a str>,
    /// The `Host`.
    pub(crate) host: &'a str,
    pub(crate) version: &'static SupportedProtocolVersion,
    /// The file of the certificate to show.
    pub(crate) certificate: Option<&'a str>,
}

impl<'a> Ask<'a> {
    /// Asks a host under its own name.
    pub(crate) fn host(host: &'a str) -> Self {
        Self {
            name: Some(host),
            host,
            version: &TLS13,
            certificate: None,
        }
    }
}

/// The whole answer.
pub(crate) fn ask(address: SocketAddr, files: &Files, what: &Ask<'_>) -> io::Result<String> {
    let (answer, _) = talk(address, &Arc::new(config(files, what)), what)?;
    Ok(answer)
}

/// What a client is that asks so.
pub(crate) fn config(files: &Files, what: &Ask<'_>) -> ClientConfig {
    let provider = Arc::new(ring::default_provider());
    let own = ["a.pem", "b.pem"].map(|name| certificate(files, name));
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[what.version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(OneOf(own)));
    let mut config = match what.certificate {
        Some(name) => {
            let chain = files.get(&format!("{name}.pem"));
            let chain = CertificateDer::pem_slice_iter(chain.as_bytes());
            let chain = chain.collect::<Result<_, _>>().unwrap();
            let key = files.get(&format!("{name}.key"));
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            config.with_client_auth_cert(chain, key).unwrap()
        }
        None => config.with_no_client_auth(),
    };
    config.enable_sni = what.name.is_some();
    config
}

/// The whole answer, and the connection behind it.
pub(crate) fn talk(
    address: SocketAddr,
    config: &Arc<ClientConfig>,
    what: &Ask<'_>,
) -> io::Result<(String, ClientConnection)> {
    let name = what.name.unwrap_or("unsaid.example").to_owned();
    let name = ServerName::try_from(name).unwrap();
    let connection = ClientConnection::new(config.clone(), name).map_err(io::Error::other)?;
    let socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(jkd_tests::LONG))?;
    let mut stream = StreamOwned::new(connection, socket);
    let request = format!(
        "GET /x HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        what.host
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if answer.is_empty() => return Err(error),
        _ if answer.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
        _ => {}
    }
    Ok((String::from_utf8(answer).unwrap(), stream.conn))
}

fn certificate(files: &Files, name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(files.get(name).as_bytes()).unwrap()
}

/// Trusts these certificates, whatever names are in them: which one is shown is the server's choice.
#[derive(Debug)]
struct OneOf([CertificateDer<'static>; 2]);

impl ServerCertVerifier for OneOf {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let known = self.0.iter().any(|certificate| certificate == end_entity);
        known
            .then(ServerCertVerified::assertion)
            .ok_or_else(|| Error::General("another certificate".to_owned()))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signed, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signed, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
