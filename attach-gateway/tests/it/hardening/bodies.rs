//! What a body may be.

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{CHATS, World, question, raw};

#[tokio::test]
async fn a_body_that_says_it_is_too_large_is_refused_before_it_comes() {
    let world = World::start().await;
    let bearer = format!("Authorization: Bearer {}", world.token("alice"));
    let head = raw::head("POST", CHATS[0], &[&bearer, "Content-Length: 999999999", "Expect: 100-continue"]);
    let mut stream = TcpStream::connect(world.gateway.addr).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    raw::hear(&mut stream).await.expect_closed(413);
}

#[tokio::test]
async fn a_body_in_chunks_is_cut_off_at_the_limit() {
    let world = World::start().await;
    let bearer = format!("Authorization: Bearer {}", world.token("alice"));
    let head = raw::head("POST", CHATS[0], &[&bearer, "Transfer-Encoding: chunked"]);
    let mut stream = TcpStream::connect(world.gateway.addr).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x1_0000));
    let mut taken = 0;
    // 4 MiB are allowed; what is taken beyond waits in sockets.
    while taken < 4096 && stream.write_all(chunk.as_bytes()).await.is_ok() {
        taken += 1;
    }
    assert!(taken < 4096, "256 MiB were taken");
    let world_is_well = world.post(CHATS[0]).json(&question(CHATS[0], "m", "hello")).send().await;
    world_is_well.expect(200);
}

#[tokio::test]
async fn no_encoding_of_a_body_is_undone_or_passed_on() {
    let world = World::start().await;
    for encoding in [
        "gzip",
        "br",
        "zstd",
        "deflate",
        "gzip, gzip",
        "GZIP",
        "x-gzip",
        "compress",
        "identity, gzip",
        "unknown",
    ] {
        for path in CHATS {
            let call = world.post(path).header("Content-Encoding", encoding);
            let answer = call.json(&question(path, "m", "hello")).send().await.expect(415);
            assert_eq!(answer.code(), "unsupported_content_encoding", "{encoding}");
        }
    }
    let none = world.post(CHATS[0]).header("Content-Encoding", "identity");
    none.json(&question(CHATS[0], "m", "hello")).send().await.expect(200);
    assert_eq!(world.upstream.only().header("content-encoding"), None);
}

#[tokio::test]
async fn what_may_be_json_is_json_and_everything_else_is_refused() {
    let world = World::start().await;
    let body = question(CHATS[0], "m", "hello").to_string();
    for kind in [
        "application/json",
        "application/json; charset=utf-8",
        "text/plain",
        "application/x-www-form-urlencoded",
    ] {
        let call = world.post(CHATS[0]).header("Content-Type", kind);
        call.body(body.clone()).send().await.expect(200);
        assert_eq!(world.upstream.last().header("content-type"), Some("application/json"));
    }
    world.post(CHATS[0]).body(body.clone()).send().await.expect(200);
    for (kind, status, code) in [
        ("multipart/form-data; boundary=x", 415, "unsupported_content_type"),
        ("application/xml", 415, "unsupported_content_type"),
        ("application/octet-stream", 415, "unsupported_content_type"),
        ("application/json; charset=utf-7", 400, "unsupported_charset"),
        ("text/plain; charset=shift_jis", 400, "unsupported_charset"),
    ] {
        let answer = world.post(CHATS[0]).header("Content-Type", kind).body(body.clone()).send().await;
        assert_eq!(answer.expect(status).code(), code, "{kind}");
    }
    let two = world.post(CHATS[0]).header("Content-Type", "application/json");
    let two = two.header("Content-Type", "text/plain").body(body).send().await;
    assert_eq!(two.expect(400).code(), "ambiguous_content_type");
    assert_eq!(world.upstream.seen().len(), 5);
}

#[tokio::test]
async fn parts_of_a_form_are_read_by_nobody() {
    let world = World::start().await;
    let part = |name: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\nm\r\n");
    let body = part("model") + &part("model") + "--x--\r\n";
    for path in ["/v1/audio/transcriptions", "/v1/files", "/v1/images/edits"] {
        let call = world.post(path).header("Content-Type", "multipart/form-data; boundary=x");
        call.body(body.clone()).send().await.expect(404);
    }
    for kind in ["multipart/form-data; boundary=x", "multipart/form-data", "multipart/mixed; boundary=x"] {
        let answer = world.post(CHATS[0]).header("Content-Type", kind).body(body.clone()).send().await;
        assert_eq!(answer.expect(415).code(), "unsupported_content_type");
    }
    assert!(world.upstream.seen().is_empty());
}

#[tokio::test]
async fn json_that_parsers_read_differently_is_refused() {
    let world = World::start().await;
    let with = |member: &str| format!("{{\"model\":\"m\",\"messages\":[],{member}}}");
    let many: Vec<String> = (0..1_100_000).map(|number| format!("\"{number:x}\":0")).collect();
    for body in [
        with("\"model\":\"n\""),
        with("\"mod\\u0065l\":\"n\""),
        with("\"messages\":[]"),
        with("\"tools\":[{\"type\":\"function\",\"type\":\"function\"}]"),
        with("\"Model\":\"n\""),
        with("\"MESSAGES\":[]"),
        with("\"messages \":[]"),
        with("\"me\u{17f}\u{17f}ages\":[]"),
        with(&format!("\"x\":{}{}", "[".repeat(70), "]".repeat(70))),
        with("\"x\":NaN"),
        with("\"x\":.5"),
        with("\"x\":01"),
        with("\"x\":1 /* one */"),
        with(&format!("\"x\":{}", "1".repeat(1 << 20))),
        with("\"x\":\"\\ud800\""),
        with("\"x\u{0}\":1"),
        with("\"stream\":\"true\""),
        with("\"stream\":1"),
        with("\"n\":-1"),
        with("\"n\":1000000000000"),
        with("\"max_tokens\":\"many\""),
        with("\"x\":1}{\"model\":\"n\""),
        with(&format!("\"x\":{{{}}}", many.join(","))).chars().take(4 << 20).collect(),
        "{\"model\":[\"m\"],\"messages\":[]}".to_owned(),
        "\u{feff}{\"model\":\"m\",\"messages\":[]}".to_owned(),
    ] {
        let answer = world.post(CHATS[0]).body(body.clone()).send().await;
        let shown: String = body.chars().take(120).collect();
        assert_eq!(answer.status, 400, "{shown}: {}", answer.text());
    }
    for bytes in [
        &b"{\"model\":\"m\",\"messages\":[],\"x\":\"\xff\"}"[..],
        b"{\"model\":\"m\",\"messages\":[],\"x\":\"\xc0\xaf\"}",
        b"\xff\xfe{\x00}\x00",
        b"{\"model\":\"m\",\"messages\":[]}\0",
    ] {
        world.post(CHATS[0]).body(bytes).send().await.expect(400);
    }
    assert!(world.upstream.seen().is_empty());
}

#[tokio::test]
async fn an_address_in_a_body_is_visited_by_nobody() {
    let world = World::start().await;
    let bait = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/latest/meta-data", bait.local_addr().unwrap());
    let image = |url: &str| {
        json!({"model": "m", "messages": [{"role": "user", "content": [
            {"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": url}}]}]})
    };
    for url in [&url, "http://169.254.169.254/", "file:///etc/passwd"] {
        let answer = world.post(CHATS[0]).json(&image(url)).send().await;
        assert!([400, 403, 422].contains(&answer.status), "{}", answer.text());
        let mcp = json!({"model": "m", "input": "x", "tools": [{"type": "mcp", "server_label": "x", "server_url": url}]});
        world.post("/v1/responses").json(&mcp).send().await.expect(403);
    }
    let from =
        json!({"model": "m", "from": url, "base_url": url, "messages": [{"role": "user", "content": "x"}]});
    world.post("/api/chat").json(&from).send().await;
    let visited = tokio::time::timeout(std::time::Duration::from_millis(200), bait.accept()).await;
    assert!(visited.is_err(), "somebody came");
}
