//! Listening, HTTP framing, and the orderly end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use attach_core::Peer;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::stack::Stack;

/// How long a client may take to send its request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections served at a time; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 20_000;

/// Serves `stack` until `stop`, then lets running answers finish for up to `drain`.
pub(crate) async fn serve(
    listener: TcpListener,
    stack: Stack,
    stop: impl Future<Output = ()>,
    drain: Duration,
) {
    let builder = Arc::new(builder());
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        let (slot, stream, addr) = tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept(&listener, &slots) => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            },
        };
        let connection = builder.serve_connection_with_upgrades(io(stream), service(&stack, addr)).into_owned();
        let watched = graceful.watch(connection);
        connections.spawn(async move {
            let _slot = slot;
            if let Err(error) = watched.await {
                tracing::debug!(%error, "connection ended");
            }
        });
    }
    drop(listener);
    tracing::info!(connections = connections.len(), limit = ?drain, "stopping: running answers may finish");
    if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("some answers did not finish in time and are broken off");
    }
    // What is broken off is dropped here, so that its record is written before the log is closed.
    connections.shutdown().await;
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

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
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

fn io(stream: TcpStream) -> TokioIo<TcpStream> {
    // Without it an event of a stream waits for the client's acknowledgement of the one before.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY not set");
    }
    TokioIo::new(stream)
}

fn service(stack: &Stack, addr: SocketAddr) -> TowerToHyperService<Stack> {
    let peer = Peer::new(addr);
    let stack = stack.clone().map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        request
    });
    TowerToHyperService::new(Stack::new(stack))
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
