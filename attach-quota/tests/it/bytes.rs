//! Whatever an upstream sends, in whatever pieces: what is not cut or taken out passes as it came.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use attach_core::{Body, Identity};
use attach_quota::{Action, Limit, QuotaLayer, Rate};
use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use proptest::prelude::*;
use tower::{Layer, ServiceExt, service_fn};

use crate::support::SSE;

const PATHS: [&str; 6] = [
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/responses",
    "/v1/messages",
    "/api/chat",
    "/api/generate",
];

const KINDS: [&str; 3] = [SSE, "application/x-ndjson", "application/json"];

/// Pieces that mean something to somebody, and pieces that do not.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "data: ",
        "data:",
        "event: message_start\n",
        "event: content_block_start\n",
        "event: message_delta\n",
        "\n",
        "\n\n",
        "\r\n\r\n",
        ": comment\n",
        "data: [DONE]\n\n",
        r#"{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"word"}}]}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#,
        r#"{"choices":[{"index":0,"delta":{}}],"usage":null}"#,
        r#"{"type":"message_start","message":{"id":"m","model":"c","usage":{"input_tokens":2}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"word word"}}"#,
        r#"{"type":"message_stop"}"#,
        r#"{"type":"response.created","sequence_number":0,"response":{"id":"r","model":"m","output":[]}}"#,
        r#"{"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"id":"i","type":"message"}}"#,
        r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"item_id":"i","delta":"word"}"#,
        r#"{"model":"m","message":{"content":"word"},"done":false}"#,
        r#"{"model":"m","done":true,"prompt_eval_count":1,"eval_count":2}"#,
        r#""usage":null"#,
        "{",
        "}",
        "\"",
        "\u{feff}",
    ]);
    prop_oneof![
        8 => known.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ]
}

fn frames() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(piece(), 0..6).prop_map(|pieces| pieces.concat()), 0..12)
}

/// What the caller gets of `frames`; nothing where the answer broke off.
fn through(
    layer: &QuotaLayer,
    path: &str,
    kind: &'static str,
    asks: bool,
    frames: &[Vec<u8>],
) -> Option<Vec<u8>> {
    let frames: Vec<_> = frames.iter().map(|frame| Bytes::from(frame.clone())).collect();
    let service = layer.layer(service_fn(move |_: Request<Body>| {
        let stream = Steps(frames.clone().into_iter());
        async move {
            let answer = Response::builder().header("content-type", kind);
            Ok::<_, Infallible>(answer.body(Body::new(stream)).expect("an answer"))
        }
    }));
    let options = if asks { r#","stream_options":{"include_usage":true}"# } else { "" };
    let (options, content) = match path {
        "/v1/chat/completions" => (options, r#""messages":[{"role":"user","content":"hi"}]"#),
        "/v1/completions" => (options, r#""prompt":"hi""#),
        "/v1/responses" => ("", r#""input":"hi""#),
        "/v1/messages" => ("", r#""max_tokens":9,"messages":[{"role":"user","content":"hi"}]"#),
        "/api/chat" => ("", r#""messages":[{"role":"user","content":"hi"}]"#),
        _ => ("", r#""prompt":"hi""#),
    };
    let body = format!(r#"{{"model":"m","stream":true,{content}{options}}}"#);
    let request = Request::post(path).extension(Identity::person("acme", "alice"));
    let request = request.body(Full::new(Bytes::from(body))).expect("a request");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let answer = service.oneshot(request).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        answer.into_body().collect().await.ok().map(|body| body.to_bytes().to_vec())
    })
}

/// A body of frames that are there already.
struct Steps(std::vec::IntoIter<Bytes>);

impl http_body::Body for Steps {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.next().map(|bytes| Ok(Frame::data(bytes))))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_neither_cut_nor_taken_out_passes_as_it_came(
        path in prop::sample::select(&PATHS[..]), kind in prop::sample::select(&KINDS[..]), frames in frames(),
    ) {
        let layer = QuotaLayer::new(vec![Limit::tokens("wide", Rate::per_second(1 << 40))]);
        let sent = frames.concat();
        prop_assert_eq!(through(&layer, path, kind, true, &frames), Some(sent.clone()));
        // What nobody asked for is taken out, and nothing is put in.
        let stripped = through(&layer, path, kind, false, &frames).expect("whole");
        prop_assert!(stripped.len() <= sent.len());
        let mut rest = sent.iter();
        prop_assert!(stripped.iter().all(|byte| rest.any(|sent| sent == byte)), "in the order it came");
    }

    #[test]
    fn a_stream_that_is_cut_begins_as_it_came_and_ends(
        path in prop::sample::select(&PATHS[..]), kind in prop::sample::select(&KINDS[..]), frames in frames(),
    ) {
        let limit = Limit::output_tokens("narrow", Rate::per_hour(10)).action(Action::Cut);
        let sent = frames.concat();
        if let Some(got) = through(&QuotaLayer::new(vec![limit]), path, kind, true, &frames) {
            let same = got.iter().zip(&sent).take_while(|(got, sent)| got == sent).count();
            let whole = got == sent;
            prop_assert!(whole || same < got.len(), "ends of its own accord or by an event of ours");
        }
    }
}
