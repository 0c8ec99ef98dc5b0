use std::sync::Arc;

use attach_audit::Audit;
use attach_auth::Witness;
use attach_core::Fetch;

use super::StartError;
use crate::admin::AuditAdmin;
use crate::config::{Config, Listen};
use crate::front::{Memory, Running};
use crate::state::StateDir;
use crate::telemetry::Telemetry;
use crate::trail;
use crate::upstream::Pseudonym;
use crate::witness::AuditWitness;

/// What lives as long as the process does, whatever the configuration becomes. The state, the counts and the key rings
/// are handed on from one [`Assembly`](super::Assembly) to the next.
pub(crate) struct Lasting {
    pub(super) state: StateDir,
    pub(super) fetch: Arc<dyn Fetch>,
    pub(super) audit: Audit,
    /// Where its records go, and how long they are kept.
    pub(super) trail: trail::Settings,
    pub(crate) witness: Arc<dyn Witness>,
    pub(crate) telemetry: Telemetry,
    pub(super) pseudonym: Pseudonym,
    pub(super) running: Running,
    pub(super) memory: Memory,
    /// Of placeholders, where the configuration names none.
    pub(super) redact_key: [u8; 32],
    /// Where administrators are listened to, and what answers their questions about the log.
    pub(super) admin: Option<(Listen, Option<Arc<AuditAdmin>>)>,
}

impl Lasting {
    pub(super) fn new(
        config: &Config,
        state: StateDir,
        (fetch, (audit, trail), telemetry): (Arc<dyn Fetch>, (Audit, trail::Settings), Telemetry),
        admin: Option<Listen>,
    ) -> Result<Self, StartError> {
        let key = state.key("pseudonym.key").map_err(|e| StartError::Io("state directory", e))?;
        let mut redact_key = [0; 32];
        let filled = aws_lc_rs::rand::fill(&mut redact_key);
        filled.map_err(|_| StartError::Io("key of placeholders", std::io::Error::other("no randomness")))?;
        let index = || audit_index(config, &state, &audit).map(Arc::new);
        let admin = admin.map(|addr| (addr, index()));
        Ok(Self {
            witness: Arc::new(AuditWitness(audit.clone())),
            pseudonym: Pseudonym::new(&key),
            running: Running::default(),
            memory: Memory::new(config.server.max_buffered),
            state,
            fetch,
            audit,
            trail,
            telemetry,
            redact_key,
            admin,
        })
    }

    /// This configuration is in force, by whose hash records and metrics name it.
    pub(crate) fn configured(&self, config: &Config, hash: &str) {
        self.audit.configured(hash);
        self.trail.follow(&config.audit);
        self.telemetry.reloaded(Some(hash));
    }
}

/// What answers questions about the log, if the configuration has it.
fn audit_index(config: &Config, state: &StateDir, audit: &Audit) -> Option<AuditAdmin> {
    let (log, file) = (state.path().join("audit"), state.path().join(trail::INDEX));
    config.audit.index.then(|| AuditAdmin::start(audit.clone(), &log, file))
}
