//! The store that nodes share, against a real Redis.

use std::sync::Arc;
use std::time::{Duration, Instant};

use attach_quota::store::{Charge, Denied, RedisStore, Settling};
use attach_quota::{Limit, Store};
use tokio::task::JoinHandle;

mod chaos;
mod deployments;
mod exact;
mod failures;
mod fake;
mod log;
mod raise;
pub(crate) mod server;
mod shares;
mod speed;
mod windows;

use self::server::{Proxy, RedisServer, free_port, program, skip};

/// Longer than any machine under load takes to do what is waited for.
const LONG: Duration = Duration::from_secs(30);

/// One node: a store with what runs beside it.
struct Node {
    store: RedisStore,
    beside: JoinHandle<()>,
}

impl Node {
    /// A node that waits long enough for a busy machine.
    fn new(url: &str) -> Self {
        Self::of(RedisStore::new(url, "test").unwrap().deadline(Duration::from_secs(5)))
    }

    fn of(store: RedisStore) -> Self {
        Self::with(store.heartbeat(Duration::from_millis(500)))
    }

    fn with(store: RedisStore) -> Self {
        let beside = store.clone();
        Self { store, beside: tokio::spawn(async move { beside.run().await }) }
    }

    /// A node of which the store was found up.
    async fn up(url: &str) -> Self {
        let node = Self::new(url);
        node.until("it is up", RedisStore::is_up).await;
        node
    }

    async fn reserve(&self, limit: &Arc<Limit>, amount: u64) -> Result<Charge, Denied> {
        let mut charges = [charge(limit, amount)];
        self.store.reserve(&mut charges).await.map(|()| {
            let [charge] = charges;
            charge
        })
    }

    fn settle(&self, mut charge: Charge, spent: u64) {
        charge.spend(spent);
        self.store.settle(&[charge], Settling::Last);
    }

    /// What is left, in Redis.
    async fn left(&self, limit: &Arc<Limit>) -> u64 {
        self.settled().await;
        let mut charges = [charge(limit, 1)];
        self.store.look(&mut charges).await.expect("the store answers");
        charges[0].standing().left
    }

    async fn used(&self, limit: &Arc<Limit>) -> u64 {
        limit.capacity() - self.left(limit).await
    }

    /// Until Redis knows everything that happened here.
    async fn settled(&self) {
        self.until("it is settled", |store| store.status().queued == 0).await;
    }

    async fn until(&self, what: &str, is: impl Fn(&RedisStore) -> bool) {
        let begin = Instant::now();
        while !is(&self.store) {
            assert!(begin.elapsed() < LONG, "never: {what}; {:?}", self.store);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends as a process does that is killed.
    fn die(&self) {
        self.beside.abort();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.die();
    }
}

fn charge(limit: &Arc<Limit>, amount: u64) -> Charge {
    Charge::of(limit, "alice", amount).expect("is for everybody")
}

/// Until `is` gives something.
async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, is: impl Fn() -> F) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = is().await {
            return found;
        }
        assert!(begin.elapsed() < LONG, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
