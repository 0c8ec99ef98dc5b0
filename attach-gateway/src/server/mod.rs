//! Listening, HTTP framing, and the orderly end.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use attach_core::Peer;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt;
use tower::util::Oneshot;

use self::patience::Patience;
use self::tasks::Tasks;
use crate::stack::{AnswerBody, Stack};

mod patience;
mod signals;
mod tasks;

pub(crate) use self::signals::{ReloadSignal, StopSignals};

/// How long a client may take to send its request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may leave what it is sent unread.
const WRITE_STALL: Duration = Duration::from_secs(60);

/// Connections served at a time; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 20_000;

/// Serves `stack` until `stop` is ready, then lets running answers finish for up to `drain`, or until `stop` is ready
/// once more.
pub(crate) async fn serve<S: Future<Output = ()>>(
    listener: TcpListener,
    stack: Stack,
    stop: impl Fn() -> S,
    drain: Duration,
) {
    let tasks = Tasks::default();
    let builder = builder(&tasks);
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let stopped = stop();
    tokio::pin!(stopped);
    loop {
        let (slot, stream, addr) = tokio::select! {
            () = &mut stopped => break,
            accepted = accept(&listener, &slots) => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            },
        };
        let service = Peered { stack: stack.clone(), peer: Peer::new(addr) };
        let connection = builder.serve_connection_with_upgrades(io(stream), service).into_owned();
        let watched = graceful.watch(connection);
        tasks.spawn(async move {
            let _slot = slot;
            if let Err(error) = watched.await {
                tracing::debug!(%error, "connection ended");
            }
        });
    }
    drop(listener);
    tracing::info!(running = tasks.len(), limit = ?drain, "stopping: running answers may finish");
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(drain) => tracing::warn!("some answers did not finish in time and are broken off"),
        () = stop() => tracing::warn!("told again to stop: running answers are broken off"),
    }
    // What is broken off is dropped here, so that its record is written before the log is closed.
    tasks.end().await;
}

/// The next connection, once there is room for it; until then it waits in the kernel's queue.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(OwnedSemaphorePermit, TcpStream, SocketAddr)> {
    let slot = Arc::clone(slots).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, addr) = listener.accept().await?;
    Ok((slot, stream, addr))
}

fn builder(tasks: &Tasks) -> auto::Builder<Tasks> {
    let mut builder = auto::Builder::new(tasks.clone());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(100)
        .max_buf_size(64 << 10)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .max_header_list_size(64 << 10)
        .keep_alive_interval(Duration::from_secs(30));
    builder
}

fn io(stream: TcpStream) -> TokioIo<Patience> {
    // Without it an event of a stream waits for the client's acknowledgement of the one before.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY not set");
    }
    TokioIo::new(Patience::new(stream, HEAD_TIMEOUT, WRITE_STALL))
}

/// The stack, for one connection.
struct Peered {
    stack: Stack,
    peer: Peer,
}

impl Service<Request<Incoming>> for Peered {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Oneshot<Stack, Request<Incoming>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer.clone());
        self.stack.clone().oneshot(request)
    }
}

/// Out of file descriptors: accepting again at once would only burn the processor.
async fn pause_after(error: &io::Error) {
    tracing::warn!(%error, "cannot accept a connection");
    let transient = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    );
    if !transient {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
