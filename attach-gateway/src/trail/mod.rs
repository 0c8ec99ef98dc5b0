//! The audit log of this gateway, and what its `start` record says about it.

use std::io;

use attach_audit::checkpoint::Signer;
use attach_audit::log::Options;
use attach_audit::retention::{Bounds, Sweeping};
use attach_audit::{Audit, Log};
use attach_quota::Action;
use sha2::{Digest, Sha256};

use crate::config::{self, Config};
use crate::hex::hex;
use crate::run::StartError;
use crate::state::StateDir;

mod content;
mod egress;
mod node;
mod retention;
mod shipping;

pub(crate) use self::node::Node;
pub(crate) use self::shipping::{Receivers, Shipping};

/// The file in the state directory with the key that signs checkpoints.
pub(crate) const KEY: &str = "audit.key";

/// The file in the state directory with the log's index.
pub(crate) const INDEX: &str = "audit-index.db";

/// The log, and what goes on beside it.
pub(crate) struct Trail {
    pub(crate) audit: Audit,
    pub(crate) shipping: Shipping,
    pub(crate) retention: Sweeping,
    pub(crate) settings: Settings,
}

/// What a file that is read again may change. Clones are the same.
#[derive(Clone)]
pub(crate) struct Settings {
    receivers: Receivers,
    bounds: Bounds,
}

impl Settings {
    /// Records go where `audit` says, and are kept as long as it says.
    pub(crate) fn follow(&self, audit: &config::Audit) {
        self.receivers.follow(audit);
        self.bounds.set(audit.keep, audit.disk_alert);
    }
}

/// Whether records can be sent where `audit` says.
///
/// # Errors
///
/// When a receiver makes no sense in a way that shows only here.
pub(crate) fn check(audit: &config::Audit) -> Result<(), StartError> {
    egress::check(audit).map_err(|e| StartError::Io("audit egress", e))
}

/// Opens the log in the state directory.
pub(crate) fn open(config: &Config, state: &StateDir, node: &Node) -> Result<Trail, StartError> {
    let folder = state.folder("audit").map_err(|e| StartError::Io("audit folder", e))?;
    let options = Options::new(&*node.name)
        .build(concat!("attach-gateway/", env!("CARGO_PKG_VERSION")))
        .config_hash(&*node.config_hash)
        .egress(!config.audit.egress.is_empty())
        .segment_age(config.audit.segment_age)
        .patience(config.audit.patience);
    let options = protections_off(config).into_iter().fold(options, Options::without);
    let options = if config.audit.sign { options.signer(signer(state, &node.name)?) } else { options };
    let log = Log::open(&folder, options).map_err(|e| StartError::Io("audit log", e))?;
    let wrong = |e| StartError::Io("audit egress", e);
    let tail = log.tail().ok_or_else(|| wrong(io::Error::other("the log is in no directory")))?;
    let contents = content::contents(config, state, &folder);
    let contents = contents.map_err(|e| StartError::Io("store of content", e))?;
    let audit = Audit::new(log).mode(config.audit.mode).contents(contents);
    let (shipping, receivers) =
        Shipping::open(tail.clone(), folder, audit.clone(), &config.audit).map_err(wrong)?;
    let retention = retention::start(&config.audit, &audit, tail, shipping.shipped())?;
    let settings = Settings { receivers, bounds: retention.bounds() };
    Ok(Trail { audit, shipping, retention, settings })
}

/// The key of this state directory, made when it is needed first.
fn signer(state: &StateDir, node: &str) -> Result<Signer, StartError> {
    let plain = |c: char| if c == '+' || c.is_whitespace() || c.is_control() { '_' } else { c };
    let name: String = format!("attach/{node}").chars().map(plain).collect();
    let signer = Signer::open(&state.path().join(KEY), &name).map_err(|e| StartError::Io("audit key", e))?;
    tracing::info!(key = %signer.verifier_key(), "the audit log's checkpoints are signed");
    Ok(signer)
}

/// What an auditor has to know about this start.
pub(crate) fn protections_off(config: &Config) -> Vec<&'static str> {
    let mut off = Vec::new();
    if !config.redact.enabled {
        off.push("redaction");
    } else if config.redact.engines.iter().any(|engine| engine.open) {
        off.push("redaction: calls go on while a redact.engine is down");
    }
    if config.limits.is_empty() {
        off.push("quota");
    } else if config.limits.iter().all(|limit| limit.on_exceed() == Action::Shadow) {
        off.push("quota: every limit is in shadow, calls are counted and not refused");
    }
    if config.rules.is_shadow() {
        off.push("model policy: access.shadow, rules are recorded and not enforced");
    }
    if config.source == config::Source::Environment {
        off.push("model policy: every authenticated caller may use every model");
    }
    off
}

/// Identifies a configuration without showing it.
pub(crate) fn config_hash(config: &Config) -> String {
    let mut digest = Sha256::new().chain_update(config.describe());
    // The description leaves out what few ask about. A table's debug form is in the order of its keys. Nodes with one
    // file have one hash, whatever they are called.
    let mut written = config.written.clone();
    if let Some(audit) = written.get_mut("audit").and_then(toml::Value::as_table_mut) {
        audit.remove("node");
    }
    digest.update(format!("{written:?}"));
    for (_, terms) in &config.redact.terms {
        terms.iter().for_each(|term| digest.update(term));
    }
    config.redact.exempt.iter().for_each(|value| digest.update(value));
    hex(&digest.finalize())
}
