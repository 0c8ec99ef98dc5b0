//! HTTP/2, frame by frame.

use crate::support::h2::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, End, Frames, HEADERS, PROTOCOL_ERROR,
    fields,
};
use crate::support::{CHATS, World, question};

/// A request's fields, with a token.
fn request<'f>(bearer: &'f str, more: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
    let usual = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", CHATS[0]),
        (":authority", "gateway.example"),
        ("authorization", bearer),
    ];
    [&usual[..], more].concat()
}

#[tokio::test]
async fn a_plain_request_is_answered() {
    let world = World::start().await;
    let bearer = format!("Bearer {}", world.token("alice"));
    let body = question(CHATS[0], "m", "hello").to_string();
    let mut frames = Frames::open(world.gateway.addr).await;
    frames.send(HEADERS, END_HEADERS, 1, &fields(&request(&bearer, &[]))).await;
    frames.send(DATA, 0, 1, body.as_bytes()).await;
    // Trailers end it, and go nowhere.
    frames.send(HEADERS, END_HEADERS | END_STREAM, 1, &fields(&[("x-attach-user", "root")])).await;
    assert_eq!(frames.end(1).await, End::Answer(0x88));
    let seen = world.upstream.only();
    assert!(seen.header("x-attach-user") == Some("alice") && !seen.everything().contains("root"));
}

#[tokio::test]
async fn what_http_1_would_read_otherwise_is_a_broken_stream() {
    let world = World::start().await;
    let bearer = format!("Bearer {}", world.token("alice"));
    let long = "gateway.example\r\nX-Evil: 1";
    let cases: Vec<Vec<(&str, &str)>> = vec![
        request(&bearer, &[("transfer-encoding", "chunked")]),
        request(&bearer, &[("connection", "close")]),
        request(&bearer, &[("X-Upper", "1")]),
        request(&bearer, &[(":path", "/healthz")]),
        request(&bearer, &[("content-length", "5"), ("content-length", "6")]),
        request(&bearer, &[("content-length", "+5")]),
        request(&bearer, &[("x-evil", "a\r\nb: c")]),
        request(&bearer, &[("te", "gzip")]),
        [&request(&bearer, &[])[..2], &[(":path", "/v1/x\r\nX-Evil: 1"), (":authority", "a")]].concat(),
        [&request(&bearer, &[])[..3], &[(":authority", long)]].concat(),
        [
            &[
                (":method", "CONNECT"),
                (":protocol", "websocket"),
                (":scheme", "http"),
                (":path", "/v1/realtime"),
            ][..],
            &[(":authority", "a")],
        ]
        .concat(),
        vec![(":method", "GET"), (":scheme", "http")],
    ];
    for case in cases {
        let mut frames = Frames::open(world.gateway.addr).await;
        frames.send(HEADERS, END_HEADERS | END_STREAM, 1, &fields(&case)).await;
        let end = frames.end(1).await;
        let broken = matches!(end, End::Reset(PROTOCOL_ERROR) | End::Away(PROTOCOL_ERROR));
        // 0x8c and 0x8d are `:status: 400` and `404`.
        assert!(broken || matches!(end, End::Answer(0x8c | 0x8d)), "{case:?}: {end:?}");
    }
    assert!(world.upstream.seen().is_empty());
}

#[tokio::test]
async fn a_body_of_another_length_than_said_is_a_broken_stream() {
    let world = World::start().await;
    let bearer = format!("Bearer {}", world.token("alice"));
    let body = question(CHATS[0], "m", "hello").to_string();
    for length in [body.len() - 1, body.len() + 1] {
        let length = length.to_string();
        let mut frames = Frames::open(world.gateway.addr).await;
        let head = fields(&request(&bearer, &[("content-length", &length)]));
        frames.send(HEADERS, END_HEADERS, 1, &head).await;
        frames.send(DATA, END_STREAM, 1, body.as_bytes()).await;
        assert_eq!(frames.end(1).await, End::Reset(PROTOCOL_ERROR));
    }
    assert!(world.upstream.seen().is_empty());
}

#[tokio::test]
async fn fields_without_an_end_are_cut_off_and_take_no_memory() {
    let world = World::start().await;
    let before = world.gateway.resident();
    let mut frames = Frames::open(world.gateway.addr).await;
    frames.send(HEADERS, 0, 1, &fields(&[(":method", "POST")])).await;
    let block = fields(&[("x-more", &"y".repeat(16_000))]);
    let mut sent = 0;
    while sent < 100_000 && frames.send(CONTINUATION, 0, 1, &block).await {
        sent += 1;
    }
    assert!(sent < 100_000, "1.6 GB of fields were taken");
    let grown = world.gateway.peak().saturating_sub(before);
    assert!(grown < 64, "{grown} MiB more");
    let mut many = Frames::open(world.gateway.addr).await;
    many.send(HEADERS, 0, 1, &fields(&[(":method", "POST")])).await;
    for _ in 0..10_000 {
        if !many.send(CONTINUATION, 0, 1, &[]).await {
            break;
        }
    }
    let end = many.end(1).await;
    assert!(matches!(end, End::Away(ENHANCE_YOUR_CALM) | End::Closed), "{end:?}");
    world.gateway.get("/healthz").send().await.expect(200);
}

#[tokio::test]
async fn more_fields_than_anybody_needs_are_refused_on_their_stream() {
    let world = World::start().await;
    let long = "x".repeat(10_000);
    let names: Vec<String> = (0..8).map(|number| format!("x-{number}")).collect();
    let mut all = request("Bearer x", &[]);
    all.extend(names.iter().map(|name| (name.as_str(), long.as_str())));
    let block = fields(&all);
    let mut frames = Frames::open(world.gateway.addr).await;
    let pieces: Vec<&[u8]> = block.chunks(16_000).collect();
    for (number, piece) in pieces.iter().enumerate() {
        let last = if number + 1 == pieces.len() { END_HEADERS } else { 0 };
        let (kind, flags) = if number == 0 { (HEADERS, END_STREAM | last) } else { (CONTINUATION, last) };
        frames.send(kind, flags, 1, piece).await;
    }
    let end = frames.end(1).await;
    assert!(!matches!(end, End::Answer(0x88)), "{end:?}");
}
