//! From a configuration to a listening gateway, and back to nothing.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use attach_audit::log::Options;
use attach_audit::{Audit, Log};
use attach_auth::metadata::ResourceMetadata;
use attach_auth::oidc::KeyFiles;
use attach_auth::policy::Live;
use attach_auth::{IssuerConfig, OidcVerifier};
use attach_core::client::Client;
use attach_quota::QuotaLayer;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use crate::config::{Config, ConfigError};
use crate::front::Probes;
use crate::hex::hex;
use crate::reload::Reload;
use crate::stack::{self, Stack};
use crate::state::StateDir;
use crate::upstream::Pseudonym;
use crate::{redact, server};

/// How often issuers whose metadata or keys are due are asked, and idle quota entries are dropped.
const UPKEEP: Duration = Duration::from_secs(5);

/// A gateway that listens but does not serve yet.
pub struct Gateway {
    listener: TcpListener,
    addr: SocketAddr,
    stack: Stack,
    audit: Audit,
    verifier: OidcVerifier,
    quota: QuotaLayer,
    reload: Reload,
    drain: Duration,
    state: StateDir,
}

/// Why a gateway does not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// A setting makes no sense.
    Config(ConfigError),
    /// The machine said no; the text says to what.
    Io(&'static str, io::Error),
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
        let state =
            StateDir::open(config.state_dir.as_deref()).map_err(|e| StartError::Io("state directory", e))?;
        let keys = state.folder("jwks").map_err(|e| StartError::Io("jwks folder", e))?;
        let verifier = verifier(config)?.key_files(KeyFiles::new(keys));
        let quota = QuotaLayer::new(config.limits.clone());
        let audit = open_audit(config, &state)?;
        let policy = Live::new(Arc::clone(&config.rules));
        let reload = Reload::listen(config, policy.clone()).map_err(|e| StartError::Io("signals", e))?;
        let pseudonym = state.key("pseudonym.key").map_err(|e| StartError::Io("state directory", e))?;
        let parts = stack::Parts {
            audit: audit.clone(),
            verifier: verifier.clone(),
            policy,
            redactor: redact::build(&config.redact)?,
            quota: quota.clone(),
            pseudonym: Pseudonym::new(&pseudonym),
            probes: probes(config, &verifier, &audit)?,
        };
        let stack = stack::stack(config, parts).map_err(|e| StartError::Io("TLS", e))?;
        let listener = TcpListener::bind(config.server.listen)
            .await
            .map_err(|e| StartError::Io("listening address", e))?;
        let addr = listener.local_addr().map_err(|e| StartError::Io("listening address", e))?;
        verifier.refresh().await;
        for status in verifier.status() {
            if let Some(problem) = &status.problem {
                tracing::warn!(issuer = %status.issuer, %problem, "issuer not ready; its tokens are answered 503 until it is");
            }
        }
        Ok(Self { listener, addr, stack, audit, verifier, quota, reload, drain: config.server.drain, state })
    }

    /// Where the gateway listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
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
        let stack = self.stack.clone().map_response(|response: http::Response<stack::AnswerBody>| {
            response.map(|body| crate::dev::Transcript::new(body).boxed_unsync())
        });
        self.stack = Stack::new(stack);
    }

    /// Serves until `stop` is ready, lets running answers finish (or breaks them off when `stop` is ready again), and
    /// closes the audit log.
    pub async fn serve<S: Future<Output = ()>>(self, stop: impl Fn() -> S) {
        let (verifier, quota) = (self.verifier, self.quota);
        let upkeep = async move {
            loop {
                tokio::time::sleep(UPKEEP).await;
                verifier.refresh().await;
                quota.sweep();
            }
        };
        let serving = server::serve(self.listener, self.stack, stop, self.drain);
        tokio::select! {
            () = serving => {}
            () = upkeep => {}
            () = self.reload.run() => {}
        }
        self.audit.close().await;
    }
}

/// The verifier `config` describes; nothing is fetched yet.
pub(crate) fn verifier(config: &Config) -> Result<OidcVerifier, StartError> {
    let fetch = Client::new().map_err(|e| StartError::Io("TLS", e))?;
    OidcVerifier::new(config.issuers.clone(), Arc::new(fetch)).map_err(config_error)
}

fn config_error(error: impl fmt::Display) -> StartError {
    StartError::Config(ConfigError::new(error.to_string()))
}

fn open_audit(config: &Config, state: &StateDir) -> Result<Audit, StartError> {
    let folder = state.folder("audit").map_err(|e| StartError::Io("audit folder", e))?;
    let options = Options::new(node_name())
        .build(concat!("attach-gateway/", env!("CARGO_PKG_VERSION")))
        .config_hash(config_hash(config))
        .tee_stdout(config.audit.stdout);
    let options = protections_off(config).into_iter().fold(options, Options::without);
    let log = Log::open(&folder, options).map_err(|e| StartError::Io("audit log", e))?;
    Ok(Audit::new(log).mode(config.audit.mode))
}

/// What an auditor has to know about this start.
fn protections_off(config: &Config) -> Vec<&'static str> {
    let mut off = Vec::new();
    if !config.redact.enabled {
        off.push("redaction");
    }
    if config.limits.is_empty() {
        off.push("quota");
    }
    if config.rules.is_shadow() {
        off.push("model policy: access.shadow, rules are recorded and not enforced");
    }
    if config.source == crate::config::Source::Environment {
        off.push("model policy: every authenticated caller may use every model");
    }
    off
}

fn config_hash(config: &Config) -> String {
    let mut digest = Sha256::new().chain_update(config.describe());
    for (_, terms) in &config.redact.terms {
        terms.iter().for_each(|term| digest.update(term));
    }
    hex(&digest.finalize())
}

fn node_name() -> String {
    let read = |path| std::fs::read_to_string(path).ok().map(|name| name.trim().to_owned());
    read("/proc/sys/kernel/hostname").filter(|name| !name.is_empty()).unwrap_or_else(|| "node".into())
}

fn probes(config: &Config, verifier: &OidcVerifier, audit: &Audit) -> Result<Probes, StartError> {
    let (verifier, audit) = (verifier.clone(), audit.clone());
    let ready = move || audit.is_ready() && verifier.status().iter().any(|status| status.ready);
    Ok(Probes { ready: Box::new(ready), metadata: metadata(config)? })
}

/// RFC 9728, if the gateway knows its own address.
fn metadata(config: &Config) -> Result<Option<ResourceMetadata>, StartError> {
    let Some(url) = &config.server.external_url else { return Ok(None) };
    let issuers = || config.issuers.iter();
    let metadata = ResourceMetadata::new(&url.to_string()).map_err(config_error)?;
    let scopes = issuers().flat_map(|issuer| issuer.scopes().collect::<Vec<_>>());
    Ok(Some(metadata.authorization_servers(issuers().map(IssuerConfig::issuer)).scopes(scopes)))
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Io(what, error) => write!(f, "{what}: {error}"),
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
        f.debug_struct("Gateway").field("addr", &self.addr).finish_non_exhaustive()
    }
}
