use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::file;
use crate::support::{CHATS, Gateway, Issuer, Launch, TempDir, Upstream, question};

async fn start(server: &str, issuer: &Issuer, upstream: &Upstream) -> Gateway {
    let text = file(server).replace("{ISSUER}", issuer.url()).replace("{UPSTREAM}", &upstream.url());
    let gateway = Launch::file(&text).without_port().spawn();
    gateway.stderr.line("is listening").await;
    gateway
}

async fn post(path: &Path, headers: &str, body: &str) -> String {
    let mut stream = UnixStream::connect(path).await.unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
        CHATS[0],
        body.len()
    );
    stream.write_all((head + body).as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_socket_in_the_file_system_is_for_its_owner_and_goes_with_the_gateway() {
    let (issuer, upstream, folder) = (Issuer::start().await, Upstream::model().await, TempDir::new());
    let path = folder.path().join("s");
    let mut gateway = start(&format!("listen = \"unix:{}\"", path.display()), &issuer, &upstream).await;
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let body = question(CHATS[0], "m", "hello").to_string();
    let bearer = format!("Authorization: Bearer {}\r\n", issuer.token("alice", &[]));
    assert!(post(&path, &bearer, &body).await.starts_with("HTTP/1.1 200"));
    assert!(post(&path, "", &body).await.starts_with("HTTP/1.1 401"));
    gateway.terminate();
    assert!(gateway.ended().await.success());
    assert!(!path.exists());
}

#[tokio::test]
async fn a_socket_of_a_gateway_that_was_killed_is_replaced() {
    let (issuer, upstream, folder) = (Issuer::start().await, Upstream::model().await, TempDir::new());
    let path = folder.path().join("s");
    let server = format!("listen = \"unix:{}\"\nsocket_mode = \"0660\"", path.display());
    let mut killed = start(&server, &issuer, &upstream).await;
    killed.kill().await;
    assert!(path.exists());
    let _gateway = start(&server, &issuer, &upstream).await;
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    let text = file(&server).replace("{ISSUER}", issuer.url()).replace("{UPSTREAM}", &upstream.url());
    let said = Launch::file(&text).without_port().refusal().await;
    assert!(said.contains("somebody listens there"), "{said}");
}

#[tokio::test]
async fn a_proxy_at_the_socket_says_for_whom_it_calls() {
    let (issuer, upstream, folder) = (Issuer::start().await, Upstream::model().await, TempDir::new());
    let path = folder.path().join("s");
    let body = question(CHATS[0], "m", "hello").to_string();
    for (tls, address) in [("", "127.0.0.1"), ("\ntls = \"terminated-by-proxy\"", "192.0.2.7")] {
        let server = format!("listen = \"unix:{}\"{tls}", path.display());
        let gateway = start(&server, &issuer, &upstream).await;
        let headers =
            format!("Authorization: Bearer {}\r\nForwarded: for=192.0.2.7\r\n", issuer.token("alice", &[]));
        assert!(post(&path, &headers, &body).await.starts_with("HTTP/1.1 200"));
        let records = gateway.records();
        let intent = records.iter().rfind(|record| record["kind"] == "intent").unwrap().to_string();
        assert!(intent.contains(&format!("\"{address}\"")), "{intent}");
    }
}
