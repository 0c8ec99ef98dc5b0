//! The wrappers over real sockets: every way a running answer can end is noticed once, and as what it is.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use attach_core::body::{End, Guard, Step, Tap, metered};
use attach_core::exchange::Exchange;
use attach_core::usage::Source;
use attach_core::{Api, BoxError, Outcome, Rejection, ResponseBody};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Frame;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// A body fed through a channel.
struct Fed(mpsc::UnboundedReceiver<Result<Frame<Bytes>, BoxError>>);

impl http_body::Body for Fed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.0.poll_recv(cx)
    }
}

type Feeder = mpsc::UnboundedSender<Result<Frame<Bytes>, BoxError>>;

fn fed() -> (Feeder, Fed) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (sender, Fed(receiver))
}

fn data(text: &'static str) -> Result<Frame<Bytes>, BoxError> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

/// What happened to one exchange.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<End>>>);

impl Notes {
    fn tap(&self) -> Tap<impl FnOnce(End) + Send + 'static> {
        let notes = self.clone();
        Tap::new(move |end| notes.0.lock().unwrap().push(end))
    }

    /// Waits until an end was noted, and then a little longer, in case a second one follows.
    async fn ends(&self) -> Vec<End> {
        for _ in 0..500 {
            if !self.0.lock().unwrap().is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
                return self.0.lock().unwrap().clone();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("no end was noted");
    }
}

fn exchange() -> Exchange {
    Exchange::of_request(&mut Request::post("/v1/chat/completions").body(()).unwrap())
}

/// Serves one response over a socket and hands the client's end of it over.
async fn served(
    response: Response<ResponseBody<Fed>>,
    wait_for: Option<tokio::sync::oneshot::Receiver<()>>,
) -> TcpStream {
    let addr = serve_once(response, wait_for).await;
    let mut client = TcpStream::connect(addr).await.unwrap();
    client
        .write_all(b"POST / HTTP/1.1\r\nhost: x\r\nte: trailers\r\ncontent-length: 0\r\n\r\n")
        .await
        .unwrap();
    client
}

async fn serve_once(
    response: Response<ResponseBody<Fed>>,
    wait_for: Option<tokio::sync::oneshot::Receiver<()>>,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let slot = Arc::new(Mutex::new(Some((response, wait_for))));
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = service_fn(move |_: Request<Incoming>| {
            let taken = slot.lock().unwrap().take();
            async move {
                let (response, wait_for) = taken.expect("one request");
                if let Some(wait_for) = wait_for {
                    let _ = wait_for.await;
                }
                Ok::<_, Infallible>(response)
            }
        });
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    });
    addr
}

/// Reads until `needle` has come or the connection is closed.
async fn read_until(client: &mut TcpStream, needle: &str) -> String {
    let mut seen = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let read = tokio::time::timeout(Duration::from_secs(5), client.read(&mut buffer)).await;
        let count = read.expect("an answer in time").unwrap_or(0);
        seen.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&seen).into_owned();
        if count == 0 || (!needle.is_empty() && text.contains(needle)) {
            return text;
        }
    }
}

fn sse(body: ResponseBody<Fed>) -> Response<ResponseBody<Fed>> {
    Response::builder().header(CONTENT_TYPE, "text/event-stream").body(body).unwrap()
}

#[tokio::test]
async fn a_client_that_leaves_while_the_upstream_is_idle_is_noticed() {
    let (feeder, body) = fed();
    let (notes, exchange) = (Notes::default(), exchange());
    let body = ResponseBody::inner(body).gated(notes.tap(), &exchange);
    let mut client = served(sse(body), None).await;
    feeder.send(data("data: 1\n\n")).unwrap();
    read_until(&mut client, "data: 1").await;
    drop(client);
    assert_eq!(notes.ends().await, [End::Dropped]);
    assert_eq!(exchange.outcome(), Some(Outcome::Disconnected));
    assert!(feeder.is_closed(), "the upstream's body is dropped as well");
}

#[tokio::test]
async fn a_client_that_leaves_before_there_are_headers_is_noticed() {
    let notes = Notes::default();
    let tap = notes.tap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let tap = Mutex::new(Some(tap));
        let service = service_fn(|_: Request<Incoming>| {
            let tap = tap.lock().unwrap().take();
            async move {
                let _held_by_the_future = tap;
                std::future::pending::<Result<Response<ResponseBody<Fed>>, Infallible>>().await
            }
        });
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    });
    let mut client = TcpStream::connect(addr).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(client);
    assert_eq!(notes.ends().await, [End::Dropped]);
}

#[tokio::test]
async fn an_upstream_error_is_an_end() {
    let (feeder, body) = fed();
    let (notes, exchange) = (Notes::default(), exchange());
    let mut client = served(sse(ResponseBody::inner(body).gated(notes.tap(), &exchange)), None).await;
    feeder.send(data("data: 1\n\n")).unwrap();
    feeder.send(Err("reset".into())).unwrap();
    read_until(&mut client, "").await;
    assert_eq!(notes.ends().await, [End::Failed]);
    assert_eq!(exchange.outcome(), Some(Outcome::Failed));
}

#[tokio::test]
async fn trailers_pass_and_the_end_is_noticed_after_them() {
    let (feeder, body) = fed();
    let (notes, exchange) = (Notes::default(), exchange());
    let mut response = sse(ResponseBody::inner(body).gated(notes.tap(), &exchange));
    response.headers_mut().insert("trailer", "x-sum".parse().unwrap());
    let mut client = served(response, None).await;
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "7".parse().unwrap());
    feeder.send(data("hello")).unwrap();
    feeder.send(Ok(Frame::trailers(trailers))).unwrap();
    drop(feeder);
    let text = read_until(&mut client, "x-sum: 7\r\n\r\n").await;
    assert!(text.contains("hello"), "{text}");
    assert_eq!(notes.ends().await, [End::Ended]);
    assert_eq!(exchange.outcome(), Some(Outcome::Complete));
}

/// With a Content-Length the server drops the body when it has been reached, and polls no further.
#[tokio::test]
async fn a_body_of_known_length_that_is_never_polled_to_its_end_is_complete() {
    struct Known(Fed, u64);
    impl http_body::Body for Known {
        type Data = Bytes;
        type Error = BoxError;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            Pin::new(&mut self.0).poll_frame(cx)
        }
        fn size_hint(&self) -> http_body::SizeHint {
            http_body::SizeHint::with_exact(self.1)
        }
    }
    let (feeder, body) = fed();
    let (notes, exchange) = (Notes::default(), exchange());
    let response: Response<ResponseBody<Known>> = Response::builder()
        .header(CONTENT_LENGTH, 5)
        .body(ResponseBody::inner(Known(body, 5)).gated(notes.tap(), &exchange))
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let slot = Mutex::new(Some(response));
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = service_fn(|_: Request<Incoming>| {
            let response = slot.lock().unwrap().take().unwrap();
            async move { Ok::<_, Infallible>(response) }
        });
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    });
    let mut client = TcpStream::connect(addr).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    feeder.send(data("hello")).unwrap();
    read_until(&mut client, "hello").await;
    assert_eq!(notes.ends().await, [End::Ended]);
    assert_eq!(exchange.outcome(), Some(Outcome::Complete));
}

/// Ends the answer when told to.
struct Stop(tokio::sync::oneshot::Receiver<()>);

impl Guard for Stop {
    fn poll_stop(&mut self, cx: &mut Context<'_>) -> Poll<Rejection> {
        Pin::new(&mut self.0).poll(cx).map(|_| {
            Rejection::new(StatusCode::UNAUTHORIZED, "revoked", "your access was revoked")
                .with_outcome(Outcome::Revoked)
        })
    }
}

#[tokio::test]
async fn a_stop_signal_ends_an_idle_stream_in_the_dialects_terminal_event() {
    let (feeder, body) = fed();
    let exchange = exchange();
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let response = Response::builder().header(CONTENT_TYPE, "text/event-stream").body(body).unwrap();
    let response =
        metered(response, Api::OpenAiChat, &exchange).map(|body| body.gated(Stop(stopped), &exchange));
    let mut client = served(response, None).await;
    feeder.send(data("data: {\"choices\":[]}\n\n")).unwrap();
    read_until(&mut client, "choices").await;
    stop.send(()).unwrap();
    let text = read_until(&mut client, "data: [DONE]\n\n").await;
    assert!(text.contains("\"code\":\"revoked\""), "{text}");
    assert_eq!(exchange.outcome(), Some(Outcome::Revoked), "the drop that follows does not overwrite it");
    assert!(feeder.is_closed());
}

#[test]
fn a_rejection_may_bring_the_events_that_end_a_stream() {
    let exchange = exchange();
    let cut = Rejection::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded", "used up")
        .with_outcome(Outcome::Cut)
        .with_terminal_event("data: the last\n\n".into());
    assert_eq!(cut.into_terminal_event(&exchange), "data: the last\n\n");
    assert_eq!(exchange.outcome(), Some(Outcome::Cut));
    let code = exchange.facts(|facts| facts.refusal.as_ref().map(|refusal| refusal.code));
    assert_eq!(code, Some("rate_limit_exceeded"));
}

/// An event inside a JSON answer, or behind what nobody could look into, would pass for the answer's own.
#[tokio::test]
async fn an_answer_that_is_no_stream_is_broken_off_and_not_ended_by_an_event() {
    let (feeder, body) = fed();
    let exchange = exchange();
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let response = Response::builder().header(CONTENT_TYPE, "application/json").body(body).unwrap();
    let response =
        metered(response, Api::OpenAiChat, &exchange).map(|body| body.gated(Stop(stopped), &exchange));
    let mut client = served(response, None).await;
    feeder.send(data("{\"id\":\"x\"")).unwrap();
    read_until(&mut client, "\"x\"").await;
    stop.send(()).unwrap();
    let text = read_until(&mut client, "").await;
    assert!(!text.contains("data:") && !text.contains("\r\n0\r\n"), "{text}");
}

#[tokio::test]
async fn a_terminal_event_never_stands_inside_half_an_event() {
    let (feeder, body) = fed();
    let exchange = exchange();
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let response = Response::builder().header(CONTENT_TYPE, "text/event-stream").body(body).unwrap();
    let response =
        metered(response, Api::OpenAiChat, &exchange).map(|body| body.gated(Stop(stopped), &exchange));
    let mut client = served(response, None).await;
    feeder.send(data("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"cho")).unwrap();
    read_until(&mut client, "content").await;
    stop.send(()).unwrap();
    let text = read_until(&mut client, "data: [DONE]\n\n").await;
    assert!(!text.contains("data: {\"cho\""), "{text}");
    assert!(!text.contains("{\"cho\r\n") && text.contains("}\n\n"), "{text}");
}

/// Holds the frame that completes the answer until it is released.
struct Hold(tokio::sync::oneshot::Receiver<bool>, Exchange);

impl Guard for Hold {
    fn frame(&mut self, frame: Bytes, last: bool) -> Step {
        if last || self.1.outcome().is_some() { Step::Hold(frame) } else { Step::Pass(frame) }
    }

    fn poll_release(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Rejection>> {
        Pin::new(&mut self.0).poll(cx).map(|released| match released {
            Ok(true) => Ok(()),
            _ => Err(Rejection::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "audit_unavailable",
                "no record, no answer",
            )),
        })
    }
}

async fn held_stream() -> (Feeder, TcpStream, tokio::sync::oneshot::Sender<bool>, Exchange) {
    let (feeder, body) = fed();
    let exchange = exchange();
    let (release, released) = tokio::sync::oneshot::channel();
    let response = Response::builder().header(CONTENT_TYPE, "text/event-stream").body(body).unwrap();
    let hold = Hold(released, exchange.clone());
    let response = metered(response, Api::OpenAiChat, &exchange).map(|body| body.gated(hold, &exchange));
    let mut client = served(response, None).await;
    feeder.send(data("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n")).unwrap();
    read_until(&mut client, "content").await;
    feeder
        .send(data("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3}}\n\n"))
        .unwrap();
    read_until(&mut client, "prompt_tokens").await;
    feeder.send(data("data: [DONE]\n\n")).unwrap();
    (feeder, client, release, exchange)
}

#[tokio::test]
async fn only_the_completing_frame_is_held() {
    let (_feeder, mut client, release, exchange) = held_stream().await;
    let mut buffer = [0; 64];
    let early = tokio::time::timeout(Duration::from_millis(100), client.read(&mut buffer)).await;
    assert!(early.is_err(), "the completing frame came before it was released");
    assert_eq!(exchange.outcome(), Some(Outcome::Complete));
    assert_eq!((exchange.usage().input, exchange.usage().source), (9, Source::Reported));
    release.send(true).unwrap();
    assert!(read_until(&mut client, "[DONE]").await.contains("data: [DONE]\n\n"));
}

#[tokio::test]
async fn a_frame_that_is_not_released_is_replaced_by_an_error() {
    let (_feeder, mut client, release, _exchange) = held_stream().await;
    release.send(false).unwrap();
    assert!(read_until(&mut client, "[DONE]").await.contains("audit_unavailable"));
}

#[tokio::test]
async fn a_unary_answer_in_one_frame_is_metered() {
    let (feeder, body) = fed();
    let exchange = exchange();
    let response = Response::builder().header(CONTENT_TYPE, "application/json").body(body).unwrap();
    let mut client = served(metered(response, Api::OpenAiChat, &exchange), None).await;
    feeder
        .send(data(
            "{\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3}}",
        ))
        .unwrap();
    drop(feeder);
    read_until(&mut client, "0\r\n\r\n").await;
    assert_eq!((exchange.usage().input, exchange.usage().output), (9, 3));
    assert_eq!(exchange.outcome(), Some(Outcome::Complete));
    assert_eq!(exchange.facts(|facts| facts.answered_by.clone()).as_deref(), Some("m"));
}

#[tokio::test]
async fn trailers_do_not_overtake_what_was_held_back() {
    let (feeder, body) = fed();
    let exchange = exchange();
    let response = Response::builder()
        .header(CONTENT_TYPE, "text/event-stream")
        .header("trailer", "x-sum")
        .body(body)
        .unwrap();
    let mut client = served(metered(response, Api::OpenAiChat, &exchange), None).await;
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "7".parse().unwrap());
    feeder.send(data("data: {\"choices\":[{\"finish_reason\":\"stop\"}]}")).unwrap();
    feeder.send(Ok(Frame::trailers(trailers))).unwrap();
    drop(feeder);
    let text = read_until(&mut client, "x-sum: 7\r\n\r\n").await;
    assert!(text.find("finish_reason").unwrap() < text.find("x-sum: 7").unwrap(), "{text}");
}
