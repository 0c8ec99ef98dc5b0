use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, Notify};
use tokio::time::timeout;

use super::{Charge, Denied, Flushed, MemoryStore, Reserving, Settling, Store};

mod address;
mod alone;
mod ask;
mod breaker;
mod delta;
mod link;
mod outbox;
mod raise;
mod run;
mod scripts;
mod slot;
mod table;
mod telemetry;

use self::address::Address;
pub use self::address::RedisUrlError;
use self::ask::Offset;
use self::breaker::Breaker;
use self::link::Link;
use self::outbox::Outbox;
pub use self::raise::{Counted, Raised};
use self::table::Table;

/// Counts that any number of nodes share, in Redis (6.0 or later) or Valkey.
///
/// All charges of a call are booked in one step of the store, or none; rates go by its clock. What calls came to is
/// settled a moment later, in parcels that are applied exactly once whatever becomes of their answers. A reservation
/// whose answer was lost is taken back. While the store does not answer within the [deadline](Self::deadline), each
/// limit does what its [`WhenDown`](crate::WhenDown) says: refuses, gives this node's share (the limit divided by
/// the nodes that were last alive), or lets pass; what was used meanwhile is booked when the store is back.
///
/// ```no_run
/// use attach_quota::store::RedisStore;
/// use attach_quota::{Limit, QuotaLayer, Rate};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let store = RedisStore::new("rediss://quota:secret@redis.example", "production")?;
/// let beside = store.clone();
/// tokio::spawn(async move { beside.run().await });
/// let layer = QuotaLayer::new(vec![Limit::tokens("tpm", Rate::per_minute(60_000))]).store(store);
/// # let _ = layer;
/// # Ok(())
/// # }
/// ```
///
/// | URL | |
/// |---|---|
/// | `redis://[user:password@]host[:port][/db]` | one server, or an address that leads to it |
/// | `redis-cluster://[user:password@]host:port[,host:port…]` | a cluster, by some of its nodes |
/// | `redis-sentinel://[user:password@]host:port[,host:port…]/SERVICE[/db]` | what the sentinels there call `SERVICE`; they are asked without a password |
/// | `rediss://…`, `rediss-cluster://…`, `rediss-sentinel://…` | the same with TLS |
///
/// All keys of one deployment begin with `{attach:NAME}:q1:`, in one slot of a cluster, and every key expires. Buckets
/// are named by a digest; no id is in clear. Needs a tokio runtime with time.
///
/// Clones share everything.
#[derive(Clone)]
pub struct RedisStore {
    timing: Timing,
    address: Address,
    shared: Arc<Shared>,
}

#[derive(Debug, Clone, Copy)]
struct Timing {
    deadline: Duration,
    heartbeat: Duration,
}

impl Timing {
    /// Three heartbeats missed.
    fn dead_after(self) -> Duration {
        self.heartbeat.saturating_mul(3)
    }
}

struct Shared {
    name: String,
    node: String,
    prefix: String,
    /// Those of the nodes, of this node's reservations, and of the number of its last parcel.
    keys: [String; 3],
    /// Reserves: somebody waits for it.
    front: Link,
    /// Settles.
    back: Link,
    breaker: Breaker,
    offset: Offset,
    outbox: Outbox,
    table: Table,
    /// This node's shares, for when the store is down.
    memory: MemoryStore,
    nodes: AtomicU64,
    running: AtomicUsize,
    /// The store knew this node at some time.
    known: AtomicBool,
    sending: Mutex<()>,
    went_down: Notify,
    came_up: Notify,
}

/// How a [`RedisStore`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedisStatus {
    /// It answered in time when it was last asked.
    pub up: bool,
    /// The nodes that were alive at the last heartbeat, this one included.
    pub nodes: u64,
    /// Reservations of this node that have not ended.
    pub open: usize,
    /// Entries that wait to be settled.
    pub queued: usize,
}

impl RedisStore {
    /// The store at `url` of the nodes that are called `name` together. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// When the URL makes no sense, or `name` has other characters than letters, digits, `-`, `_` and `.`.
    pub fn new(url: &str, name: &str) -> Result<Self, RedisUrlError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || !name.chars().all(allowed) {
            return Err(address::NAME);
        }
        let address = Address::parse(url)?;
        let shared = Arc::new(Shared::new(&address, name, None)?);
        let timing = Timing { deadline: Duration::from_millis(50), heartbeat: Duration::from_secs(5) };
        Ok(Self { timing, address, shared })
    }

    /// Knows servers with TLS by these certificates (PEM) instead of those that the system trusts. To be set before
    /// anything is counted.
    ///
    /// # Errors
    ///
    /// When they are no certificates, or the URL is one without TLS.
    pub fn root_certificates(self, pem: &[u8]) -> Result<Self, RedisUrlError> {
        let shared = Arc::new(Shared::new(&self.address, &self.shared.name, Some(pem))?);
        Ok(Self { shared, ..self })
    }

    /// How long a reservation waits for the store; 50 ms unless set.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.timing.deadline = deadline;
        self
    }

    /// How often this node says that it lives; every 5 s unless set. A node that misses three is taken for dead, and
    /// what its calls held goes back. The same on every node.
    #[must_use]
    pub fn heartbeat(mut self, heartbeat: Duration) -> Self {
        self.timing.heartbeat = heartbeat;
        self
    }

    /// Whether the store answered in time when it was last asked: what a readiness check wants to know.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.shared.breaker.is_up()
    }

    /// How it is.
    #[must_use]
    pub fn status(&self) -> RedisStatus {
        RedisStatus {
            up: self.is_up(),
            nodes: self.shared.nodes.load(Ordering::Relaxed),
            open: self.shared.table.len(),
            queued: self.shared.outbox.len(),
        }
    }

    async fn reserve_anywhere(&self, charges: &mut [Charge]) -> Result<(), Denied> {
        let shared = &*self.shared;
        if charges.is_empty() {
            return Ok(());
        }
        // Where nobody runs beside the service, a call has to probe.
        let probing = shared.running.load(Ordering::Relaxed) == 0;
        if shared.breaker.lets_pass(probing) {
            match self.reserve_there(charges).await {
                Ok(decision) => return decision,
                Err(trouble) => self.failed(&trouble),
            }
        }
        self.reserve_alone(charges)
    }
}

impl Shared {
    fn new(address: &Address, name: &str, roots: Option<&[u8]>) -> Result<Self, RedisUrlError> {
        let (node, prefix) = (fresh_node(), format!("{{attach:{name}}}:q1:"));
        Ok(Self {
            name: name.to_owned(),
            keys: [format!("{prefix}nodes"), format!("{prefix}n:{node}"), format!("{prefix}s:{node}")],
            node,
            prefix,
            front: Link::new(address.target(roots)?),
            back: Link::new(address.target(roots)?),
            breaker: Breaker::new(),
            offset: Offset::default(),
            outbox: Outbox::new(),
            table: Table::new(),
            memory: MemoryStore::new(),
            nodes: AtomicU64::new(1),
            running: AtomicUsize::new(0),
            known: AtomicBool::new(false),
            sending: Mutex::const_new(()),
            went_down: Notify::new(),
            came_up: Notify::new(),
        })
    }
}

/// A name that no other node has: two hashes, each under 128 random bits.
fn fresh_node() -> String {
    let half = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", half(), half())
}

impl Store for RedisStore {
    fn reserve<'a>(&'a self, charges: &'a mut [Charge]) -> Reserving<'a> {
        Reserving::later(self.reserve_anywhere(charges))
    }

    /// Put into a queue; sent by [`run`](RedisStore::run).
    fn settle(&self, charges: &[Charge], settling: Settling) {
        self.shared.table.settle(charges, settling, &self.shared.memory, &self.shared.outbox);
    }

    fn look<'a>(&'a self, charges: &'a mut [Charge]) -> Reserving<'a> {
        Reserving::later(async move {
            let looking = !charges.is_empty() && self.shared.breaker.lets_pass(false);
            match (looking, charges.is_empty()) {
                (_, true) => Ok(()),
                (false, _) => Err(Denied::Unavailable),
                (true, _) => self.look_there(charges).await.map_err(|trouble| {
                    self.failed(&trouble);
                    Denied::Unavailable
                }),
            }
        })
    }

    /// Until Redis has what was settled so far, but no longer than the [deadline](RedisStore::deadline). Then the same
    /// caller's next call finds it there, on whatever node. Nothing to wait for while the store is down.
    fn flushed(&self) -> Option<Flushed> {
        let shared = &*self.shared;
        if !shared.breaker.is_up() || shared.running.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let (put, mut told) = shared.outbox.told()?;
        let deadline = self.timing.deadline;
        Some(Box::pin(async move {
            let _ = timeout(deadline, told.wait_for(|told| *told >= put)).await;
        }))
    }

    fn sweep(&self) {
        self.shared.memory.sweep();
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("name", &self.shared.name)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
