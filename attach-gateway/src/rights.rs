//! What callers' rights are kept in: facts about who lost theirs, gateway keys, provisioned users, exceptions from limits.

use std::sync::Arc;
use std::time::Duration;

use attach_auth::keys::{KeyIndex, KeySettings, Keys, Services};
use attach_auth::revocation::FactIndex;
use attach_auth::signals::Provisioned;
use attach_auth::state::{Health, Lost, Redis, Sqlite, State, Table, View};
use attach_auth::{Revocations, Witness};

use crate::callers::Granted;
use crate::config::Config;
use crate::quotas::Quotas;
use crate::run::StartError;
use crate::state::StateDir;

/// How long a token lives at most, unless its issuer's settings say otherwise, with some to spare.
const TOKENS: Duration = Duration::from_secs(48 * 60 * 60);

/// The file of a node's own state.
pub(crate) const FILE: &str = "state.db";

/// The one state of a gateway, on this node or shared by many, and what is read from it.
#[derive(Debug, Clone)]
pub(crate) struct Rights {
    pub(crate) state: State,
    /// Where the state is, if nodes share it.
    pub(crate) redis: Option<Redis>,
    pub(crate) revocations: Revocations,
    pub(crate) provisioned: Provisioned,
    pub(crate) granted: Granted,
    pub(crate) keys: Option<Keys>,
    pub(crate) quotas: Quotas,
    index: KeyIndex,
    witness: Arc<dyn Witness>,
    /// For how long facts are kept, and relied on while their store is down.
    kept: (Duration, Duration),
}

impl Rights {
    /// Opens the state. A gateway that cannot know who lost their rights does not start.
    pub(crate) async fn open(
        config: &Config,
        dir: &StateDir,
        witness: Arc<dyn Witness>,
        quotas: Quotas,
    ) -> Result<Self, StartError> {
        let (facts, keys, provisioned) = (FactIndex::new(), KeyIndex::new(), Provisioned::new());
        let mut views: Vec<(Table, Arc<dyn View>)> =
            vec![(Table::FACTS, Arc::new(facts.clone())), (Table::KEYS, Arc::new(keys.clone()))];
        views.extend(provisioned.views());
        views.push(quotas.view());
        let redis = redis(config, dir);
        let state = open(redis.clone(), dir, views).await?;
        let revocations = Revocations::new(state.clone(), facts);
        let granted = Granted::new(config, provisioned.clone());
        let (index, kept) = (keys, (Duration::ZERO, Duration::ZERO));
        let rights = Self {
            state,
            redis,
            revocations,
            provisioned,
            granted,
            keys: None,
            quotas,
            index,
            witness,
            kept,
        };
        Ok(rights.under(config))
    }

    /// The same state under another configuration. The limits of `config` are [to be entered](Quotas::enter) when it comes
    /// into force.
    pub(crate) fn reconfigured(&self, config: &Config) -> Self {
        Self { quotas: self.quotas.reconfigured(config), ..self.clone() }.under(config)
    }

    /// Whether facts are kept and relied on for as long as by `other`.
    pub(crate) fn keeps_like(&self, other: &Self) -> bool {
        self.kept == other.kept
    }

    fn under(mut self, config: &Config) -> Self {
        self.kept = (keep(config), config.revocation.stale);
        self.revocations = self.revocations.keep(self.kept.0).stale(self.kept.1);
        self.granted = Granted::new(config, self.provisioned.clone());
        self.keys = config.keys.map(|_| {
            Keys::new(self.state.clone(), self.index.clone(), settings(config))
                .witness(Arc::clone(&self.witness))
                .revocations(self.revocations.clone())
        });
        self
    }

    /// Service identities, where there are keys for them.
    pub(crate) fn services(&self) -> Option<Services> {
        self.keys.clone().map(Services::new)
    }

    /// Whether it is known who lost their rights.
    pub(crate) fn is_known(&self, stale: Duration) -> bool {
        match self.state.health() {
            Health::Up => true,
            Health::Down { since, .. } => since <= stale,
            _ => false,
        }
    }

    /// Writes down what happened to keys since the last time.
    pub(crate) async fn flush(&self) {
        let Some(keys) = &self.keys else { return };
        if let Err(error) = keys.flush().await {
            tracing::warn!(%error, "the use of keys is not written down yet");
        }
    }
}

/// The store that nodes share, if they do. It remembers in the state directory what it knows of it: a restart must not
/// make a loss unseen.
pub(crate) fn redis(config: &Config, dir: &StateDir) -> Option<Redis> {
    config.redis.clone().map(|redis| redis.remember(dir.path()))
}

async fn open(
    redis: Option<Redis>,
    dir: &StateDir,
    views: Vec<(Table, Arc<dyn View>)>,
) -> Result<State, StartError> {
    let lost = |lost: Lost| StartError::State(lost.to_string().into());
    match redis {
        Some(_) if dir.path().join(FILE).exists() => Err(StartError::State(
            "the state directory has a state.db of this node alone, whose revocations and keys Redis does not know; run \
             `attach-gateway state import`, or remove the file"
                .into(),
        )),
        Some(redis) => State::open(redis, views).await.map_err(|why| {
            let hint = "; if it will not come back, `attach-gateway state adopt` takes it as it is";
            let hint = if matches!(why, Lost::Reset(_)) { hint } else { "" };
            StartError::State(format!("Redis: {why}{hint}").into())
        }),
        None => State::open(Sqlite::open(dir.path()).await.map_err(lost)?, views).await.map_err(lost),
    }
}

/// A *not before* has to outlive everything that it could still meet.
fn keep(config: &Config) -> Duration {
    let tokens = config.issuers.iter().map(|issuer| issuer.longest_lifetime() * 2).max().unwrap_or(TOKENS);
    let keys = config.keys.map_or(Duration::ZERO, |keys| keys.max_lifetime);
    tokens.max(keys).max(TOKENS)
}

fn settings(config: &Config) -> KeySettings {
    let settings = KeySettings::new().stale(config.revocation.stale);
    match config.keys {
        None => settings,
        Some(keys) => settings
            .max_lifetime(keys.max_lifetime)
            .max_unconfirmed(keys.max_unconfirmed)
            .per_owner(keys.per_owner)
            .service_idle(keys.max_idle),
    }
}
