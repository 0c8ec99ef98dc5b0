//! Names and values of headers.

use serde_json::json;

use crate::support::{CHATS, World, question, raw, streamed};

const OURS: &str = "x-attach-user";

#[tokio::test]
async fn a_space_in_a_headers_name_is_no_header() {
    let world = World::start().await;
    let bearer = format!("Authorization: Bearer {}", world.token("alice"));
    for name in
        ["X-Attach-User : root", " X-Attach-User: root", "X Attach User: root", "X-Attach-User\t: root"]
    {
        let head = raw::head("POST", CHATS[0], &[&bearer, name, "Content-Length: 0"]);
        raw::send(world.gateway.addr, head).await.expect_closed(400);
    }
    assert!(world.upstream.seen().is_empty());
}

#[tokio::test]
async fn what_a_client_wants_dropped_on_the_way_does_not_take_our_headers_with_it() {
    let world = World::start().await;
    for listed in ["X-Attach-User", "close, X-Attach-User, X-Request-Id, X-Attach-Session", "Content-Type"] {
        let call = world.post(CHATS[0]).header("Connection", listed).header("X-Attach-User", "root");
        call.json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(200);
        let seen = world.upstream.last();
        assert_eq!(seen.header(OURS), Some("alice"), "{listed}");
        assert!(seen.header("x-attach-session").is_some() && seen.header("x-request-id").is_some());
        assert_eq!(seen.header("connection"), None);
    }
    // A credential that is only for this hop is still one, and whoever is without one stays outside.
    let call = world.gateway.post(CHATS[0]).header("Connection", "Authorization");
    call.json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(401);
}

#[tokio::test]
async fn what_is_not_known_of_a_caller_is_not_told_at_all() {
    let world = World::start().await;
    let token = world.issuer.token_with("groups", serde_json::Value::Null);
    let call = world.gateway.post(CHATS[0]).bearer(&token).header("X-Attach-Groups", "admins");
    call.json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(200);
    let seen = world.upstream.only();
    assert_eq!(seen.header("x-attach-groups"), None);
    assert!(seen.headers.iter().all(|(_, value)| !value.is_empty()), "{seen:?}");
}

#[tokio::test]
async fn trailers_of_a_request_go_nowhere() {
    let world = World::start().await;
    let body = question(CHATS[0], "gpt-4o", "hello").to_string();
    let head = raw::head(
        "POST",
        CHATS[0],
        &[
            &format!("Authorization: Bearer {}", world.token("alice")),
            "Transfer-Encoding: chunked",
            "Trailer: X-Attach-User",
            "Connection: close",
        ],
    );
    let chunk = format!("{:x}\r\n{body}\r\n0\r\nX-Attach-User: root\r\n\r\n", body.len());
    let heard = raw::send(world.gateway.addr, head + &chunk).await;
    assert!(heard.text.starts_with("HTTP/1.1 200"), "{}", heard.text);
    let seen = world.upstream.only();
    assert_eq!(seen.header(OURS), Some("alice"));
    assert!(!seen.everything().contains("root"), "{seen:?}");
}

#[tokio::test]
async fn a_name_with_line_ends_in_it_adds_no_header() {
    let world = World::start().await;
    for (sub, sent) in [
        ("a\r\nX-Evil: 1", "a%0D%0AX-Evil:%201"),
        ("a,b", "a%2Cb"),
        ("zoë", "zo%C3%AB"),
        ("a\u{0}b", "a%00b"),
    ] {
        let token = world.issuer.token_with("sub", json!(sub));
        let call = world.gateway.post(CHATS[0]).bearer(&token);
        let answer = call.json(&question(CHATS[0], "gpt-4o", "hello")).send().await;
        if answer.status == 200 {
            let seen = world.upstream.last();
            assert_eq!(seen.header("x-evil"), None);
            assert_eq!(seen.header(OURS), Some(sent));
        } else {
            // A name that nobody has is refused rather than spelled.
            assert!([401, 403].contains(&answer.status), "{sub:?}: {}", answer.status);
        }
    }
    assert!(world.upstream.seen().iter().any(|seen| seen.header(OURS) == Some("a%2Cb")));
}

#[tokio::test]
async fn what_a_client_says_about_its_way_here_decides_nothing() {
    let world = World::start().await;
    let said = [
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "other.example"),
        ("X-Forwarded-Uri", "/healthz"),
        ("Forwarded", "for=127.0.0.1;host=other.example"),
        ("X-Real-IP", "127.0.0.1"),
        ("X-Original-URL", "/healthz"),
        ("X-Rewrite-URL", "/healthz"),
        ("X-HTTP-Method-Override", "GET"),
    ];
    for (name, value) in said {
        let stranger = world.gateway.post(CHATS[0]).header(name, value);
        stranger.json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(401);
        let call = world.post(CHATS[0]).header(name, value);
        call.json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(200);
        let seen = world.upstream.last();
        assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", CHATS[0]));
        assert_eq!(seen.header(&name.to_ascii_lowercase()), None);
    }
}

#[tokio::test]
async fn no_header_opens_the_door() {
    let world = World::start().await;
    for (name, value) in [
        ("User-Agent", "kube-probe/1.31"),
        ("User-Agent", "GoogleHC/1.0"),
        ("User-Agent", "ELB-HealthChecker/2.0"),
        ("X-Health-Check", "1"),
        ("X-Internal", "true"),
        ("X-Attach-User", "alice"),
        ("X-Auth-Request-User", "alice"),
        ("Authorization", "Basic YWxpY2U6"),
    ] {
        for path in CHATS {
            let call = world.gateway.post(path).header(name, value);
            let answer = call.json(&streamed(path, "gpt-4o", "hello")).send().await;
            assert_eq!(answer.status, 401, "{name}: {value}");
        }
    }
    assert!(world.upstream.seen().is_empty());
}
