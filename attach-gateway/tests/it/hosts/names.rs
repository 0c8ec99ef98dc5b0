use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{HOSTS, start};
use crate::listeners::certificates::{Certificates, connect_as};
use crate::support::h2::{END_HEADERS, END_STREAM, End, Frames, HEADERS, fields};

#[tokio::test]
async fn a_request_for_another_host_is_misdirected_whoever_calls() {
    let two = start(HOSTS).await;
    let alice = two.acme.token("alice", &[]);
    for host in [
        "other.example",
        "example",
        "x.acme.example",
        "acme.example.",
        "127.0.0.1",
        "localhost:80",
        "a@acme.example",
        "",
    ] {
        for token in [&*alice, "no-token"] {
            let heard = two.get(host, token, "/v1/models").await;
            assert_eq!(heard.statuses(), [421], "{host}: {heard:?}");
            assert!(
                heard.text.contains("unknown_host") && !heard.text.contains("www-authenticate"),
                "{heard:?}"
            );
        }
    }
    let bearer = format!("Authorization: Bearer {alice}");
    for (first, lines, status) in [
        ("GET /v1/models", &["Host: ACME.example:8443"][..], 200),
        ("GET http://acme.example/v1/models", &["Host: acme.example"], 200),
        ("GET /v1/models", &["Host: acme.example", "X-Forwarded-Host: globex.example"], 200),
        ("GET /v1/models", &["Host: other.example", "X-Forwarded-Host: acme.example"], 421),
        ("GET /v1/models", &["Host: other.example", "Forwarded: host=acme.example"], 421),
        ("GET http://other.example/v1/models", &["Host: other.example"], 421),
        ("GET http://acme.example/v1/models", &["Host: other.example"], 400),
        ("GET http://other.example/v1/models", &["Host: acme.example"], 400),
        ("GET /v1/models", &["Host: acme.example", "Host: acme.example"], 400),
        ("GET /v1/models", &["Host: acme.example", "Host: globex.example"], 400),
        ("GET /v1/models", &["Host: globex.example", "Host: acme.example"], 400),
        ("GET /v1/models", &[], 400),
    ] {
        let heard = two.send(first, &[lines, &[&*bearer]].concat(), None).await;
        assert_eq!(heard.statuses(), [status], "{first} {lines:?}: {heard:?}");
    }
    // Whoever asks whether the gateway is well may not know what it is called.
    assert_eq!(two.get("10.0.0.1", "", "/healthz").await.statuses(), [200]);
}

#[tokio::test]
async fn http_2_names_one_host_too() {
    let two = start(HOSTS).await;
    let bearer = format!("Bearer {}", two.acme.token("alice", &[]));
    let answer = async |more: &[(&str, &str)]| {
        let usual = [(":method", "GET"), (":scheme", "http"), (":path", "/v1/models")];
        let all = [&usual[..], more, &[("authorization", &*bearer)]].concat();
        let mut frames = Frames::open(two.gateway.addr).await;
        frames.send(HEADERS, END_HEADERS | END_STREAM, 1, &fields(&all)).await;
        frames.end(1).await
    };
    assert_eq!(answer(&[(":authority", "acme.example")]).await, End::Answer(0x88));
    assert_eq!(answer(&[(":authority", "acme.example"), ("host", "acme.example")]).await, End::Answer(0x88));
    for named in [
        &[(":authority", "other.example")][..],
        &[(":authority", "acme.example"), ("host", "globex.example")],
        &[(":authority", "globex.example"), ("host", "acme.example")],
        &[(":authority", "other.example"), ("host", "acme.example")],
        &[],
    ] {
        assert_ne!(answer(named).await, End::Answer(0x88), "{named:?}");
    }
}

#[tokio::test]
async fn a_connection_that_was_opened_for_one_host_is_not_used_for_another() {
    let Some(made) = Certificates::new() else { return };
    made.issue_for("server", "DNS:acme.example,DNS:globex.example");
    let two = start(&format!("[server]\n{}{HOSTS}", made.setting(""))).await;
    let (alice, bob) = (two.acme.token("alice", &[]), two.globex.token("bob", &[]));
    for (opened, named, token, status) in [
        ("acme.example", "acme.example", &alice, "200"),
        ("globex.example", "globex.example", &bob, "200"),
        ("acme.example", "globex.example", &bob, "421"),
        ("globex.example", "acme.example", &alice, "421"),
    ] {
        let mut stream =
            connect_as(opened, two.gateway.addr, made.client(false, &["http/1.1"])).await.unwrap();
        let request = format!(
            "GET /v1/models HTTP/1.1\r\nHost: {named}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{opened} {named}: {answer}");
    }
}
