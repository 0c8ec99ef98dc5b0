//! A model server that thinks of nothing: OpenAI chat, plain and streamed, as fast as it goes.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use memchr::memmem;

use crate::bodies;

/// Where chats are asked for.
pub const CHAT_PATH: &str = "/v1/chat/completions";

/// A running mock. It has one thread of its own and stays for as long as the process does.
#[derive(Debug, Clone, Copy)]
pub struct Mock {
    addr: SocketAddr,
}

/// What it says.
#[derive(Debug)]
struct Script {
    answer: Bytes,
    events: Arc<[Bytes]>,
    documents: HashMap<&'static str, String>,
}

impl Mock {
    /// Starts one on loopback that also publishes `documents`, JSON by path.
    ///
    /// # Errors
    ///
    /// When it cannot listen or have a thread.
    pub fn start(documents: impl IntoIterator<Item = (&'static str, String)>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let script = Arc::new(Script {
            answer: bodies::answer(),
            events: bodies::events().into(),
            documents: documents.into_iter().collect(),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let serve = move || {
            if let Err(error) = runtime.block_on(serve(listener, script)) {
                eprintln!("the mock model server ended: {error}");
            }
        };
        std::thread::Builder::new().name("mock".into()).spawn(serve)?;
        Ok(Self { addr })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(self) -> SocketAddr {
        self.addr
    }
}

async fn serve(listener: TcpListener, script: Arc<Script>) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let script = Arc::clone(&script);
        let service = service_fn(move |request| answer(request, Arc::clone(&script)));
        let connection =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        // A connection that ends is what connections do.
        tokio::spawn(async move { _ = connection.await });
    }
}

async fn answer(request: Request<Incoming>, script: Arc<Script>) -> Result<Response<Reply>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    if let Some(document) = script.documents.get(parts.uri.path()) {
        return Ok(respond("application/json", Reply::Whole(Some(document.clone().into()))));
    }
    if parts.method != Method::POST || parts.uri.path() != CHAT_PATH {
        let mut missing = respond("text/plain", Reply::Whole(None));
        *missing.status_mut() = StatusCode::NOT_FOUND;
        return Ok(missing);
    }
    if memmem::find(&body, br#""stream":true"#).is_none() {
        return Ok(respond("application/json", Reply::Whole(Some(script.answer.clone()))));
    }
    let events = Reply::Events { events: Arc::clone(&script.events), next: 0, paused: true };
    let mut response = respond("text/event-stream", events);
    // nginx passes events on at once if told so.
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response.headers_mut().insert(unbuffered.0, unbuffered.1);
    Ok(response)
}

fn respond(kind: &'static str, body: Reply) -> Response<Reply> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// The body of an answer.
#[derive(Debug)]
enum Reply {
    Whole(Option<Bytes>),
    /// Each event is flushed before the next, as a model's tokens are.
    Events {
        events: Arc<[Bytes]>,
        next: usize,
        paused: bool,
    },
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Events { events, next, paused } => {
                if !std::mem::replace(paused, true) {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                let event = events.get(*next).cloned();
                *next += 1;
                *paused = false;
                Poll::Ready(event.map(|event| Ok(Frame::data(event))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Events { events, next, .. } => *next >= events.len(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Events { .. } => SizeHint::default(),
        }
    }
}
