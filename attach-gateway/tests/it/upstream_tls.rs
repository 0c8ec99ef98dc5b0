//! Upstreams behind TLS of their own, and behind a proxy. Certificates are made with `openssl`.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::support::tools::program;
use crate::support::{TempDir, Upstream, World};

const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";

/// An authority, a certificate for `localhost`, and one for a client. `None` where there is no `openssl`.
fn certificates() -> Option<TempDir> {
    program("openssl")?;
    let folder = TempDir::new();
    let root = "-keyout ca.key -out ca.pem -days 2 -subj /CN=ours -addext keyUsage=critical,keyCertSign";
    openssl(folder.path(), &format!("req -x509 {KEY} {root}"));
    folder.write("extra", "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n");
    for name in ["server", "client"] {
        openssl(folder.path(), &format!("req {KEY} -keyout {name}.key -out request -subj /CN={name}"));
        let by = "-CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extra";
        openssl(folder.path(), &format!("x509 -req -in request {by} -out {name}.pem"));
    }
    Some(folder)
}

fn openssl(folder: &Path, arguments: &str) {
    let output =
        std::process::Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// TLS before `upstream`; with `mutual` it wants to see a certificate of the same authority.
async fn front(folder: &TempDir, upstream: &Upstream, mutual: bool) -> SocketAddr {
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = if mutual {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&read("ca.pem")).unwrap()).unwrap();
        let provider = Arc::new(default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let chain = vec![CertificateDer::from_pem_slice(&read("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(&read("server.key")).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).unwrap()));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let behind = upstream.url().trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, behind) = (acceptor.clone(), behind.clone());
            tokio::spawn(async move {
                let Ok(mut client) = acceptor.accept(stream).await else { return };
                let mut server = TcpStream::connect(behind).await.unwrap();
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    addr
}

/// An HTTP proxy that makes tunnels, and remembers what it was asked for.
async fn proxy(password: Option<&str>) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let (addr, heads) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
    let (seen, password) = (Arc::clone(&heads), password.map(str::to_owned));
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let (seen, password) = (Arc::clone(&seen), password.clone());
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                let to = head.split(' ').nth(1).unwrap().to_owned();
                let allowed = password.is_none_or(|password| head.contains(&password));
                seen.lock().unwrap().push(head);
                if !allowed {
                    let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
                    let _ = client.write_all(refusal).await;
                    return;
                }
                let mut server = TcpStream::connect(to).await.unwrap();
                client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (addr, heads)
}

/// A gateway whose upstream is at `to`, of which `more` is said.
async fn world(upstream: Upstream, to: SocketAddr, more: &str) -> World {
    let text = format!(
        r#"
        [[issuer]]
        issuer = "{{ISSUER}}"
        audience = ["api://attach-test"]
        [[upstream]]
        name = "secured"
        kind = "openai"
        url = "https://localhost:{}"
        trusted = true
        timeout = {{ connect = "5s" }}
        {more}
        [access]
        default = "allow"
        "#,
        to.port()
    );
    World::file(upstream, &text).await
}

async fn status(world: &World) -> u16 {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "hello"}]});
    world.post("/v1/chat/completions").json(&body).send().await.status
}

fn at(folder: &TempDir, name: &str) -> String {
    format!("{:?}", folder.path().join(name).display().to_string())
}

#[tokio::test]
async fn an_upstream_of_a_private_authority_is_believed_by_that_alone() {
    let Some(folder) = certificates() else { return };
    let upstream = Upstream::model().await;
    let to = front(&folder, &upstream, false).await;
    let own = world(upstream.clone(), to, &format!("ca = {}", at(&folder, "ca.pem"))).await;
    assert_eq!(status(&own).await, 200);
    assert_eq!(status(&world(upstream.clone(), to, "").await).await, 502);
    let Some(other) = certificates() else { return };
    let others = world(upstream, to, &format!("ca = {}", at(&other, "ca.pem"))).await;
    assert_eq!(status(&others).await, 502);
}

#[tokio::test]
async fn an_upstream_that_wants_a_certificate_is_shown_one() {
    let Some(folder) = certificates() else { return };
    let upstream = Upstream::model().await;
    let to = front(&folder, &upstream, true).await;
    let ca = format!("ca = {}", at(&folder, "ca.pem"));
    let shown = format!(
        "{ca}\nclient_cert = {{ cert = {}, key = {} }}",
        at(&folder, "client.pem"),
        at(&folder, "client.key")
    );
    assert_eq!(status(&world(upstream.clone(), to, &shown).await).await, 200);
    assert_eq!(status(&world(upstream, to, &ca).await).await, 502);
}

#[tokio::test]
async fn a_proxy_makes_the_tunnel_and_sees_nothing_of_what_goes_through() {
    let Some(folder) = certificates() else { return };
    let upstream = Upstream::model().await;
    let to = front(&folder, &upstream, false).await;
    let credentials = folder.write("proxy", "attach:proxy-password-example\n");
    let basic = base64::engine::general_purpose::STANDARD.encode("attach:proxy-password-example");
    let (through, heads) = proxy(Some(&format!("Basic {basic}"))).await;
    let ca = format!("ca = {}", at(&folder, "ca.pem"));
    let detailed =
        format!("{ca}\nproxy = {{ url = \"http://{through}\", credentials = {{ file = {credentials:?} }} }}");
    assert_eq!(status(&world(upstream.clone(), to, &detailed).await).await, 200);
    let head = heads.lock().unwrap().pop().unwrap();
    assert!(head.starts_with(&format!("CONNECT localhost:{} HTTP/1.1\r\n", to.port())), "{head}");
    assert!(!head.contains("chat"), "{head}");
    let without = world(upstream, to, &format!("{ca}\nproxy = \"http://{through}\"")).await;
    assert_eq!(status(&without).await, 502);
    let log = without.gateway.stderr.text();
    assert!(log.contains("proxy") && !log.contains("proxy-password-example"), "{log}");
}
