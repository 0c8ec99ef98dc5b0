//! The store with restarts, and a calendar that jumps.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::Runtime;

use super::*;
use crate::caller::Caller;
use crate::{Budget, Limit, Period, Rate};

mod model;

const DAY: u64 = 86_400;
/// A midnight, in 2027.
const MIDNIGHT: u64 = 20_800 * DAY;

/// A directory that goes when the test does.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // What a disk does is for other tests; this many restarts are quicker without one.
        let memory = PathBuf::from("/dev/shm");
        let parent = if memory.is_dir() { memory } else { std::env::temp_dir() };
        Self(parent.join(format!("attach-quota-unit-{}-{count}", std::process::id())))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A store that can be restarted, and the hand of its clock: seconds.
struct Bench {
    store: Option<SqliteStore>,
    now: Arc<AtomicU64>,
    directory: Directory,
    runtime: Runtime,
}

impl Bench {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let now = Arc::new(AtomicU64::new(MIDNIGHT));
        let mut bench = Self { store: None, now, directory: Directory::new(), runtime };
        bench.restart();
        bench
    }

    fn restart(&mut self) {
        self.store = None;
        for _ in 0..10_000 {
            let hand = Arc::clone(&self.now);
            let clock = move || Duration::from_secs(hand.load(Ordering::Relaxed));
            match self.runtime.block_on(SqliteStore::open_on(&self.directory.0, clock)) {
                Ok(store) => return self.store = Some(store),
                // The thread of the one before holds the file for a moment.
                Err(error) if error.to_string().contains("another process") => {
                    thread::sleep(Duration::from_millis(1));
                }
                Err(error) => panic!("{error}"),
            }
        }
        panic!("the file stays locked");
    }

    /// How many buckets are in memory, and how many rows on the disk.
    fn rows(&self) -> (usize, usize) {
        (self.store().0.memory.len(), self.store().0.ledger.len())
    }

    fn store(&self) -> &SqliteStore {
        self.store.as_ref().expect("open")
    }

    /// What was settled before was written before.
    fn set(&self, second: u64) {
        self.flush();
        self.now.store(second, Ordering::Relaxed);
    }

    fn reserve(&self, charges: &mut [Charge]) -> Result<(), Denied> {
        reserve(self.store(), charges)
    }

    fn settle(&self, charge: &mut Charge, spent: u64) {
        charge.spend(spent);
        self.store().settle(std::slice::from_ref(charge), Settling::Running);
        charge.settled();
    }

    fn flush(&self) {
        if let Some(flushed) = self.store().flushed() {
            self.runtime.block_on(flushed);
        }
    }

    fn left(&self, name: &str, limit: &Arc<Limit>) -> u64 {
        let mut probe = [charge(name, limit, 1)];
        let mut looking = self.store().look(&mut probe);
        let looked = std::pin::Pin::new(&mut looking).poll(&mut Context::from_waker(Waker::noop()));
        assert!(looked.is_ready(), "looking never waits");
        drop(looking);
        probe[0].standing().left
    }
}

fn charge(name: &str, limit: &Arc<Limit>, amount: u64) -> Charge {
    let key = Caller::Named(name.into()).keys(limit).remove(0);
    Charge::new(limit, limit.window().clone(), key, amount)
}

fn daily(id: &'static str, amount: u64) -> Arc<Limit> {
    Arc::new(Limit::tokens(id, Budget::new(amount, Period::Day)))
}

#[test]
fn a_restart_keeps_what_was_settled_of_budgets_and_forgets_reservations_and_rates() {
    let mut bench = Bench::new();
    let (budget, rate) = (daily("daily", 1000), Arc::new(Limit::tokens("rate", Rate::per_hour(1000))));
    let mut settled = [charge("alice", &budget, 300), charge("alice", &rate, 300)];
    assert_eq!(bench.reserve(&mut settled), Ok(()));
    let [mut on_budget, mut on_rate] = settled;
    bench.settle(&mut on_budget, 120);
    bench.settle(&mut on_rate, 120);
    assert_eq!(bench.reserve(&mut [charge("alice", &budget, 500), charge("alice", &rate, 500)]), Ok(()));
    assert_eq!((bench.left("alice", &budget), bench.left("alice", &rate)), (380, 380));
    bench.restart();
    assert_eq!((bench.left("alice", &budget), bench.left("alice", &rate)), (880, 1000));
    assert_eq!(bench.left("bob", &budget), 1000);
    assert_eq!(bench.reserve(&mut [charge("alice", &budget, 881)]), Err(denied(DAY)));
    assert_eq!(bench.reserve(&mut [charge("alice", &budget, 880)]), Ok(()));
}

fn denied(seconds: u64) -> Denied {
    Denied::Limit { index: 0, retry_after: Duration::from_secs(seconds) }
}

#[test]
fn a_new_period_begins_at_nothing_and_the_old_one_leaves_no_row() {
    let mut bench = Bench::new();
    let budget = daily("daily", 1000);
    for name in ["alice", "bob"] {
        let mut charges = [charge(name, &budget, 1000)];
        assert_eq!(bench.reserve(&mut charges), Ok(()));
        bench.settle(&mut charges[0], 1000);
    }
    assert_eq!(bench.rows(), (2, 2));
    bench.set(MIDNIGHT + DAY);
    assert_eq!(bench.left("alice", &budget), 1000);
    let mut charges = [charge("alice", &budget, 10)];
    assert_eq!(bench.reserve(&mut charges), Ok(()));
    bench.settle(&mut charges[0], 10);
    bench.store().sweep();
    assert_eq!(bench.rows(), (1, 1));
    bench.restart();
    assert_eq!((bench.left("alice", &budget), bench.left("bob", &budget)), (990, 1000));
    assert_eq!(bench.rows().1, 1);
}

#[test]
fn a_clock_that_is_set_back_neither_forgets_today_nor_brings_yesterday_back() {
    let mut bench = Bench::new();
    let budget = daily("daily", 1000);
    let spend = |bench: &Bench, amount| {
        let mut charges = [charge("alice", &budget, amount)];
        assert_eq!(bench.reserve(&mut charges), Ok(()));
        bench.settle(&mut charges[0], amount);
    };
    spend(&bench, 700);
    bench.set(MIDNIGHT + DAY);
    spend(&bench, 100);
    bench.set(MIDNIGHT + DAY - 5);
    assert_eq!(bench.left("alice", &budget), 900, "still the new day");
    spend(&bench, 200);
    bench.restart();
    assert_eq!(bench.left("alice", &budget), 700, "also for the next process");
    bench.set(MIDNIGHT + DAY + 5);
    assert_eq!(bench.left("alice", &budget), 700);
    bench.set(0);
    bench.restart();
    assert_eq!(bench.left("alice", &budget), 700, "a machine that does not know the year yet");
}

#[test]
fn a_budget_of_another_period_is_another_count_and_the_first_is_found_again() {
    let bench = Bench::new();
    let daily = daily("budget", 1000);
    let monthly = Arc::new(Limit::tokens("budget", Budget::new(5000, Period::Month)));
    for (limit, amount) in [(&daily, 100), (&monthly, 50), (&daily, 7)] {
        let mut charges = [charge("alice", limit, amount)];
        assert_eq!(bench.reserve(&mut charges), Ok(()));
        bench.settle(&mut charges[0], amount);
    }
    assert_eq!((bench.left("alice", &daily), bench.left("alice", &monthly)), (893, 4950));
}

#[test]
fn memory_keeps_no_period_that_is_over_however_many_callers_pass_by() {
    let bench = Bench::new();
    let budget = daily("daily", 1000);
    for day in 0..20 {
        bench.set(MIDNIGHT + day * DAY);
        for n in 0..500 {
            let mut charges = [charge(&format!("{day}-{n}"), &budget, 1)];
            assert_eq!(bench.reserve(&mut charges), Ok(()));
            let [mut charge] = charges;
            charge.spend(1);
            bench.store().settle(&[charge], Settling::Last);
        }
    }
    assert!(bench.rows().1 <= 1500, "{:?}", bench.rows());
}

#[test]
fn what_is_settled_by_many_threads_at_once_is_all_there_after_a_restart() {
    let mut bench = Bench::new();
    let budget = daily("daily", 1_000_000);
    let store = bench.store();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..2000 {
                    let mut charges = [charge("alice", &budget, 100)];
                    assert_eq!(reserve(store, &mut charges), Ok(()));
                    let [mut charge] = charges;
                    charge.spend(n % 150);
                    store.settle(&[charge], Settling::Last);
                }
            });
        }
    });
    let spent: u64 = 4 * (0..2000).map(|n| n % 150).sum::<u64>();
    assert_eq!(bench.left("alice", &budget), 1_000_000 - spent);
    bench.restart();
    assert_eq!(bench.left("alice", &budget), 1_000_000 - spent);
}

fn reserve(store: &SqliteStore, charges: &mut [Charge]) -> Result<(), Denied> {
    let mut reserving = store.reserve(charges);
    match std::pin::Pin::new(&mut reserving).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("admission never waits"),
    }
}
