//! A stream that would not report its usage is made to, and the client sees nothing of it.

use std::sync::{Arc, Mutex};

use attach_core::{Body, Payload};
use attach_quota::{Limit, Rate, Unit};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};

use crate::support::*;

const CHAT: &str = "/v1/chat/completions";
const BODY: &str = r#"{"model":"m", "stream" : true,"messages":[{"role":"user","content":"hello there friends!"}],"temperature":1.50}"#;
const REPORT: &str = r#"data: {"id":"c","choices":[],"usage":{"prompt_tokens":30,"completion_tokens":70}}"#;

/// What the service further in was sent.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<(HeaderMap, String)>>>);

impl Seen {
    async fn take(&self, request: Request<Body>) {
        let length = request.headers()["content-length"].to_str().unwrap().parse::<usize>().unwrap();
        let known = request.extensions().get::<Payload>().expect("is with the request").bytes().clone();
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        assert_eq!((body.len(), &body), (length, &known), "one body, in all three places");
        self.0.lock().unwrap().push((parts.headers, String::from_utf8(body.to_vec()).unwrap()));
    }

    fn last(&self) -> (HeaderMap, String) {
        self.0.lock().unwrap().last().cloned().expect("a request")
    }
}

/// Serves a stream in these frames; whether its length is said in advance is up to `sized`.
async fn serve_frames(limits: Vec<Limit>, frames: Vec<String>, sized: bool) -> (Server, Seen) {
    let seen = Seen::default();
    let witness = seen.clone();
    let server = serve(limits, move |request| {
        let (witness, frames) = (witness.clone(), frames.clone());
        async move {
            witness.take(request).await;
            if sized {
                let whole = frames.concat();
                let length = whole.len();
                let mut answer = typed(SSE, Body::from(Bytes::from(whole)));
                answer.headers_mut().insert("content-length", length.into());
                return answer;
            }
            let (stream, body) = stream();
            frames.iter().for_each(|frame| stream.send(frame));
            typed(SSE, body)
        }
    })
    .await;
    (server, seen)
}

fn asked(body: &str) -> String {
    body.replacen('{', r#"{"stream_options":{"include_usage":true},"#, 1)
}

/// As OpenAI documents it: `usage` is null in every chunk but the last, and is not there if nobody asked.
fn openai(asked: bool) -> Vec<String> {
    let null = if asked { ",\"usage\":null" } else { "" };
    let mut events: Vec<_> = ["one", "two \\\"usage\\\":null"]
        .map(|text| {
            format!(
                "data: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":null}}]{null}}}\n\n"
            )
        })
        .into();
    if asked {
        events.push(format!("{REPORT}\n\n"));
    }
    events.push("data: [DONE]\n\n".into());
    events
}

/// The same bytes in other frames.
fn cuts(events: &[String]) -> [Vec<String>; 4] {
    let whole = events.concat();
    let bytes = whole.as_bytes().chunks(7).map(|piece| String::from_utf8(piece.to_vec()).unwrap()).collect();
    let tail = [events[..2].to_vec(), vec![events[2..].concat()]].concat();
    [events.to_vec(), vec![whole.clone()], tail, bytes]
}

#[tokio::test]
async fn the_upstream_is_asked_and_the_client_sees_what_it_would_have_seen() {
    for frames in cuts(&openai(true)) {
        for sized in [false, true] {
            let (server, seen) = serve_frames(per_minute(60_000), frames.clone(), sized).await;
            let answer = server.post(CHAT, BODY).await;
            assert_eq!(answer.status(), 200);
            assert!(!answer.headers().contains_key("content-length"), "it is not as long as it was");
            assert_eq!(text(answer).await, openai(false).concat());
            assert_eq!(seen.last().1, asked(BODY));
            assert_eq!(server.tokens(), 100, "as reported, and settled before the end is seen");
        }
    }
}

#[tokio::test]
async fn a_stream_that_ends_with_its_usage_ends_well() {
    let events = [openai(true)[..2].to_vec(), vec![format!("{REPORT}\n\n")]].concat();
    for frames in cuts(&events) {
        let (server, _) = serve_frames(per_minute(60_000), frames, false).await;
        let answer = text(server.post(CHAT, BODY).await).await;
        assert_eq!(answer, openai(false)[..2].concat());
        server.ledger.until_tokens(100).await;
    }
}

#[tokio::test]
async fn who_asked_gets_it() {
    const ASKED: &str =
        r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[]}"#;
    let (server, seen) = serve_frames(per_minute(60_000), openai(true), true).await;
    let answer = server.post(CHAT, ASKED).await;
    assert_eq!(answer.headers()["content-length"], openai(true).concat().len().to_string());
    assert_eq!(text(answer).await, openai(true).concat());
    assert_eq!(seen.last().1, ASKED);
    assert_eq!(server.tokens(), 100);
}

#[tokio::test]
async fn completions_are_asked_too_and_other_dialects_report_by_themselves() {
    const PROMPT: &str = r#"{"model":"m","stream":true,"prompt":"x"}"#;
    for (path, body, asks) in [
        ("/v1/completions", PROMPT, true),
        ("/v1/responses", r#"{"model":"m","stream":true,"input":"x"}"#, false),
        ("/v1/messages", BODY, false),
        ("/api/chat", BODY, false),
        ("/v1/chat/completions", HELLO, false),
    ] {
        let (server, seen) = serve_frames(per_minute(60_000), openai(true), false).await;
        let answer = text(server.post(path, body).await).await;
        assert_eq!(seen.last().1, if asks { asked(body) } else { body.to_owned() }, "{path}");
        assert_eq!(answer, openai(!asks).concat(), "{path}");
    }
}

#[tokio::test]
async fn where_nothing_is_metered_nobody_asks() {
    let (server, seen) = serve_frames(
        vec![Limit::requests("rpm", Rate::per_minute(9)).models(["*".parse().unwrap()])],
        openai(false),
        true,
    )
    .await;
    let answer = server.post(CHAT, BODY).await;
    assert!(answer.headers().contains_key("content-length"));
    assert_eq!(text(answer).await, openai(false).concat());
    assert_eq!(seen.last().1, BODY);
}

#[tokio::test]
async fn the_answer_is_asked_for_plain_and_a_compressed_one_stays_as_it_is() {
    const GZIPPED: &str = "pretend this is compressed: \"usage\"";
    let seen = Seen::default();
    let witness = seen.clone();
    let server = serve(per_minute(60_000), move |request| {
        let witness = witness.clone();
        async move {
            let stubborn = request.headers().contains_key("x-stubborn");
            witness.take(request).await;
            let mut answer =
                typed(SSE, Body::from(Bytes::from(if stubborn { GZIPPED } else { "data: [DONE]\n\n" })));
            if stubborn {
                answer.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
            }
            answer
        }
    })
    .await;
    let post = async |headers: &[(&str, &str)]| {
        let mut request = Request::post(format!("http://{}{CHAT}", server.addr)).header("x-user", "alice");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer: Response<_> = server.send(request.body(Full::from(BODY)).unwrap()).await;
        (text(answer).await, seen.last())
    };
    let (_, (headers, body)) = post(&[("accept-encoding", "gzip, deflate")]).await;
    assert_eq!((&headers["accept-encoding"], body), (&"identity".parse().unwrap(), asked(BODY)));
    let (_, (headers, _)) = post(&[]).await;
    assert!(!headers.contains_key("accept-encoding"));
    let (_, (headers, body)) = post(&[("accept-encoding", "gzip, identity;q=0")]).await;
    assert_eq!((&headers["accept-encoding"], body.as_str()), (&"gzip, identity;q=0".parse().unwrap(), BODY));
    let (answer, _) = post(&[("x-stubborn", "1")]).await;
    assert_eq!(answer, GZIPPED);
}

#[tokio::test]
async fn stream_options_are_left_alone_where_they_are_refused() {
    let seen = Seen::default();
    let witness = seen.clone();
    let ledger = Ledger::default();
    let layer =
        attach_quota::QuotaLayer::new(per_minute(60_000)).store(ledger.clone()).leave_stream_options();
    let service = tower::ServiceBuilder::new().layer(layer).service(tower::service_fn(move |request| {
        let witness = witness.clone();
        async move {
            witness.take(request).await;
            Ok::<_, std::convert::Infallible>(typed(SSE, Body::from(Bytes::from(openai(false).concat()))))
        }
    }));
    let request = Request::post(CHAT).extension(attach_core::Identity::person("acme", "alice"));
    let answer = tower::ServiceExt::oneshot(service, request.body(Full::from(BODY)).unwrap()).await.unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), openai(false).concat());
    assert_eq!(seen.last().1, BODY);
    // Two pieces of text, 3 and 17 bytes; what nobody reported is counted.
    assert_eq!(ledger.charged("alice", Unit::Tokens), INPUT + 5);
}
