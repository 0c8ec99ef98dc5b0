//! The request body, taken once.

use std::convert::Infallible;

use attach_core::json::Edit;
use attach_core::{Api, Body, BodyCheck, BoxError, Payload, Rejection};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Request};
use http_body::Frame;
use http_body_util::{BodyExt, Full};

const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"hello"}]}"#;

fn post<B>(path: &str, body: B) -> Request<B> {
    Request::post(path).body(body).expect("a request")
}

fn chat(body: &'static str) -> Request<Full<Bytes>> {
    post("/v1/chat/completions", Full::from(body))
}

fn frames(
    frames: Vec<Result<Frame<Bytes>, BoxError>>,
) -> impl http_body::Body<Data = Bytes, Error = BoxError> {
    Frames(frames.into_iter())
}

/// The frames as a stream, without a crate for it.
struct Frames(std::vec::IntoIter<Result<Frame<Bytes>, BoxError>>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        std::task::Poll::Ready(self.0.next())
    }
}

async fn refusal<B>(request: Request<B>, limit: usize) -> Rejection
where
    B: http_body::Body<Data = Bytes> + 'static,
    B::Error: Into<BoxError>,
{
    Payload::take(request, limit).await.expect_err("must be refused")
}

async fn body_of(request: Request<Body>) -> Bytes {
    request.into_body().collect().await.expect("is here").to_bytes()
}

#[tokio::test]
async fn the_body_is_left_in_place_with_its_parse() {
    let (request, payload) = Payload::take(chat(CHAT), 1000).await.expect("a call");
    assert_eq!(payload.call().model.as_str(), "m");
    assert_eq!(payload.call().api, Api::OpenAiChat);
    assert_eq!(request.headers()[CONTENT_LENGTH], CHAT.len().to_string());
    assert!(request.extensions().get::<Payload>().is_some());
    assert_eq!(body_of(request).await, CHAT);
}

#[tokio::test]
async fn a_later_layer_takes_the_parse_of_an_earlier_one() {
    let (request, first) = Payload::take(chat(CHAT), 1000).await.expect("a call");
    let (_, second) = Payload::take(request, 1000).await.expect("a call");
    assert!(std::ptr::eq(first.call(), second.call()));
}

#[tokio::test]
async fn what_an_earlier_layer_took_is_held_against_what_was_added_since() {
    let taken = async || Payload::take(chat(CHAT), 1000).await.expect("a call").0;
    assert_eq!(refusal(taken().await, CHAT.len() - 1).await.status(), 413, "a smaller limit further in");
    let mut encoded = taken().await;
    encoded.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    assert_eq!(refusal(encoded, 1000).await.status(), 415);
    let mut promised_another = taken().await;
    promised_another.extensions_mut().insert(promised("{}"));
    assert_eq!(refusal(promised_another, 1000).await.code(), "digest_mismatch");
    let mut in_chunks = taken().await;
    in_chunks.headers_mut().insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    let (request, _) = Payload::take(in_chunks, 1000).await.expect("a call");
    assert!(!request.headers().contains_key(TRANSFER_ENCODING));
}

#[tokio::test]
async fn a_changed_body_never_rides_on_an_old_parse() {
    let (mut request, _) = Payload::take(chat(CHAT), 1000).await.expect("a call");
    // The same length, and even the same text, but not the bytes that were parsed.
    *request.body_mut() = Body::from(Bytes::from(CHAT.replace("\"m\"", "\"x\"")));
    let (request, payload) = Payload::take(request, 1000).await.expect("a call");
    assert_eq!(payload.call().model.as_str(), "x");
    assert_eq!(request.extensions().get::<Payload>().expect("is there").call().model.as_str(), "x");
}

#[tokio::test]
async fn a_changed_api_never_rides_on_an_old_parse() {
    let (mut request, _) = Payload::take(chat(CHAT), 1000).await.expect("a call");
    request.extensions_mut().insert(Api::OllamaChat);
    let (_, payload) = Payload::take(request, 1000).await.expect("a call");
    assert_eq!(payload.call().api, Api::OllamaChat);
    assert!(payload.call().stream);
}

#[tokio::test]
async fn the_api_in_the_extensions_goes_before_the_path() {
    let mut nested = post("/chat/completions", Full::from(CHAT));
    assert_eq!(refusal(nested.clone(), 1000).await.code(), "unknown_endpoint");
    nested.extensions_mut().insert(Api::OpenAiChat);
    Payload::take(nested, 1000).await.expect("a call");
    let mut get = chat(CHAT);
    *get.method_mut() = http::Method::GET;
    assert_eq!(refusal(get, 1000).await.status(), 404);
}

#[tokio::test]
async fn more_than_the_limit_is_refused() {
    let limit = CHAT.len();
    Payload::take(chat(CHAT), limit).await.expect("fits exactly");
    let refused = refusal(chat(CHAT), limit - 1).await;
    assert_eq!((refused.status().as_u16(), refused.code()), (413, "body_too_large"));

    let pieces =
        CHAT.as_bytes().chunks(7).map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece)))).collect();
    assert_eq!(refusal(post("/api/chat", frames(pieces)), limit - 1).await.code(), "body_too_large");
}

#[tokio::test]
async fn a_length_above_the_limit_is_refused_before_reading() {
    let broken = frames(vec![Err("must not be read".into())]);
    let mut request = post("/api/chat", broken);
    request.headers_mut().insert(CONTENT_LENGTH, "1001".parse().expect("a value"));
    assert_eq!(refusal(request, 1000).await.code(), "body_too_large");
}

#[tokio::test]
async fn a_body_in_pieces_is_one_body_and_trailers_go() {
    let mut pieces: Vec<_> =
        CHAT.as_bytes().chunks(7).map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece)))).collect();
    pieces.insert(3, Ok(Frame::data(Bytes::new())));
    pieces.push(Ok(Frame::trailers(HeaderMap::new())));
    let mut request = post("/api/chat", frames(pieces));
    request.headers_mut().insert(TRANSFER_ENCODING, "chunked".parse().expect("a value"));
    let (request, _) = Payload::take(request, 1000).await.expect("a call");
    assert!(!request.headers().contains_key(TRANSFER_ENCODING));
    assert_eq!(request.headers()[CONTENT_LENGTH], CHAT.len().to_string());
    assert_eq!(body_of(request).await, CHAT);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_incomplete() {
    let pieces = vec![Ok(Frame::data(Bytes::from(CHAT))), Err("reset".into())];
    let refused = refusal(post("/api/chat", frames(pieces)), 1000).await;
    assert_eq!((refused.status().as_u16(), refused.code()), (400, "body_incomplete"));
    assert_eq!(refused.reason(), Some("reset"));
}

#[tokio::test]
async fn a_limit_around_ours_is_a_limit_too() {
    let request = chat(CHAT).map(|body| http_body_util::Limited::new(body, 10));
    assert_eq!(refusal(request, 1000).await.code(), "body_too_large");
}

#[tokio::test]
async fn an_encoded_body_is_refused_and_any_content_type_is_taken() {
    for (encoding, accepted) in
        [("gzip", false), ("identity", true), ("Identity ", true), ("identity, br", false), ("", false)]
    {
        let mut request = chat(CHAT);
        request.headers_mut().insert(CONTENT_ENCODING, encoding.parse().expect("a value"));
        match Payload::take(request, 1000).await {
            Ok(_) => assert!(accepted, "{encoding}"),
            Err(refused) => {
                assert!(!accepted, "{encoding}");
                assert_eq!(
                    (refused.status().as_u16(), refused.code()),
                    (415, "unsupported_content_encoding")
                );
            }
        }
    }
    for content_type in ["application/x-www-form-urlencoded", "text/plain", "application/json; charset=utf-7"]
    {
        let mut request = chat(CHAT);
        request.headers_mut().insert(CONTENT_TYPE, content_type.parse().expect("a value"));
        Payload::take(request, 1000).await.expect("a call");
    }
}

#[tokio::test]
async fn a_refusal_says_where() {
    let cases = [
        (
            r#"{"model":"m","messages":[{"role":"user","role":"system"}]}"#,
            "duplicate_key",
            "$.messages[0].role",
        ),
        (r#"{"model":"m","messages":[],"stream":"true"}"#, "wrong_type", "$.stream"),
        (r#"{"model":"m","Messages":[]}"#, "ambiguous_key", "$.Messages"),
        (r#"{"messages":[]}"#, "missing_field", "$.model"),
        (r#"{"model":"a\u0007","messages":[]}"#, "invalid_model", "$.model"),
        ("model=m", "invalid_json", "$"),
        ("", "invalid_json", "$"),
    ];
    for (body, code, path) in cases {
        let refused = refusal(chat(body), 1000).await;
        assert_eq!(
            (refused.status().as_u16(), refused.code(), refused.param()),
            (400, code, Some(path)),
            "{body}"
        );
        assert!(refused.message().contains(path), "{refused}");
    }
}

#[tokio::test]
async fn a_splice_goes_on_with_its_length() {
    let (mut request, payload) = Payload::take(chat(CHAT), 1000).await.expect("a call");
    let leaf = payload.call().leaves[0].node;
    let spliced = payload.splice(&[Edit::string(leaf, "a \"longer\" text")]).expect("can be spliced");
    spliced.attach(&mut request);
    let expected = CHAT.replace("hello", r#"a \"longer\" text"#);
    assert_eq!(request.headers()[CONTENT_LENGTH], expected.len().to_string());
    let (request, again) = Payload::take(request, 1000).await.expect("a call");
    assert!(std::ptr::eq(again.call(), payload.call()), "nothing was parsed twice");
    assert_eq!(again.document().value(leaf).as_str().as_deref(), Some("a \"longer\" text"));
    assert_eq!(body_of(request).await, expected);
    assert_eq!(payload.bytes(), CHAT, "the original stays");
}

#[test]
fn a_splice_that_cannot_be_made_is_a_refusal() {
    let payload = Payload::parse(Api::OpenAiChat, CHAT.into()).expect("a call");
    let root = payload.document().root().id();
    let refused = payload.splice(&[Edit::string(root, "x")]).expect_err("is an object");
    assert_eq!((refused.status().as_u16(), refused.code()), (400, "not_replaceable"));
}

#[test]
fn a_bare_prompt_is_the_message_of_a_user() {
    let payload =
        Payload::parse(Api::OllamaChat, r#"{ "prompt" : "he\"llo", "model":"m"}"#.into()).expect("a call");
    assert_eq!(payload.bytes(), r#"{ "messages":[{"role":"user","content":"he\"llo"}], "model":"m"}"#);
    let leaf = payload.document().value(payload.call().leaves[0].node);
    assert_eq!((leaf.path().as_str(), leaf.as_str().as_deref()), ("$.messages[0].content", Some("he\"llo")));
}

#[test]
fn a_prompt_beside_messages_stays_and_is_inspected() {
    let body = r#"{"model":"m","messages":[],"prompt":"hello"}"#;
    let payload = Payload::parse(Api::OllamaChat, body.into()).expect("a call");
    assert_eq!(payload.bytes(), body);
    assert_eq!(payload.call().leaves.len(), 1);
}

#[test]
fn a_prompt_is_a_message_for_ollamas_chat_only() {
    for (api, body) in [
        (Api::OpenAiChat, r#"{"model":"m","prompt":"x"}"#),
        (Api::OllamaChat, r#"{"model":"m","prompt":7}"#),
        (Api::OllamaChat, r#"{"model":"m","prompt":"x","messages":null}"#),
    ] {
        Payload::parse(api, body.into()).expect_err("has no messages");
    }
}

#[test]
fn debug_output_shows_no_content() {
    let payload = Payload::parse(Api::OpenAiChat, CHAT.replace("hello", "secret").into()).expect("a call");
    assert!(!format!("{payload:?}").contains("secret"));
}

#[test]
fn taking_can_be_awaited_on_any_thread() {
    fn is_send<T: Send>(_: T) {}
    is_send(Payload::take(chat(CHAT), 1000));
    is_send(Payload::take(
        post("/", http_body_util::Empty::<Bytes>::new().map_err(|never: Infallible| match never {})),
        1,
    ));
}

fn promised(body: &'static str) -> BodyCheck {
    BodyCheck::new(move |bytes| {
        if bytes == body.as_bytes() {
            Ok(())
        } else {
            Err(Rejection::bad_request("digest_mismatch", "another"))
        }
    })
}

#[tokio::test]
async fn a_promise_about_the_body_is_kept_before_it_is_parsed() {
    for body in [r#"{"model":"other","messages":[]}"#, "no JSON", ""] {
        let mut request = chat(body);
        request.extensions_mut().insert(promised(CHAT));
        assert_eq!(refusal(request, 1000).await.code(), "digest_mismatch", "{body}");
    }
}

#[tokio::test]
async fn a_promise_is_about_the_senders_bytes_and_not_about_what_a_layer_makes_of_them() {
    let mut request = chat(CHAT);
    request.extensions_mut().insert(promised(CHAT));
    let (request, _) = Payload::take(request, 1000).await.expect("as promised");
    let request = request.map(|_| Body::from(Bytes::from(CHAT.replace("hello", "[NAME]"))));
    Payload::take(request, 1000).await.expect("the promise is spent");
}
