//! What the quota layer itself costs, where others have read the body and meter the answer.

use std::convert::Infallible;
use std::sync::Arc;

use attach_benches::bodies;
use attach_benches::target::Shape;
use attach_core::body::metered;
use attach_core::{Api, Body, Exchange, Identity, Payload, ResponseBody};
use attach_quota::{Budget, Limit, Period, QuotaLayer, Rate};
use http::{Request, Response};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::race::{Contender, race};
use crate::support::{Frames, answer, chat, now, read};

const BODY_LIMIT: usize = 1 << 20;

/// Prints the time that the layer adds to a request, and to a frame of a stream.
pub(crate) fn print() {
    let layer = QuotaLayer::new(limits());
    let mut contenders = [
        Contender::new("a chat, read and metered", || run(service_fn(plain), Shape::Plain)),
        Contender::new("the same under three limits", || run(layer.layer(service_fn(plain)), Shape::Plain)),
        Contender::new("a stream, read and metered", || run(service_fn(streamed), Shape::Streamed)),
        Contender::new("the same under three limits", || {
            run(layer.layer(service_fn(streamed)), Shape::Streamed)
        }),
    ];
    println!("the quota layer (best / median)\n{}", race(&mut contenders));
    let [chat, limited, stream, followed] = contenders.each_ref().map(Contender::least);
    let (request, frames) = (limited - chat, bodies::events().len());
    println!("  for a request                                 {request:>6.0} ns");
    let frame = (followed - stream - request) / frames as f64;
    println!("  for each of {frames} frames                          {frame:>6.0} ns\n");
}

fn limits() -> Vec<Limit> {
    vec![
        Limit::requests("requests-per-minute", Rate::per_minute(600_000_000)),
        Limit::tokens("tokens-per-minute", Rate::per_minute(60_000_000_000)),
        Limit::tokens("tokens-per-day", Budget::new(1_000_000_000_000, Period::Day)),
    ]
}

type Answer = Result<Response<ResponseBody<Frames>>, Infallible>;

async fn plain(request: Request<Body>) -> Answer {
    model(&request, Shape::Plain)
}

async fn streamed(request: Request<Body>) -> Answer {
    model(&request, Shape::Streamed)
}

fn model(request: &Request<Body>, shape: Shape) -> Answer {
    let exchange = request.extensions().get::<Exchange>().expect("an exchange");
    Ok(metered(answer(shape), Api::OpenAiChat, exchange))
}

/// What the layers further out have done.
fn run<S, R>(service: S, shape: Shape) -> usize
where
    S: Service<Request<Body>, Response = Response<R>, Error = Infallible>,
    R: http_body::Body<Data = bytes::Bytes>,
{
    let mut request = chat(shape);
    let exchange = Exchange::of_request(&mut request);
    exchange.identify(Arc::new(Identity::person("bench", "00u1bench")));
    let (request, _) = now(Payload::take(request, BODY_LIMIT)).expect("a call");
    now(service.oneshot(request)).map(read).unwrap_or_default()
}
