//! The one place that knows how a listener of ours is reached from its own machine.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::address::{Address, Place};

/// A connection, whatever it goes over.
pub(in crate::cli) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Connects to the gateway of this machine.
pub(super) async fn connect(address: &Address) -> io::Result<Box<dyn Stream>> {
    let stream: Box<dyn Stream> = match &address.place {
        Place::Port(addr) => Box::new(TcpStream::connect(addr).await?),
        Place::Socket(path) => socket(path).await?,
    };
    let Some(certificates) = &address.certificates else { return Ok(stream) };
    let own = CertificateDer::from_pem_file(certificates).map_err(io::Error::other)?;
    let connector = TlsConnector::from(Arc::new(trusting(own)?));
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    Ok(Box::new(connector.connect(name, stream).await?))
}

/// Connects to a socket of this machine.
#[cfg(unix)]
pub(in crate::cli) async fn socket(path: &Path) -> io::Result<Box<dyn Stream>> {
    Ok(Box::new(tokio::net::UnixStream::connect(path).await?))
}

/// There are none here.
#[cfg(not(unix))]
pub(in crate::cli) async fn socket(_path: &Path) -> io::Result<Box<dyn Stream>> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "there are no such sockets here"))
}

/// Believes one certificate: the one of the configuration. Its name is that of the gateway's clients, not of loopback,
/// and whoever signed it need not be known to this machine.
fn trusting(own: CertificateDer<'static>) -> io::Result<ClientConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(io::Error::other)?;
    let verifier = Arc::new(Pinned { own, provider });
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

#[derive(Debug)]
struct Pinned {
    own: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if *end_entity == self.own {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::path::PathBuf;
    use std::process::{Command, Stdio};

    use rustls::ServerConfig;
    use rustls::pki_types::PrivateKeyDer;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, UnixListener};
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// A folder of its own for each test.
    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("attach-health-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    async fn greeting(address: &Address) -> io::Result<String> {
        let mut said = String::new();
        connect(address).await?.read_to_string(&mut said).await?;
        Ok(said)
    }

    #[tokio::test]
    async fn a_socket_of_this_machine_is_reached() {
        let folder = folder("socket");
        let path = folder.join("attach.sock");
        let listener = UnixListener::bind(&path).expect("bound");
        let served = async { listener.accept().await.expect("a client").0.write_all(b"hello").await };
        let address = Address { place: Place::Socket(path.clone()), certificates: None };
        let (said, written) = tokio::join!(greeting(&address), served);
        written.expect("written");
        assert_eq!(said.expect("read"), "hello");
        std::fs::remove_dir_all(folder).expect("removed");
    }

    /// A certificate for another name than this machine's; nothing where there is no `openssl`.
    fn certificate(folder: &Path, name: &str) -> Option<(PathBuf, PathBuf)> {
        let (key, pem) = (folder.join(format!("{name}.key")), folder.join(format!("{name}.pem")));
        let words =
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=llm.example.com";
        let mut openssl = Command::new("openssl");
        openssl.args(words.split(' ')).arg("-keyout").arg(&key).arg("-out").arg(&pem);
        openssl.stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?.success().then_some((key, pem))
    }

    #[tokio::test]
    async fn over_tls_only_the_certificate_of_the_configuration_is_believed() {
        let folder = folder("tls");
        let both = certificate(&folder, "own").zip(certificate(&folder, "other"));
        let Some(((key, own), (_, other))) = both else { return };
        let key = PrivateKeyDer::from_pem_file(key).expect("a key");
        let chain = vec![CertificateDer::from_pem_file(&own).expect("a certificate")];
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .expect("a server");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let addr = listener.local_addr().expect("an address");
        let serve = async || {
            let (stream, _) = listener.accept().await?;
            let mut stream = acceptor.accept(stream).await?;
            stream.write_all(b"hello").await?;
            stream.shutdown().await
        };
        let address = |pem: &Path| Address { place: Place::Port(addr), certificates: Some(pem.into()) };
        let (good, bad) = (address(&own), address(&other));
        let (said, served) = tokio::join!(greeting(&good), serve());
        served.expect("served");
        assert_eq!(said.expect("read"), "hello");
        let (said, served) = tokio::join!(greeting(&bad), serve());
        assert!(said.is_err() && served.is_err(), "{said:?} {served:?}");
        std::fs::remove_dir_all(folder).expect("removed");
    }
}
