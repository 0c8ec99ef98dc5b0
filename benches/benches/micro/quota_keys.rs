//! A million callers under limits, and under governor's own limiter.

use std::hint::black_box;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use attach_benches::procstat;
use attach_quota::store::{Charge, MemoryStore, Settling};
use attach_quota::{Budget, Limit, Period, Rate, Store};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

const KEYS: usize = 1_000_000;
/// Calls of a turn, by callers at random: none of their buckets is in a cache of the processor.
const CALLS: usize = 20_000;
const ROUNDS: usize = 40;

/// Prints the ratio to governor's `check_key`, and the memory of an idle key.
pub(crate) fn print() {
    let names: Vec<String> = (0..KEYS).map(|n| format!("00u1bench{n:012}")).collect();
    let ours = Ours::new();
    let before = resident();
    names.iter().for_each(|name| ours.call(name));
    let per_bucket = (resident() - before) as f64 / ours.buckets() as f64;
    let theirs = governor();
    let before = resident();
    names.iter().for_each(|name| _ = theirs.check_key(name));
    let per_name = (resident() - before) as f64 / KEYS as f64;

    let numbered = RateLimiter::keyed(quota());
    (0..KEYS as u64).for_each(|n| _ = numbered.check_key(&n));
    let mut random = Random(1);
    let [mut checked, mut numbers, mut called, mut stored, mut made, mut hot] = [f64::INFINITY; 6];
    for _ in 0..ROUNDS {
        let chosen: Vec<usize> = (0..CALLS).map(|_| random.below(KEYS)).collect();
        checked = checked.min(each(&chosen, |n| _ = black_box(theirs.check_key(&names[n]))));
        let chosen: Vec<usize> = (0..CALLS).map(|_| random.below(KEYS)).collect();
        numbers = numbers.min(each(&chosen, |n| _ = black_box(numbered.check_key(&(n as u64)))));
        let chosen: Vec<usize> = (0..CALLS).map(|_| random.below(KEYS)).collect();
        called = called.min(each(&chosen, |n| ours.call(&names[n])));
        let charges: Vec<_> = (0..CALLS).map(|_| ours.charges(&names[random.below(KEYS)])).collect();
        stored = stored.min(each_of(charges, |mut charges| ours.reserve_and_settle(&mut charges)));
        made = made.min(each(&[0; 1000], |n| _ = black_box(ours.charges(&names[n]))));
        let charges = vec![ours.charges(&names[0]); 100];
        hot = hot.min(each_of(charges, |mut charges| ours.reserve_and_settle(&mut charges)));
    }
    println!("quota, {KEYS} keys at random (best of {ROUNDS} interleaved runs of {CALLS})");
    println!("  governor's check_key, String keys              {checked:>6.0} ns, {per_name:.0} bytes a key");
    println!("  governor's check_key, numbers for keys         {numbers:>6.0} ns");
    line("reserve and settle, 3 limits : check_key", stored, checked);
    line("the same with keys made from names", called, checked);
    println!(
        "  one caller, in the caches: reserve and settle  {hot:>6.0} ns, and {made:.0} ns to make the keys"
    );
    let verdict = if per_bucket <= 150.0 { "held" } else { "NOT HELD" };
    println!("  memory of an idle bucket                       {per_bucket:>6.0} bytes <= 150: {verdict}\n");
}

fn line(what: &str, ours: f64, theirs: f64) {
    let verdict = if ours <= 4.0 * theirs { "held" } else { "NOT HELD" };
    println!("  {what:<46} {ours:>6.0} / {theirs:.0} ns = {:.2} <= 4: {verdict}", ours / theirs);
}

/// As in governor's documentation, with the names of callers for keys.
fn governor() -> DefaultKeyedRateLimiter<String> {
    RateLimiter::keyed(quota())
}

fn quota() -> Quota {
    Quota::per_minute(60_000.try_into().expect("not zero"))
}

struct Ours {
    store: MemoryStore,
    limits: [Arc<Limit>; 3],
}

impl Ours {
    fn new() -> Self {
        let limits = [
            Limit::requests("requests-per-minute", Rate::per_minute(600_000)),
            Limit::tokens("tokens-per-minute", Rate::per_minute(60_000_000)),
            Limit::tokens("tokens-per-day", Budget::new(1_000_000_000, Period::Day)),
        ];
        Self { store: MemoryStore::new(), limits: limits.map(Arc::new) }
    }

    fn buckets(&self) -> usize {
        self.store.len()
    }

    fn charges(&self, id: &str) -> Vec<Charge> {
        let amounts = [1, 300, 300];
        self.limits.iter().zip(amounts).filter_map(|(limit, amount)| Charge::of(limit, id, amount)).collect()
    }

    fn reserve_and_settle(&self, charges: &mut [Charge]) {
        let mut reserving = self.store.reserve(charges);
        let decided = Pin::new(&mut reserving).poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(decided, Poll::Ready(Ok(()))), "there is room");
        drop(reserving);
        charges[1..].iter_mut().for_each(|charge| charge.spend(20));
        self.store.settle(charges, Settling::Last);
    }

    fn call(&self, id: &str) {
        let mut charges = self.charges(id);
        self.reserve_and_settle(&mut charges);
    }
}

/// Nanoseconds for one of the chosen.
fn each(chosen: &[usize], mut run: impl FnMut(usize)) -> f64 {
    let began = Instant::now();
    chosen.iter().for_each(|n| run(*n));
    began.elapsed().as_secs_f64() * 1e9 / chosen.len() as f64
}

fn each_of<T>(chosen: Vec<T>, mut run: impl FnMut(T)) -> f64 {
    let (length, began) = (chosen.len(), Instant::now());
    chosen.into_iter().for_each(&mut run);
    began.elapsed().as_secs_f64() * 1e9 / length as f64
}

fn resident() -> u64 {
    procstat::resident(&[std::process::id()]).0
}

/// Xorshift (Marsaglia): who comes next must not be what the processor guesses.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % most as u64) as usize
    }
}
