//! What the layer costs for a plain chat of 518 bytes with a name, an e-mail address and a phone number in it, all of
//! which the answer repeats: nanoseconds a call, or instructions if a profiler counts them.
//!
//! ```text
//! cargo run --release -p attach-redact --example call_cost -- 20000
//! ```

use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use attach_core::Body;
use attach_redact::{RedactLayer, Redactor};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service, service_fn};

const CHAT: &str = concat!(
    r#"{"model":"gpt-4o-mini","temperature":0.2,"max_tokens":256,"stream":false,"messages":[{"role":"system","content":"#,
    r#""You are a helpful assistant of the support team. Answer briefly."},{"role":"user","content":"Our customer Jane "#,
    r#"wrote from jane.roe@example.com that her router\nkeeps rebooting; she can be called at (212) 555-0175 after five. "#,
    r#"Draft a reply."},{"role":"user","content":"Keep it to one paragraph, say we will call today, and stay polite, as "#,
    r#"we always are with people who have been waiting for us"}]}"#,
);

/// The answer around the words of the second message.
const ANSWER: [&str; 2] = [
    concat!(
        r#"{"id":"chatcmpl-9x2kQ","object":"chat.completion","created":1763766000,"model":"gpt-4o-mini-2024-07-18","#,
        r#""choices":[{"index":0,"message":{"role":"assistant","content":""#,
    ),
    concat!(
        r#"","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":104,"completion_tokens"#,
        r#"":41,"total_tokens":145}}"#,
    ),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let calls: u32 = std::env::args().nth(1).map_or(Ok(1_000), |calls| calls.parse())?;
    let mut service = RedactLayer::new(Redactor::builder().build()?).layer(service_fn(answer));
    let start = Instant::now();
    let mut bytes = 0;
    for _ in 0..calls {
        let request = Request::post("/v1/chat/completions")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from_static(CHAT.as_bytes())))?;
        let response = now(service.call(request))?;
        bytes = now(response.into_body().collect()).map_err(|error| error.to_string())?.to_bytes().len();
    }
    println!("{:.0} ns per call, {bytes} bytes back", start.elapsed().as_nanos() as f64 / f64::from(calls));
    Ok(())
}

/// Repeats the second message of the request.
async fn answer(request: Request<Body>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request
        .into_body()
        .collect()
        .await
        .map_or_else(|_| Bytes::new(), http_body_util::Collected::to_bytes);
    let body = String::from_utf8_lossy(&body);
    let words = body.split(r#""user","content":""#).nth(1).and_then(|rest| rest.split(r#""},"#).next());
    let words = words.unwrap_or_default();
    let answer = [ANSWER[0], words, ANSWER[1]].concat();
    let response = Response::new(Full::new(Bytes::from(answer)));
    let (mut parts, body) = response.into_parts();
    parts.headers.insert("content-type", http::HeaderValue::from_static("application/json"));
    Ok(Response::from_parts(parts, body))
}

/// The result of a future that has nothing to wait for.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing is waited for"),
    }
}
