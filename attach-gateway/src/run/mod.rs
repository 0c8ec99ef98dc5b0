//! From a configuration to a listening gateway, and back to nothing.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use attach_audit::retention::Sweeping;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use crate::alerts::Webhook;
use crate::config::{Config, Listen};
use crate::quotas::Quotas;
use crate::reload::Reload;
use crate::rights::Rights;
use crate::server::{self, Manners, Role};
#[cfg(feature = "dev")]
use crate::stack::Stack;
use crate::state::StateDir;
use crate::telemetry::Telemetry;
use crate::trail;
use crate::upkeep::Upkeep;
use crate::witness::AuditWitness;

mod assembly;
mod current;
mod error;
mod hosts;
mod lasting;
mod sides;
mod verifiers;

pub(crate) use self::assembly::Assembly;
pub(crate) use self::current::Current;
pub use self::error::StartError;
pub(crate) use self::lasting::Lasting;
use self::sides::{Side, bind};
pub(crate) use self::verifiers::{fetch, verifier, verifier_at};

/// How long a running request of another listener may take to finish after the gateway stopped.
const SIDE_DRAIN: Duration = Duration::from_secs(5);

/// A gateway that listens but does not serve yet.
pub struct Gateway {
    data: Side,
    admin: Option<Side>,
    watchers: Option<Side>,
    current: Current,
    lasting: Arc<Lasting>,
    shipping: trail::Shipping,
    retention: Sweeping,
    upkeep: Upkeep,
    reload: Reload,
}

impl Gateway {
    /// Opens the state directory and the audit log, binds the listener, and asks the issuers once.
    ///
    /// An issuer that cannot be reached does not keep the gateway from starting: its tokens are answered 503 until
    /// it can.
    ///
    /// # Errors
    ///
    /// When a setting makes no sense, the state directory is in use, or the address cannot be bound.
    pub async fn start(config: Arc<Config>) -> Result<Self, StartError> {
        let state = StateDir::open(config.state_dir.as_deref());
        let state = state.map_err(|e| StartError::Io("state directory", e))?;
        let node = trail::Node::of(&config, &state)?;
        let telemetry = Telemetry::open(&config, node.name.clone(), node.config_hash.clone())?;
        let fetch = fetch()?;
        let webhook = Webhook::new(Arc::clone(&fetch));
        let quotas = Quotas::open(&config, &state, &webhook).await?;
        let trail::Trail { audit, shipping, retention, settings } = trail::open(&config, &state, &node)?;
        let rights = Rights::open(&config, &state, Arc::new(AuditWitness(audit.clone())), quotas).await?;
        let reload = Reload::listen().map_err(|e| StartError::Io("signals", e))?;
        let server = &config.server;
        let listener = bind("listening address", &server.listen, server.socket_mode, &server.channel).await?;
        let admin = sides::admins(&config).await?;
        let admin_addr = admin.as_ref().map(|listener| listener.addr().clone());
        let lasting = Lasting::new(&config, state, (fetch, (audit, settings), telemetry), admin_addr)?;
        let current =
            Current::new(Assembly::first((Arc::clone(&config), &node.config_hash), &lasting, rights)?);
        let looked_at = current.clone();
        lasting.telemetry.watch(move || looked_at.load().verifier().status(), &lasting.audit);
        let looked_at = current.clone();
        lasting.telemetry.watch_probes(move || looked_at.load().probing.status());
        let watchers = sides::watchers(&config, &lasting.telemetry, (&current, &lasting.audit)).await?;
        let admin = admin.map(|listener| Side {
            listener,
            manners: Manners::aside(Role::Admin, server, &lasting.telemetry),
            stack: current.admins(),
        });
        let upkeep = Upkeep { current: current.clone(), webhook };
        upkeep.prepare().await;
        Ok(Self {
            data: Side {
                listener,
                manners: Manners::of(server, &lasting.telemetry),
                stack: current.callers(),
            },
            lasting: Arc::new(lasting),
            admin,
            watchers,
            current,
            shipping,
            retention,
            upkeep,
            reload,
        })
    }

    /// Where the gateway listens.
    #[must_use]
    pub fn addr(&self) -> &Listen {
        self.data.listener.addr()
    }

    /// Where administrators are listened to, if they are.
    #[must_use]
    pub fn admin_addr(&self) -> Option<&Listen> {
        self.admin.as_ref().map(|admin| admin.listener.addr())
    }

    /// Where metrics may be read, if they may.
    #[must_use]
    pub fn telemetry_addr(&self) -> Option<&Listen> {
        self.watchers.as_ref().map(|watchers| watchers.listener.addr())
    }

    /// The directory the gateway keeps its state in.
    #[must_use]
    pub fn state_dir(&self) -> &std::path::Path {
        self.lasting.state.path()
    }

    /// Prints the text of every answer on the terminal.
    #[cfg(feature = "dev")]
    pub(crate) fn watch(&mut self) {
        use http_body_util::BodyExt;
        let stack = self.data.stack.clone();
        self.data.stack = Stack::of(move |request| {
            let answer = stack.serve(request);
            Box::pin(
                async move { Ok(answer.await?.map(|body| crate::dev::Transcript::new(body).boxed_unsync())) },
            )
        });
    }

    /// Serves until `stop` is ready, lets running answers finish (or breaks them off when `stop` is ready again),
    /// closes the audit log, and gives who is sent its records a moment to take the last of them.
    pub async fn serve<S: Future<Output = ()>>(self, stop: impl Fn() -> S) {
        let mut shipping = JoinSet::new();
        shipping.spawn(self.shipping.run());
        let (stopped, never) = (CancellationToken::new(), CancellationToken::new());
        let serving = async {
            let Side { listener, manners, stack } = self.data;
            let drain = || self.current.load().config.server.drain;
            server::serve((listener, manners), stack, stop, drain).await;
            stopped.cancel();
        };
        let administered = async {
            let Some(admin) = self.admin else { return };
            let Side { listener, manners, stack } = admin;
            server::serve((listener, manners), stack, once(&stopped, &never), || SIDE_DRAIN).await;
        };
        let watched = async {
            let Some(watchers) = self.watchers else { return };
            let Side { listener, manners, stack } = watchers;
            server::serve((listener, manners), stack, once(&stopped, &never), || SIDE_DRAIN).await;
        };
        tokio::select! {
            _ = async { tokio::join!(serving, administered, watched) } => {}
            () = self.upkeep.run() => {}
            () = self.reload.run(&self.current, &self.lasting) => {}
        }
        let rights = self.current.load().rights.clone();
        rights.flush().await;
        rights.quotas.close().await;
        // Waits for the record that it is writing.
        let _ = tokio::task::spawn_blocking(|| drop(self.retention)).await;
        self.lasting.audit.close().await;
        shipping.join_next().await;
        self.lasting.telemetry.close().await;
    }
}

/// Tells a listener beside the first to stop, and never again, so that what runs there may finish.
fn once<'a>(
    stopped: &'a CancellationToken,
    never: &'a CancellationToken,
) -> impl Fn() -> WaitForCancellationFuture<'a> {
    let told = AtomicBool::new(false);
    move || if told.swap(true, Ordering::Relaxed) { never.cancelled() } else { stopped.cancelled() }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("addr", self.addr()).finish_non_exhaustive()
    }
}
