//! The server's side of TLS, with certificates that are read again when their files change.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use attach_core::TlsFacts;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::client_certificates;
use super::stream::Socket;
use crate::config::Tls;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Shakes hands. Clones are the same.
#[derive(Clone)]
pub(super) struct Acceptor {
    files: Arc<Tls>,
    config: Arc<ArcSwap<ServerConfig>>,
    /// It was said that these files tell of no client whether its certificate is revoked.
    told: Arc<AtomicBool>,
    /// The files as they were before they were read first.
    first: Arc<Stamp>,
}

/// When each file was written last, and how long it is.
type Stamp = Vec<Option<(SystemTime, u64)>>;

impl Acceptor {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// When one cannot be read, or what is in them does not fit together.
    pub(super) async fn load(files: Tls) -> io::Result<Self> {
        let files = Arc::new(files);
        let first = Arc::new(stamp(&files).await);
        let config = read(&files).await?;
        Ok(Self { files, config: Arc::new(ArcSwap::from_pointee(config)), told: Arc::default(), first })
    }

    /// Shakes hands on `socket`.
    pub(super) async fn accept(&self, socket: Socket) -> io::Result<TlsStream<Socket>> {
        let shaken = TlsAcceptor::from(self.config.load_full()).accept(socket).await;
        shaken.inspect_err(|error| {
            if client_certificates::is_unknown(error) && !self.told.swap(true, Ordering::Relaxed) {
                tracing::error!(
                    %error,
                    "a list of client_crl is missing or out of date: clients' certificates by its authority are refused"
                );
            }
        })
    }

    /// Reads the files again whenever they change; connections that are there stay as they are. Never ends.
    pub(super) async fn watch(&self) {
        let mut seen = (*self.first).clone();
        loop {
            tokio::time::sleep(LOOK).await;
            let now = stamp(&self.files).await;
            if now == seen {
                continue;
            }
            match read(&self.files).await {
                Ok(config) => {
                    self.config.store(Arc::new(config));
                    self.told.store(false, Ordering::Relaxed);
                    tracing::info!(cert = %self.files.cert.display(), "certificate reloaded");
                    seen = now;
                }
                // A certificate and its key change one after the other: they fit together a moment later.
                Err(error) => {
                    tracing::error!(%error, "certificate not reloaded; the one in force stays");
                }
            }
        }
    }
}

async fn stamp(files: &Arc<Tls>) -> Stamp {
    let files = Arc::clone(files);
    let look = move || {
        let paths = [Some(&files.cert), Some(&files.key), files.client_ca.as_ref()];
        let of = |path: &PathBuf| {
            let file = std::fs::metadata(path).ok()?;
            Some((file.modified().ok()?, file.len()))
        };
        paths.into_iter().flatten().chain(&files.client_crl).map(of).collect()
    };
    tokio::task::spawn_blocking(look).await.unwrap_or_default()
}

/// What the handshake established.
pub(super) fn facts(stream: &TlsStream<Socket>) -> TlsFacts {
    let (_, connection) = stream.get_ref();
    let mut facts = TlsFacts::default();
    let version = connection.protocol_version().and_then(|version| version.as_str());
    facts.version = version.unwrap_or("TLS").replace("TLSv1_", "TLSv1.").into();
    let shown = connection.peer_certificates().and_then(<[_]>::first);
    facts.client_certificate = shown.map(|certificate| certificate.as_ref().into());
    facts
}

/// The host that the client asked for when it shook hands (SNI, RFC 6066 §3), if it did.
pub(super) fn server_name(stream: &TlsStream<Socket>) -> Option<Arc<str>> {
    stream.get_ref().1.server_name().map(Arc::from)
}

async fn read(files: &Arc<Tls>) -> io::Result<ServerConfig> {
    let files = Arc::clone(files);
    tokio::task::spawn_blocking(move || configure(&files)).await.map_err(io::Error::other)?
}

fn configure(files: &Tls) -> io::Result<ServerConfig> {
    let certificates = certificates(&files.cert)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|why| wrong(&files.key, &why))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(io::Error::other)?;
    let builder = match client_certificates::verifier(files)? {
        None => builder.with_no_client_auth(),
        Some(verifier) => builder.with_client_cert_verifier(verifier),
    };
    let config = builder.with_single_cert(certificates, key);
    let mut config = config.map_err(|why| wrong(&files.cert, &why))?;
    if files.client_ca.is_some() {
        // A session that is resumed is not asked for its certificate again: it would outlive the certificate, and the list
        // of those that are revoked.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

pub(super) fn certificates(path: &PathBuf) -> io::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let read = read.map_err(|why| wrong(path, &why))?;
    if read.is_empty() { Err(wrong(path, &"holds no certificate in PEM")) } else { Ok(read) }
}

pub(super) fn wrong(path: &std::path::Path, why: &dyn std::fmt::Display) -> io::Error {
    io::Error::other(format!("{}: {why}", path.display()))
}
