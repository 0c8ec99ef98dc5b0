//! From a configuration to a listening gateway, and back to nothing.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use attach_audit::Audit;
use attach_audit::egress::Egress;
use attach_audit::retention::Sweeping;
use attach_auth::dpop::Dpop;
use attach_auth::keys::{AdminKeys, AdminServices};
use attach_auth::metadata::ResourceMetadata;
use attach_auth::oidc::KeyFiles;
use attach_auth::policy::{Live, Rules};
use attach_auth::{IssuerConfig, OidcVerifier, Witness};
use attach_core::Fetch;
use attach_core::client::Client;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use crate::admin::AuditAdmin;
use crate::alerts::Webhook;
use crate::config::{Admin, Channel, Config, ConfigError, Listen};
use crate::front::Probes;
use crate::quotas::Quotas;
use crate::reload::Reload;
use crate::rights::Rights;
use crate::server::{Listener, Manners};
use crate::signals::Ground;
use crate::stack::{self, Stack};
use crate::state::StateDir;
use crate::telemetry::Telemetry;
use crate::upkeep::Upkeep;
use crate::upstream::Pseudonym;
use crate::witness::AuditWitness;
use crate::{admin, redact, server, trail};

/// How long a running request of another listener may take to finish after the gateway stopped.
const SIDE_DRAIN: Duration = Duration::from_secs(5);

/// A gateway that listens but does not serve yet.
pub struct Gateway {
    data: Side,
    admin: Option<Side>,
    watchers: Option<Side>,
    telemetry: Telemetry,
    audit: Audit,
    egress: Egress,
    retention: Option<Sweeping>,
    upkeep: Upkeep,
    reload: Reload,
    drain: Duration,
    state: StateDir,
}

/// A listener and what answers there.
struct Side {
    listener: Listener,
    manners: Manners,
    stack: Stack,
}

/// Why a gateway does not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// A setting makes no sense.
    Config(ConfigError),
    /// The machine said no; the text says to what.
    Io(&'static str, io::Error),
    /// The state store cannot be relied on; the text says why.
    State(Box<str>),
    /// The counts of quotas cannot be relied on; the text says why.
    Counts(Box<str>),
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
    pub async fn start(config: &Config) -> Result<Self, StartError> {
        let state = StateDir::open(config.state_dir.as_deref()).map_err(state_error)?;
        let node = trail::Node::of(config, &state)?;
        let telemetry = Telemetry::open(config, node.name.clone(), node.config_hash.clone())?;
        let fetch = fetch()?;
        let verifier = remembering(verifier(config, &fetch)?, &state)?;
        let webhook = config.alerts.clone().map(|alerts| Webhook::new(alerts, Arc::clone(&fetch)));
        let quotas = Quotas::open(config, &state, webhook.as_ref()).await?;
        let trail::Trail { audit, egress, retention } = trail::open(config, &state, &node)?;
        let witness: Arc<dyn Witness> = Arc::new(AuditWitness(audit.clone()));
        let rights = Rights::open(config, &state, Arc::clone(&witness), quotas).await?;
        let verifier = with_proofs(verifier, config, &rights)?;
        let policy = Live::new(Arc::clone(&config.rules));
        let reload = Reload::listen(config, policy.clone(), Arc::clone(&witness));
        let reload = reload.map_err(|e| StartError::Io("signals", e))?;
        let pseudonym = Pseudonym::new(&state.key("pseudonym.key").map_err(state_error)?);
        let receivers =
            Ground { config, rights: &rights, verifier: &verifier, witness: &witness, fetch: &fetch }
                .receivers()?;
        let auth = stack::auth(config, &verifier, &rights)?;
        let parts = stack::Parts {
            audit: audit.clone(),
            auth: auth.clone(),
            receivers: receivers.endpoint,
            keys: rights.keys.clone(),
            revocations: rights.revocations.clone(),
            policy: policy.clone(),
            redactor: redact::build(&config.redact)?,
            quota: rights.quotas.layer().clone(),
            pseudonym,
            probes: probes(config, &verifier, &audit, &rights)?,
            telemetry: telemetry.clone(),
        };
        telemetry.watch(&verifier, &audit);
        let watchers =
            watchers_listener(config, &telemetry, probes(config, &verifier, &audit, &rights)?).await?;
        let stack = stack::stack(config, parts).map_err(|e| StartError::Io("TLS", e))?;
        let server = &config.server;
        let listener = bind("listening address", &server.listen, server.socket_mode, &server.channel).await?;
        let data = Side { listener, manners: Manners::of(server), stack };
        let (mut verifiers, mut admin) = (vec![verifier], None);
        if let Some(settings) = &config.admin {
            let (verifier, witness) =
                (admin_verifier(config, settings, &fetch)?, AuditWitness(audit.clone()));
            let index = audit_index(config, &state, &audit);
            admin =
                Some(admin_listener((config, settings), (&verifier, witness), &rights, policy, index).await?);
            verifiers.push(verifier);
        }
        let upkeep = Upkeep { auth, verifiers, issuers: receivers.issuers, webhook, rights };
        upkeep.prepare().await;
        let drain = config.server.drain;
        Ok(Self { data, admin, watchers, telemetry, audit, egress, retention, upkeep, reload, drain, state })
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
        self.state.path()
    }

    /// Prints the text of every answer on the terminal.
    #[cfg(feature = "dev")]
    pub(crate) fn watch(&mut self) {
        use http_body_util::BodyExt;
        use tower::ServiceExt;
        let stack = self.data.stack.clone().map_response(|response: http::Response<stack::AnswerBody>| {
            response.map(|body| crate::dev::Transcript::new(body).boxed_unsync())
        });
        self.data.stack = Stack::new(stack);
    }

    /// Serves until `stop` is ready, lets running answers finish (or breaks them off when `stop` is ready again),
    /// closes the audit log, and gives who is sent its records a moment to take the last of them.
    pub async fn serve<S: Future<Output = ()>>(self, stop: impl Fn() -> S) {
        let (mut shipping, egress) = (JoinSet::new(), self.egress);
        shipping.spawn(async move { egress.run().await });
        let (stopped, never) = (CancellationToken::new(), CancellationToken::new());
        let serving = async {
            let Side { listener, manners, stack } = self.data;
            server::serve((listener, manners), stack, stop, self.drain).await;
            stopped.cancel();
        };
        let administered = async {
            let Some(admin) = self.admin else { return };
            let Side { listener, manners, stack } = admin;
            server::serve((listener, manners), stack, once(&stopped, &never), SIDE_DRAIN).await;
        };
        let watched = async {
            let Some(watchers) = self.watchers else { return };
            let Side { listener, manners, stack } = watchers;
            server::serve((listener, manners), stack, once(&stopped, &never), SIDE_DRAIN).await;
        };
        tokio::select! {
            _ = async { tokio::join!(serving, administered, watched) } => {}
            () = self.upkeep.run() => {}
            () = self.reload.run() => {}
        }
        self.upkeep.rights.flush().await;
        self.upkeep.rights.quotas.close().await;
        // Waits for the record that it is writing.
        let _ = tokio::task::spawn_blocking(|| drop(self.retention)).await;
        self.audit.close().await;
        shipping.join_next().await;
        self.telemetry.close().await;
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

async fn bind(
    what: &'static str,
    listen: &Listen,
    mode: u32,
    channel: &Channel,
) -> Result<Listener, StartError> {
    Listener::bind(listen, mode, channel).await.map_err(|e| StartError::Io(what, e))
}

/// What answers questions about the log, if the configuration has it.
fn audit_index(config: &Config, state: &StateDir, audit: &Audit) -> Option<AuditAdmin> {
    let (log, file) = (state.path().join("audit"), state.path().join(trail::INDEX));
    config.audit.index.then(|| AuditAdmin::start(audit.clone(), &log, file))
}

async fn admin_listener(
    (config, settings): (&Config, &Admin),
    (verifier, witness): (&OidcVerifier, AuditWitness),
    rights: &Rights,
    access: Live<Rules>,
    index: Option<AuditAdmin>,
) -> Result<Side, StartError> {
    let Admin { listen, socket_mode, channel, .. } = settings;
    let listener = bind("admin listening address", listen, *socket_mode, channel).await?;
    let parts = admin::Parts {
        audit: witness.0.clone(),
        verifier: verifier.clone(),
        rights: rights.clone(),
        access,
        witness: Arc::new(witness),
        more: ((rights.keys.clone().map(AdminKeys::new), rights.services().map(AdminServices::new)), index),
    };
    let stack = admin::stack(settings, listener.addr(), parts)?;
    Ok(Side { listener, manners: Manners::aside(&config.server), stack })
}

/// Where metrics are read, if the configuration says so.
async fn watchers_listener(
    config: &Config,
    telemetry: &Telemetry,
    probes: Probes,
) -> Result<Option<Side>, StartError> {
    let (Some(listen), Some(stack)) = (config.telemetry.listen, telemetry.stack(probes)) else {
        return Ok(None);
    };
    let listener = bind("telemetry listening address", &listen.into(), 0, &Channel::Clear).await?;
    Ok(Some(Side { listener, manners: Manners::aside(&config.server), stack }))
}

/// What fetches keys and metadata.
pub(crate) fn fetch() -> Result<Arc<dyn Fetch>, StartError> {
    Ok(Arc::new(Client::new().map_err(|e| StartError::Io("TLS", e))?))
}

/// The verifier `config` describes; nothing is fetched yet.
pub(crate) fn verifier(config: &Config, fetch: &Arc<dyn Fetch>) -> Result<OidcVerifier, StartError> {
    OidcVerifier::new(config.issuers.clone(), Arc::clone(fetch)).map_err(config_error)
}

/// Keeps key sets on disk, for a start while an issuer is away.
fn remembering(verifier: OidcVerifier, state: &StateDir) -> Result<OidcVerifier, StartError> {
    let jwks = state.folder("jwks").map_err(|e| StartError::Io("jwks folder", e))?;
    Ok(verifier.key_files(KeyFiles::new(jwks)))
}

/// Takes tokens that are bound to a key, if the gateway knows its own address, which their proofs are for.
fn with_proofs(verifier: OidcVerifier, config: &Config, rights: &Rights) -> Result<OidcVerifier, StartError> {
    let Some(url) = &config.server.external_url else { return Ok(verifier) };
    let dpop = Dpop::new(&url.to_string()).map_err(config_error)?;
    Ok(verifier.dpop(dpop.state(rights.state.clone())))
}

/// Of the same issuers, for administrators.
fn admin_verifier(
    config: &Config,
    settings: &Admin,
    fetch: &Arc<dyn Fetch>,
) -> Result<OidcVerifier, StartError> {
    let audience = || [settings.audience.clone()];
    let issuers = config.issuers.iter().cloned().map(|issuer| issuer.for_audiences(audience()));
    OidcVerifier::new(issuers.collect(), Arc::clone(fetch)).map_err(config_error)
}

fn state_error(error: io::Error) -> StartError {
    StartError::Io("state directory", error)
}

fn config_error(error: impl fmt::Display) -> StartError {
    StartError::Config(ConfigError::new(error.to_string()))
}

fn probes(
    config: &Config,
    verifier: &OidcVerifier,
    audit: &Audit,
    rights: &Rights,
) -> Result<Probes, StartError> {
    let (verifier, audit, rights) = (verifier.clone(), audit.clone(), rights.clone());
    let stale = config.revocation.stale;
    let ready = move || {
        audit.is_ready() && rights.is_known(stale) && verifier.status().iter().any(|status| status.ready)
    };
    Ok(Probes { ready: Box::new(ready), metadata: metadata(config)? })
}

/// RFC 9728, if the gateway knows its own address.
fn metadata(config: &Config) -> Result<Option<ResourceMetadata>, StartError> {
    let Some(url) = &config.server.external_url else { return Ok(None) };
    let issuers = || config.issuers.iter();
    let metadata = ResourceMetadata::new(&url.to_string()).map_err(config_error)?;
    let scopes = issuers().flat_map(|issuer| issuer.scopes().collect::<Vec<_>>());
    Ok(Some(metadata.authorization_servers(issuers().map(IssuerConfig::issuer)).scopes(scopes).dpop()))
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Io(what, error) => write!(f, "{what}: {error}"),
            Self::State(why) => write!(f, "state store: {why}"),
            Self::Counts(why) => write!(f, "counts of quotas: {why}"),
        }
    }
}

impl std::error::Error for StartError {}

impl From<ConfigError> for StartError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("addr", self.addr()).finish_non_exhaustive()
    }
}
