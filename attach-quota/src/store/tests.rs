//! The memory store against a model that knows no rounding.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::caller::Caller;
use crate::{Limit, Rate, Scope, Window};

const MINUTE: u64 = 60_000_000_000;

/// A store, the hand of its clock, and callers.
struct Bench {
    store: MemoryStore,
    now: Arc<AtomicU64>,
}

impl Bench {
    fn new() -> Self {
        let now = Arc::new(AtomicU64::new(0));
        let hand = Arc::clone(&now);
        let store = MemoryStore::on(move || Duration::from_nanos(hand.load(Ordering::Relaxed)));
        Self { store, now }
    }

    fn advance(&self, nanos: u64) {
        self.now.fetch_add(nanos, Ordering::Relaxed);
    }

    fn reserve(&self, charges: &mut [Charge]) -> Result<(), Denied> {
        let mut reserving = self.store.reserve(charges);
        match Pin::new(&mut reserving).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("memory never waits"),
        }
    }

    fn settle(&self, mut charge: Charge, spent: u64) {
        charge.spend(spent);
        self.store.settle(&[charge], Settling::Last);
    }
}

fn caller(name: &str) -> Caller {
    Caller::Named(name.into())
}

fn charge(limit: &Arc<Limit>, amount: u64) -> Charge {
    charge_of("alice", limit, amount)
}

fn charge_of(name: &str, limit: &Arc<Limit>, amount: u64) -> Charge {
    Charge::new(limit, limit.window().clone(), caller(name).keys(limit).remove(0), amount)
}

fn tokens(per_minute: u64) -> Arc<Limit> {
    Arc::new(Limit::tokens("tpm", Rate::per_minute(per_minute)))
}

fn left(bench: &Bench, limit: &Arc<Limit>) -> u64 {
    let mut probe = [charge(limit, 1)];
    match bench.reserve(&mut probe) {
        Ok(()) => {
            bench.settle(probe[0].clone(), 0);
            probe[0].standing().left + 1
        }
        Err(_) => 0,
    }
}

#[test]
fn a_request_larger_than_the_limit_reserves_the_limit_and_the_rest_is_debt() {
    let (bench, limit) = (Bench::new(), tokens(2000));
    let mut huge = [charge(&limit, 50_000)];
    assert_eq!(bench.reserve(&mut huge), Ok(()));
    assert_eq!(huge[0].reserved(), 2000);
    let [huge] = huge;
    bench.settle(huge, 50_000);
    bench.advance(24 * MINUTE);
    assert!(
        bench.reserve(&mut [charge(&limit, 1)]).is_err(),
        "50,000 take 25 minutes to pay, but for one burst"
    );
    bench.advance(MINUTE / 1000);
    assert_eq!(bench.reserve(&mut [charge(&limit, 1)]), Ok(()));
}

#[test]
fn a_refusal_books_nothing_and_names_the_limit_that_takes_longest() {
    let bench = Bench::new();
    let limits = [
        Arc::new(Limit::requests("rpm", Rate::per_minute(100))),
        tokens(2000),
        Arc::new(Limit::tokens("tph", Rate::per_hour(2000))),
    ];
    let charges = || limits.iter().map(|limit| charge(limit, 1500)).collect::<Vec<_>>();
    // A request limit holds 100, so it is charged 100 here; what matters is that it is given back.
    let requests = |amount| charge(&limits[0], amount);
    let all = || {
        let mut all = charges();
        all[0] = requests(1);
        all
    };
    assert_eq!(bench.reserve(&mut all()), Ok(()));
    let mut refused = all();
    let denied = bench.reserve(&mut refused);
    assert_eq!(denied, Err(Denied::Limit { index: 2, retry_after: Duration::from_secs(1800) }));
    assert_eq!(refused.iter().map(|c| c.standing().left).collect::<Vec<_>>(), [99, 500, 500]);
    assert_eq!(bench.reserve(&mut [requests(99)]), Ok(()));
}

#[test]
fn only_buckets_that_are_full_are_forgotten() {
    let (bench, limit) = (Bench::new(), tokens(60));
    let reserve = |name: &str, spent| {
        let mut charges = [charge_of(name, &limit, 1)];
        assert_eq!(bench.reserve(&mut charges), Ok(()));
        let [charge] = charges;
        bench.settle(charge, spent);
    };
    reserve("idle", 1);
    reserve("indebted", 600);
    bench.store.sweep();
    assert_eq!(bench.store.len(), 2, "neither has been paid");
    bench.advance(2_000_000_000);
    bench.store.sweep();
    assert_eq!(bench.store.len(), 1, "the debt is remembered");
    bench.advance(10 * MINUTE);
    bench.store.sweep();
    assert!(bench.store.is_empty());
}

#[test]
fn a_debt_is_booked_although_the_bucket_was_forgotten_meanwhile() {
    let (bench, limit) = (Bench::new(), tokens(60));
    let mut charges = [charge(&limit, 10)];
    assert_eq!(bench.reserve(&mut charges), Ok(()));
    bench.advance(MINUTE);
    bench.store.sweep();
    assert!(bench.store.is_empty());
    let [open] = charges;
    bench.settle(open, 40);
    assert_eq!(left(&bench, &limit), 30);
}

#[test]
fn memory_stays_bounded_however_many_callers_pass_by() {
    let (bench, limit) = (Bench::new(), tokens(60_000));
    for n in 0..300_000 {
        let mut charges = [charge_of(&n.to_string(), &limit, 1)];
        assert_eq!(bench.reserve(&mut charges), Ok(()));
        bench.advance(1_000_000);
    }
    assert!(bench.store.len() <= 64 * 1024 + 1, "{}", bench.store.len());
}

#[test]
fn a_burst_of_concurrent_requests_does_not_sail_past_the_limit() {
    let (bench, limit) = (Bench::new(), tokens(10_000));
    let admitted = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..1000 {
                    if bench.reserve(&mut [charge(&limit, 7)]).is_ok() {
                        admitted.fetch_add(7, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(admitted.load(Ordering::Relaxed), 10_000 / 7 * 7);
}

#[test]
fn concurrent_settlements_lose_and_double_nothing() {
    let bench = Bench::new();
    let limit = tokens(1_000_000_000);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..10_000 {
                    let mut charges = [charge(&limit, 100)];
                    assert_eq!(bench.reserve(&mut charges), Ok(()));
                    let [open] = charges;
                    bench.settle(open, n % 200);
                }
            });
        }
    });
    let spent: u64 = 4 * (0..10_000).map(|n| n % 200).sum::<u64>();
    let used = 1_000_000_000 - left(&bench, &limit);
    // A billion a minute is 16 tokens a nanosecond, and each of 80,000 steps may round by less than one.
    assert!(used <= spent && spent - used < 80_000 * 17, "{used} of {spent}");
}

#[derive(Debug, Clone)]
enum Step {
    Pass(u64),
    Reserve(u64),
    Settle(usize, u64),
    Sweep,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..2 * MINUTE).prop_map(Step::Pass),
        2 => (0..MINUTE / 100).prop_map(Step::Pass),
        6 => (0..3000_u64).prop_map(Step::Reserve),
        5 => (any::<usize>(), 0..6000_u64).prop_map(|(which, spent)| Step::Settle(which, spent)),
        1 => Just(Step::Sweep),
    ];
    prop::collection::vec(step, 1..60)
}

fn limits() -> impl Strategy<Value = Limit> {
    let amount = prop_oneof![1..100_u64, 100..100_000_u64, 1_000_000..10_000_000_000_u64];
    let rate = (amount, 0..3).prop_map(|(amount, per)| match per {
        0 => Rate::per_second(amount),
        1 => Rate::per_minute(amount),
        _ => Rate::per_hour(amount),
    });
    (rate, prop::option::of(1..10_000_u64)).prop_map(|(rate, burst)| {
        let limit = Limit::tokens("random", rate).each(Scope::Everyone);
        if let Some(burst) = burst { limit.burst(burst) } else { limit }
    })
}

/// One bucket without rounding: time is in parts of a nanosecond such that one unit is a whole number of them.
struct Model {
    rate: i128,
    period: i128,
    capacity: i128,
    full_at: i128,
    now: i128,
}

impl Model {
    fn new(limit: &Limit) -> Self {
        let Window::Rate { rate, .. } = limit.window() else { panic!("a rate") };
        Self {
            rate: rate.amount().into(),
            period: (rate.period().as_nanos()).try_into().expect("an hour at most"),
            capacity: limit.capacity().into(),
            full_at: 0,
            now: 0,
        }
    }

    fn pass(&mut self, nanos: u64) {
        self.now += i128::from(nanos) * self.rate;
    }

    /// What is missing for `amount` to pass; nothing if not positive.
    fn missing(&self, amount: i128) -> i128 {
        self.full_at.max(self.now) + (amount - self.capacity) * self.period - self.now
    }

    fn book(&mut self, amount: i128) {
        if amount >= 0 {
            self.full_at = self.full_at.max(self.now);
        }
        self.full_at += amount * self.period;
    }

    /// Parts of a nanosecond in `steps` nanoseconds.
    fn slack(&self, steps: usize) -> i128 {
        self.rate * i128::try_from(steps).expect("few steps")
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// The bound: what is booked at any admission is at most what the bucket held and what has flown in since,
    /// over any stretch of time; and no charge is lost or doubled.
    #[test]
    fn never_over_by_more_than_the_bound_and_no_charge_lost_or_doubled(limit in limits(), steps in steps()) {
        let (bench, limit) = (Bench::new(), Arc::new(limit));
        let mut model = Model::new(&limit);
        let mut open: Vec<Charge> = Vec::new();
        // (time, net amount) of all that was booked.
        let mut booked: Vec<(i128, i128)> = Vec::new();
        for (done, step) in steps.into_iter().enumerate() {
            let slack = model.slack(done + 1);
            match step {
                Step::Pass(nanos) => { bench.advance(nanos); model.pass(nanos); }
                Step::Sweep => bench.store.sweep(),
                Step::Reserve(amount) => {
                    let mut charges = [charge(&limit, amount)];
                    let asked = i128::from(charges[0].reserved());
                    let missing = model.missing(asked);
                    match bench.reserve(&mut charges) {
                        Err(Denied::Limit { retry_after, .. }) => {
                            prop_assert!(missing > 0, "refused although there was room");
                            let wait = i128::try_from(retry_after.as_nanos()).expect("a wait") * model.rate;
                            prop_assert!((wait - missing).abs() <= slack + model.rate, "{wait} {missing}");
                        }
                        Err(other) => prop_assert!(false, "{other:?}"),
                        Ok(()) => {
                            prop_assert!(missing <= slack, "passed although {missing} was missing");
                            model.book(asked);
                            booked.push((model.now, asked));
                            let mut net = 0;
                            for (since, amount) in booked.iter().rev() {
                                net += amount;
                                let room = model.capacity * model.period + model.now - since;
                                let debts_aside = net * model.period <= room + slack;
                                prop_assert!(debts_aside, "{net} in too short a time");
                            }
                            open.push(charges[0].clone());
                        }
                    }
                }
                Step::Settle(which, spent) => {
                    if open.is_empty() { continue; }
                    let charge = open.swap_remove(which % open.len());
                    let delta = i128::from(spent) - i128::from(charge.reserved());
                    bench.settle(charge, spent);
                    model.book(delta);
                    booked.push((model.now, delta));
                }
            }
        }
        let room = (model.capacity * model.period - (model.full_at - model.now).max(0)).max(0) / model.period;
        let seen = i128::from(left(&bench, &limit));
        // Beyond 32 bits a bucket's size is rounded down to the unit it is counted in.
        let slack = model.slack(130) / model.period + 1 + model.capacity / (1 << 32);
        prop_assert!((seen - room).abs() <= slack, "{seen} left where the model has {room}");
    }
}
