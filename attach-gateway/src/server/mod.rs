//! Listening, TLS, HTTP framing, and the orderly end.

use std::future::{Future, pending};
use std::io;
use std::sync::{Arc, Once};
use std::time::Duration;

use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;

use self::connection::Common;
use self::listener::Accepted;
use self::seats::{Seat, Seats};
use self::tasks::Tasks;
use self::tls::Acceptor;
use crate::config::{self, Patience};
use crate::stack::Stack;
use crate::telemetry::Telemetry;

mod client_certificates;
mod connection;
mod forwarded;
mod framing;
mod listener;
mod opening;
mod patience;
mod proxy_protocol;
mod seats;
mod signals;
mod stream;
mod tasks;
mod tls;
#[cfg(unix)]
mod unix;
mod unshaken;

pub(crate) use self::connection::Ambiguous;
pub(crate) use self::forwarded::Proxies;
pub(crate) use self::listener::Listener;
pub(crate) use self::opening::ServerName;
pub(crate) use self::signals::{ReloadSignal, StopSignals};
pub(crate) use self::unshaken::Unshaken;

/// Whom a listener is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Callers.
    Data,
    /// Administrators.
    Admin,
    /// Watchers.
    Telemetry,
}

impl Role {
    /// What metrics call it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Admin => "admin",
            Self::Telemetry => "telemetry",
        }
    }
}

/// How a listener treats its clients.
#[derive(Debug, Clone)]
pub(crate) struct Manners {
    role: Role,
    telemetry: Telemetry,
    /// Connections served at a time; more wait in the kernel's queue.
    pub(crate) connections: usize,
    /// Of these, from one address; more are closed.
    pub(crate) each: usize,
    pub(crate) patience: Patience,
    pub(crate) proxies: Proxies,
}

impl Manners {
    /// Toward callers.
    pub(crate) fn of(server: &config::Server, telemetry: &Telemetry) -> Self {
        let (proxies, header) = (server.trusted_proxies.clone(), server.proxy_header);
        let local = server.channel == config::Channel::Proxied;
        Self {
            role: Role::Data,
            telemetry: telemetry.clone(),
            connections: server.max_connections,
            each: server.max_connections_per_address,
            patience: server.patience,
            proxies: Proxies::new(proxies, header, local).speaking_first(server.proxy_protocol),
        }
    }

    /// Toward administrators and watchers, who come without a proxy.
    pub(crate) fn aside(role: Role, server: &config::Server, telemetry: &Telemetry) -> Self {
        let (patience, telemetry) = (server.patience, telemetry.clone());
        Self { role, telemetry, connections: 256, each: 256, patience, proxies: Proxies::default() }
    }
}

/// Serves `stack` until `stop` is ready, then lets running answers finish for up to what `drain` says by then, or until
/// `stop` is ready once more.
pub(crate) async fn serve<S: Future<Output = ()>>(
    (listener, manners): (Listener, Manners),
    stack: Stack,
    stop: impl Fn() -> S,
    drain: impl Fn() -> Duration,
) {
    let tasks = Tasks::default();
    let graceful = GracefulShutdown::new();
    let common = Arc::new(Common {
        builder: builder(&tasks, &manners.patience),
        stack,
        tls: listener.tls().cloned(),
        patience: manners.patience,
        proxies: manners.proxies,
        seats: Seats::new(manners.connections, manners.each),
        role: manners.role,
        telemetry: manners.telemetry,
        told: Once::new(),
    });
    let stopped = stop();
    let certificates = watch(common.tls.as_ref());
    tokio::pin!(stopped, certificates);
    loop {
        let accepted = tokio::select! {
            () = &mut stopped => break,
            () = &mut certificates => continue,
            accepted = accept(&listener, &common) => match accepted {
                Ok(Some(accepted)) => accepted,
                Ok(None) => continue,
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            },
        };
        let served = connection::serve(Arc::clone(&common), accepted, graceful.watcher());
        tasks.spawn(served);
    }
    drop(listener);
    end(&tasks, graceful, drain(), stop()).await;
}

/// Lets running answers finish for up to `drain`, or until `again` is ready, and breaks off what is left.
async fn end(tasks: &Tasks, graceful: GracefulShutdown, drain: Duration, again: impl Future<Output = ()>) {
    tracing::info!(running = tasks.len(), limit = ?drain, "stopping: running answers may finish");
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(drain) => tracing::warn!("some answers did not finish in time and are broken off"),
        () = again => tracing::warn!("told again to stop: running answers are broken off"),
    }
    // What is broken off is dropped here, so that its record is written before the log is closed.
    tasks.end().await;
}

/// Keeps certificates as new as their files. Never ends.
async fn watch(tls: Option<&Acceptor>) {
    match tls {
        Some(acceptor) => acceptor.watch().await,
        None => pending().await,
    }
}

/// The next connection, once there is room for it; until then it waits in the kernel's queue. `None` if it is from
/// somebody who has nothing to say here.
async fn accept(listener: &Listener, common: &Common) -> io::Result<Option<(Seat, Accepted)>> {
    let seat = common.seats.free().await?;
    let accepted = listener.accept().await?;
    if !common.proxies.expect(&accepted) {
        common.misled("not from server.trusted_proxies");
        return Ok(None);
    }
    Ok(Some((seat, accepted)))
}

fn builder(tasks: &Tasks, patience: &Patience) -> auto::Builder<Tasks> {
    let mut builder = auto::Builder::new(tasks.clone());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_headers(100)
        .max_buf_size(64 << 10)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .max_header_list_size(64 << 10)
        .keep_alive_interval(Duration::from_secs(30));
    builder
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
