use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use tokio::sync::OnceCell;

use super::backend::{Backend, Batch, Feed, Lost, Snapshot};
use super::{Change, CommitError, Row};
use crate::ConfigError;
use crate::hex::hex;

mod commit;
mod follow;
mod known;
mod link;
mod load;
mod scripts;
mod wire;

use self::known::Known;
use self::link::Link;

/// Rows in Redis (5 or later) or Valkey, for any number of nodes.
///
/// Every commit is one script: the expectations, the rows, the sequence number and the log that the nodes follow
/// change together or not at all. A node knows the store again by its epoch, its sequence number and the chain of
/// its last commits; a store that was emptied, restored from a backup or taken over by a replica without the last
/// commits is [`Lost::Reset`] to it, for as long as it lasts, and never "no rows". What it can then be told:
/// [`reseed`](Self::reseed) and [`adopt`](Self::adopt).
///
/// All keys begin with `{attach:NAME}:state:`, so that they are in one slot. Redirections of a cluster are not
/// followed: give it the primary that has the slot, or an address that leads there. The store must not evict
/// (`maxmemory-policy noeviction`) and ought to write to disk (`appendonly yes`). Needs a tokio runtime with time.
///
/// Clones share connections.
#[derive(Clone)]
pub struct Redis {
    settings: Arc<Settings>,
    shared: Arc<Shared>,
}

#[derive(Clone)]
struct Settings {
    keys: [String; 4],
    deadline: Duration,
    min_replicas: u32,
    file: Option<PathBuf>,
    name: String,
}

struct Shared {
    commands: Link,
    feed: Link,
    known: Mutex<Known>,
    remembered: OnceCell<()>,
}

impl Redis {
    /// The store at `url` (`redis://[user:password@]host[:port][/db]`) that nodes call `name`.
    ///
    /// # Errors
    ///
    /// When the URL makes no sense; nothing is connected yet.
    pub fn new(url: &str, name: &str) -> Result<Self, ConfigError> {
        // The error is not shown: it might quote a password.
        let client = redis::Client::open(url)
            .map_err(|_| ConfigError::new("the URL of the state store has to be redis://host:port/db"))?;
        let key = |part| format!("{{attach:{name}}}:state:{part}");
        let settings = Settings {
            keys: [key("meta"), key("rows"), key("ends"), key("log")],
            deadline: Duration::from_secs(1),
            min_replicas: 0,
            file: None,
            name: name.to_owned(),
        };
        let shared = Shared {
            commands: Link::new(client.clone()),
            feed: Link::new(client),
            known: Mutex::default(),
            remembered: OnceCell::new(),
        };
        Ok(Self { settings: Arc::new(settings), shared: Arc::new(shared) })
    }

    /// How long an answer is waited for; a second unless set. Loading everything may take ten times that.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        Arc::make_mut(&mut self.settings).deadline = deadline;
        self
    }

    /// How many replicas must have a commit before it is acknowledged (`WAIT`); none unless set.
    #[must_use]
    pub fn min_replicas(mut self, count: u32) -> Self {
        Arc::make_mut(&mut self.settings).min_replicas = count;
        self
    }

    /// Keeps what is known of the store in a small file in `directory`, so that a node that is started again
    /// notices too that the store is not what it was. Without it, a node that starts trusts what it finds.
    #[must_use]
    pub fn remember(mut self, directory: impl AsRef<Path>) -> Self {
        let name: String =
            self.settings.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let file = directory.as_ref().join(format!("state-redis-{name}.json"));
        Arc::make_mut(&mut self.settings).file = Some(file);
        self
    }

    /// Takes the store as it is from now on, whatever became of what it acknowledged before: an operator's decision
    /// after a loss, for when nothing better is left. Nodes that are running and knew the store follow.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn adopt(&self) -> Result<(), Lost> {
        self.renew(None).await
    }

    /// Replaces what the store holds by `rows`, those of a node that was running all along
    /// ([`State::rows`](super::State::rows)): an operator's decision after a loss. Of several nodes the one with the
    /// latest commits is the one to ask. Nodes that are running and knew the store follow.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn reseed(&self, rows: &[Row]) -> Result<(), Lost> {
        self.renew(Some(rows)).await
    }

    fn prepare<'a>(&self, script: &'a redis::Script) -> redis::ScriptInvocation<'a> {
        let mut call = script.prepare_invoke();
        for key in &self.settings.keys {
            call.key(key);
        }
        call
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.shared.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name that nobody else has given to anything.
fn fresh_name() -> Result<String, Lost> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Lost::Unreachable("no randomness".into()))?;
    Ok(hex(&bytes))
}

impl Backend for Redis {
    fn load(&self) -> Feed<Result<Snapshot, Lost>> {
        let this = self.clone();
        Box::pin(async move { this.load_all().await })
    }

    fn commit(&self, changes: Vec<Change>) -> Feed<Result<u64, CommitError>> {
        let this = self.clone();
        Box::pin(async move { this.commit_all(&changes).await })
    }

    fn follow(&self, after: u64) -> Feed<Result<Vec<Batch>, Lost>> {
        let this = self.clone();
        Box::pin(async move { this.follow_from(after).await })
    }

    fn is_watched(&self) -> bool {
        true
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("name", &self.settings.name).finish_non_exhaustive()
    }
}
