//! An authority of the test's own, and a client that believes it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::TempDir;
use crate::support::tools::program;

/// Certificates in a folder: `server`, `client`, and `ca`, which signed both.
pub(crate) struct Certificates(TempDir);

/// An answer over TLS.
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) version: http::Version,
    pub(crate) body: Vec<u8>,
}

impl Certificates {
    /// `None`, with a line, where there is no `openssl`.
    pub(crate) fn new() -> Option<Self> {
        program("openssl")?;
        let dir = TempDir::new();
        let root = "-keyout ca.key -out ca.pem -days 2 -subj /CN=ours -addext keyUsage=critical,keyCertSign";
        openssl(dir.path(), &format!("req -x509 {KEY} {root}"));
        let made = Self(dir);
        made.issue("server");
        made.issue("client");
        Some(made)
    }

    /// A new certificate with a new key, in the place of any that was there.
    pub(crate) fn issue(&self, name: &str) {
        self.issue_for(name, "DNS:localhost,IP:127.0.0.1");
    }

    /// The same, for other names than this machine's.
    pub(crate) fn issue_for(&self, name: &str, names: &str) {
        let dir = self.0.path();
        self.0.write("extra", &format!("subjectAltName={names}\nbasicConstraints=CA:FALSE\n"));
        openssl(dir, &format!("req {KEY} -keyout {name}.key -out request -subj /CN={name}"));
        let by = "-CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extra";
        openssl(dir, &format!("x509 -req -in request {by} -out {name}.pem"));
    }

    /// The authority's list of revoked certificates, `list.pem`: of these alone, and good for so many days.
    pub(crate) fn revoke(&self, names: &[&str], days: i64) {
        let dir = self.0.path();
        let settings = "[ca]\ndefault_ca = ours\n[ours]\ndatabase = index.txt\ndefault_md = sha256\n\
                        certificate = ca.pem\nprivate_key = ca.key\ncrlnumber = number\n";
        self.0.write("ca.cnf", settings);
        self.0.write("index.txt", "");
        self.0.write("number", "01");
        for name in names {
            openssl(dir, &format!("ca -config ca.cnf -revoke {name}.pem"));
        }
        let now = jiff::Timestamp::now();
        let moment =
            |days: i64| (now + jiff::SignedDuration::from_hours(24 * days)).strftime("%Y%m%d%H%M%SZ");
        let dates = format!("-crl_lastupdate {} -crl_nextupdate {}", moment(days.min(0) - 1), moment(days));
        openssl(dir, &format!("ca -config ca.cnf -gencrl {dates} -out list.new"));
        std::fs::rename(self.path("list.new"), self.path("list.pem")).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `server.tls` with these files, and more.
    pub(crate) fn setting(&self, more: &str) -> String {
        let (cert, key) = (self.path("server.pem"), self.path("server.key"));
        format!("tls = {{ cert = {cert:?}, key = {key:?}{more} }}\n")
    }

    pub(crate) fn certificate(&self, name: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.path(name)).unwrap()
    }

    /// A client that believes the authority, and shows the client's certificate if it is to.
    pub(crate) fn client(&self, shows: bool, protocols: &[&str]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate("ca.pem")).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = if shows {
            let key = PrivateKeyDer::from_pem_file(self.path("client.key")).unwrap();
            builder.with_client_auth_cert(vec![self.certificate("client.pem")], key).unwrap()
        } else {
            builder.with_no_client_auth()
        };
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    }
}

const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";

fn openssl(dir: &Path, arguments: &str) {
    let mut command = Command::new("openssl");
    command.args(arguments.split(' ')).current_dir(dir).stdin(Stdio::null());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Shakes hands.
pub(crate) async fn connect(addr: SocketAddr, config: ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
    connect_over(TcpStream::connect(addr).await?, config).await
}

/// The same, for the host of this name.
pub(crate) async fn connect_as(
    name: &str,
    addr: SocketAddr,
    config: ClientConfig,
) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, TcpStream::connect(addr).await?).await
}

/// Shakes hands over what is there.
pub(crate) async fn connect_over(
    stream: TcpStream,
    config: ClientConfig,
) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("127.0.0.1").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// What the server showed.
pub(crate) fn shown(connection: &ClientConnection) -> CertificateDer<'static> {
    connection.peer_certificates().unwrap()[0].clone().into_owned()
}

/// Posts `body` with a token, by whatever was agreed on.
pub(crate) async fn post(
    stream: TlsStream<TcpStream>,
    path: &str,
    token: &str,
    body: &Value,
) -> Result<Told, hyper::Error> {
    let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let request = http::Request::post(if h2 { format!("https://127.0.0.1{path}") } else { path.into() })
        .header("host", "127.0.0.1")
        .header("authorization", format!("Bearer {token}"))
        .body(Full::new(bytes::Bytes::from(body.to_string())))
        .unwrap();
    let answer = if h2 {
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        sender.send_request(request).await?
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        sender.send_request(request).await?
    };
    let (status, version) = (answer.status().as_u16(), answer.version());
    let body = answer.into_body().collect().await?.to_bytes().to_vec();
    Ok(Told { status, version, body })
}
