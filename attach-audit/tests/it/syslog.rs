//! Syslog as a receiver sees it: every frame byte by byte, over real sockets.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use attach_audit::egress::{Batch, Delivered, SendError, Syslog, Target, Tls};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::certificates::Certificates;
use crate::support::eventually;
use crate::traffic::{Traffic, texts};

/// A receiver that keeps what each connection brings, byte by byte.
struct Receiver {
    addr: SocketAddr,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
    closed: Arc<AtomicUsize>,
}

impl Receiver {
    /// Closes a first connection when it has brought `enough` bytes.
    async fn start(tls: Option<ServerConfig>, enough: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let (kept, acceptor) = (Arc::clone(&seen), tls.map(|tls| TlsAcceptor::from(Arc::new(tls))));
        let closed: Arc<AtomicUsize> = Arc::default();
        let counted = Arc::clone(&closed);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                match &acceptor {
                    None => read(stream, &kept, enough).await,
                    Some(acceptor) => {
                        if let Ok(stream) = acceptor.accept(stream).await {
                            read(stream, &kept, enough).await;
                        }
                    }
                }
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { addr, seen, closed }
    }

    /// How many connections are over.
    fn closed(&self) -> usize {
        self.closed.load(Ordering::SeqCst)
    }

    fn connections(&self) -> Vec<Vec<u8>> {
        self.seen.lock().unwrap().clone()
    }

    /// The messages of all connections, once there are so many.
    async fn messages(&self, count: usize) -> Vec<String> {
        let all = || self.connections().iter().flat_map(|bytes| messages(bytes)).collect::<Vec<_>>();
        eventually("the messages have arrived", || all().len() >= count).await;
        all()
    }
}

async fn read(mut stream: impl AsyncRead + Unpin, kept: &Mutex<Vec<Vec<u8>>>, enough: usize) {
    let place = {
        let mut all = kept.lock().unwrap();
        all.push(Vec::new());
        all.len() - 1
    };
    let mut bytes = [0; 4096];
    while let Ok(n @ 1..) = stream.read(&mut bytes).await {
        let mut all = kept.lock().unwrap();
        all[place].extend_from_slice(&bytes[..n]);
        if place == 0 && all[place].len() >= enough {
            return;
        }
    }
}

/// Octet counting, read strictly (RFC 5425 §4.3); a frame that is not whole yet is left out.
fn messages(mut bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    while let Some(space) = bytes.iter().position(|byte| *byte == b' ') {
        let digits = std::str::from_utf8(&bytes[..space]).unwrap();
        assert!(!digits.starts_with('0'), "{digits:?}");
        let length: usize = digits.parse().unwrap();
        let Some(message) = bytes.get(space + 1..space + 1 + length) else { break };
        found.push(String::from_utf8(message.to_vec()).unwrap());
        bytes = &bytes[space + 1 + length..];
    }
    found
}

/// The record in a message, behind the mark of UTF-8.
fn record(message: &str) -> &str {
    message.split_once("] \u{feff}").expect("structured data and a mark").1
}

fn records(messages: &[String]) -> Vec<&str> {
    messages.iter().map(|message| record(message)).collect()
}

fn server(made: &Certificates) -> ServerConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&made.read("ca.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let chain = vec![CertificateDer::from_pem_slice(&made.read("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(&made.read("server.key")).unwrap();
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    builder.with_client_cert_verifier(clients).with_single_cert(chain, key).unwrap()
}

/// As a client that the receiver knows.
fn known(made: &Certificates) -> Tls {
    let tls = Tls::new().roots(&made.read("ca.pem"));
    tls.client_certificate(&made.read("client.pem"), &made.read("client.key"))
}

#[tokio::test]
async fn every_record_arrives_over_tls_byte_for_byte_with_its_header() {
    let Some(made) = Certificates::new() else { return };
    let receiver = Receiver::start(Some(server(&made)), usize::MAX).await;
    let traffic = Traffic::new();
    traffic.requests(3).await;
    let target = Syslog::tls("syslog", "localhost", receiver.addr.port(), &known(&made)).unwrap();
    let target = target.build("attach-gateway/9.9");
    assert_eq!(target.send(traffic.batch()).await, Ok(Delivered::all()));
    let lines = texts(&traffic.lines());
    let messages = receiver.messages(lines.len()).await;
    assert_eq!(records(&messages), lines);
    let priorities = [110, 110, 110, 110, 108, 110, 107];
    for ((message, line), priority) in messages.iter().zip(&lines).zip(priorities) {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let request = Some(text("req_id")).filter(|id| !id.is_empty());
        let request = request.map_or(String::new(), |id| format!(" request=\"{id}\""));
        let expected = format!(
            "<{priority}>1 {}Z node-1 attach-gateway {} {} [attach@32473 id=\"{}\" seq=\"{}\" chain=\"{}\"{request}] \u{feff}",
            &text("ts")[..26],
            std::process::id(),
            text("kind"),
            text("id"),
            line["seq"],
            text("chain"),
        );
        assert!(message.starts_with(&expected), "{message} is not {expected}");
    }
    assert_eq!(receiver.connections().len(), 1);
}

#[tokio::test]
async fn a_receiver_that_is_not_believed_or_does_not_believe_gets_nothing() {
    let Some(made) = Certificates::new() else { return };
    let receiver = Receiver::start(Some(server(&made)), usize::MAX).await;
    let traffic = Traffic::new();
    let strangers = [
        Tls::new().client_certificate(&made.read("client.pem"), &made.read("client.key")),
        known(&made).server_name("elsewhere.test"),
        // Refused by the receiver, after our side's handshake is done.
        Tls::new().roots(&made.read("ca.pem")),
    ];
    for tls in &strangers {
        let target = Syslog::tls("syslog", "localhost", receiver.addr.port(), tls).unwrap();
        let error = target.send(traffic.batch()).await.unwrap_err();
        assert!(matches!(error, SendError::Unavailable { .. }), "{tls:?}: {error}");
    }
    assert_eq!(receiver.connections(), Vec::<Vec<u8>>::new());
    assert!(!format!("{:?}", strangers[0]).contains("BEGIN"));
    for wrong in [Tls::new().roots(b"x"), Tls::new().client_certificate(b"x", b"y")] {
        assert!(Syslog::tls("syslog", "localhost", 6514, &wrong).is_err());
    }
}

#[tokio::test]
async fn after_a_broken_connection_the_batch_before_is_sent_again() {
    let traffic = Traffic::new();
    // A connection ends after the first batch; whether the receiver has done anything with it, nobody knows.
    let receiver = Receiver::start(None, 10).await;
    let target = Syslog::plain("syslog", "127.0.0.1", receiver.addr.port());
    let first = traffic.batch();
    target.send(first.clone()).await.unwrap();
    eventually("the receiver has closed", || receiver.closed() == 1).await;
    traffic.requests(1).await;
    let rest = Batch::new(traffic.lines()[first.lines().len()..].to_vec());
    target.send(rest).await.unwrap();
    let all = texts(&traffic.lines());
    let second = || receiver.connections().get(1).map_or(Vec::new(), |bytes| messages(bytes));
    eventually("all of it has arrived", || second().len() >= all.len()).await;
    assert_eq!(records(&second()), all);
}

#[tokio::test]
async fn nobody_there_is_a_reason_to_try_again() {
    let traffic = Traffic::new();
    let error = Syslog::plain("syslog", "127.0.0.1", 9).send(traffic.batch()).await.unwrap_err();
    assert!(matches!(error, SendError::Unavailable { .. }), "{error}");
}
