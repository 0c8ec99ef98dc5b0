//! Where a request ends: what two servers could see differently is refused, and the connection closed.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{CHATS, World, question, raw};

/// A head with a token, and these headers.
fn head(world: &World, headers: &[&str]) -> String {
    let bearer = format!("Authorization: Bearer {}", world.token("alice"));
    raw::head("POST", CHATS[0], &[&[bearer.as_str()], headers].concat())
}

fn chunked(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
}

#[tokio::test]
async fn a_length_beside_chunks_is_refused_in_either_order() {
    let world = World::start().await;
    let body = question(CHATS[0], "m", "hello").to_string();
    let length = format!("Content-Length: {}", body.len());
    for headers in [
        [length.as_str(), "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", &length],
        ["transfer-encoding: chunked", "CONTENT-LENGTH: 0"],
        ["Content-Length: 4", "Transfer-Encoding: chunked"],
    ] {
        let heard = raw::send(world.gateway.addr, head(&world, &headers) + &chunked(&body)).await;
        heard.expect_closed(400);
        assert!(heard.text.contains("ambiguous_framing"), "{}", heard.text);
    }
    assert!(world.upstream.seen().is_empty());
    // Without the length it is an ordinary request, with or without others before it.
    for _ in 0..2 {
        let both = [
            head(&world, &[&length]) + &body,
            head(&world, &["Transfer-Encoding: chunked", "Connection: close"]) + &chunked(&body),
        ];
        assert_eq!(raw::send(world.gateway.addr, both.concat()).await.statuses(), [200, 200]);
    }
}

#[tokio::test]
async fn an_encoding_that_is_not_chunked_once_is_refused() {
    let world = World::start().await;
    let body = chunked(&question(CHATS[0], "m", "hello").to_string());
    for header in [
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding : chunked",
    ] {
        raw::send(world.gateway.addr, head(&world, &[header]) + &body).await.expect_closed(400);
    }
    let old = head(&world, &["Transfer-Encoding: chunked"]).replacen("HTTP/1.1", "HTTP/1.0", 1);
    raw::send(world.gateway.addr, old + &body).await.expect_closed(400);
    // What the parser reads as chunked is read as chunked and nothing else: no second request can hide in it.
    let hidden = body.clone() + &head(&world, &["Content-Length: 0"]);
    for header in
        ["Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"]
    {
        let heard =
            raw::send(world.gateway.addr, head(&world, &[header, "Connection: close"]) + &hidden).await;
        assert!(heard.closed && heard.statuses().len() <= 1, "{header}: {}", heard.text);
    }
}

#[tokio::test]
async fn a_length_that_is_no_number_is_refused() {
    let world = World::start().await;
    for length in
        ["+5", "0x5", "5, 5", "5,6", "-5", "5 5", "", "99999999999999999999999", "18446744073709551616", "５"]
    {
        let sent = head(&world, &[&format!("Content-Length: {length}")]) + "hello";
        raw::send(world.gateway.addr, sent).await.expect_closed(400);
    }
    let two = head(&world, &["Content-Length: 5", "Content-Length: 6"]) + "hello!";
    raw::send(world.gateway.addr, two).await.expect_closed(400);
    assert!(world.upstream.seen().is_empty());
}

#[tokio::test]
async fn chunks_that_are_none_are_refused() {
    let world = World::start().await;
    let extension = format!("5;x={}\r\nhello\r\n0\r\n\r\n", "y".repeat(20_000));
    for body in [
        "zz\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5\nhello\n0\n\n",
        "5\r\nhelloX\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        &extension,
    ] {
        let sent = head(&world, &["Transfer-Encoding: chunked"]) + body;
        raw::send(world.gateway.addr, sent).await.expect_closed(400);
    }
    assert!(world.upstream.seen().is_empty());
}

#[tokio::test]
async fn lines_that_end_in_half_a_line_end_hide_nothing() {
    let world = World::start().await;
    let hidden = "GET / HTTP/1.1\nHost: x\nX-A: b\r\nContent-Length: 5\r\n\r\nhello";
    let heard = raw::send(
        world.gateway.addr,
        format!("{hidden}{}", "GET /x HTTP/1.1\r\nConnection: close\r\nHost: x\r\n\r\n"),
    )
    .await;
    assert!(
        heard.closed && heard.statuses().iter().all(|status| [400, 404].contains(status)),
        "{}",
        heard.text
    );
    for bare in ["GET /healthz HTTP/1.1\rHost: x\r\r", "GET /healthz HTTP/1.1\r\nHost: x\rX: y\r\n\r\n"] {
        raw::send(world.gateway.addr, bare).await.expect_closed(400);
    }
}

#[tokio::test]
async fn a_request_behind_a_refused_one_shows_who_it_is_afresh() {
    let world = World::start().await;
    let body = question(CHATS[0], "m", "hello").to_string();
    let length = format!("Content-Length: {}", body.len());
    let stranger = raw::head("POST", CHATS[0], &[&length]) + &body;
    let alice = head(&world, &[&length]) + &body;
    // The second rides behind a stranger's, the stranger's behind hers.
    for (both, statuses) in [
        (stranger.clone() + &alice.replacen("Host:", "Connection: close\r\nHost:", 1), [401, 200]),
        (alice + &stranger.replacen("Host:", "Connection: close\r\nHost:", 1), [200, 401]),
    ] {
        let heard = raw::send(world.gateway.addr, both).await;
        assert!(heard.closed);
        assert!(heard.statuses() == statuses || heard.statuses() == statuses[..1], "{}", heard.text);
    }
    assert!(world.upstream.seen().iter().all(|seen| seen.header("x-attach-user") == Some("alice")));
}

#[tokio::test]
async fn a_body_that_is_shorter_than_said_is_never_a_request() {
    let world = World::start().await;
    let body = question(CHATS[0], "m", "hello").to_string();
    for framing in [format!("Content-Length: {}", body.len() + 1), "Transfer-Encoding: chunked".to_owned()] {
        let sent =
            if framing.starts_with('C') { body.clone() } else { format!("{:x}\r\n{body}\r\n", body.len()) };
        let mut stream = TcpStream::connect(world.gateway.addr).await.unwrap();
        stream.write_all((head(&world, &[&framing]) + &sent).as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let heard = raw::hear(&mut stream).await;
        assert!(heard.closed && heard.statuses().iter().all(|status| *status == 400), "{}", heard.text);
    }
    assert!(world.upstream.seen().is_empty());
}
