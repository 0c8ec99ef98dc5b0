//! Who gets what from a pool, in a simulation: callers arrive at random, ask for more than they use, and settle later.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::limit::Action;
use crate::store::{Charge, Denied, MemoryStore, Settling};
use crate::{Budget, Period, Rate, Scope};

/// A store whose clock is turned by hand, in milliseconds.
struct Stage {
    store: Arc<dyn Store>,
    limit: Arc<Limit>,
    now: Arc<AtomicU64>,
}

impl Stage {
    fn new(limit: Limit) -> Self {
        let now = Arc::new(AtomicU64::new(0));
        let hand = Arc::clone(&now);
        let clock = SharedClock::new(move || Duration::from_millis(hand.load(Ordering::Relaxed)));
        let limit = Arc::new(limit.each(Scope::Everyone));
        let store = before(MemoryStore::on(clock.clone()), &[Arc::clone(&limit)], clock);
        Self { store, limit, now }
    }

    fn at(&self, milliseconds: u64) {
        self.now.store(milliseconds, Ordering::Relaxed);
    }

    fn ask(&self, who: &str, amount: u64) -> Result<Charge, Denied> {
        self.reserve(Charge::of(&self.limit, who, amount).expect("a charge"))
    }

    fn reserve(&self, charge: Charge) -> Result<Charge, Denied> {
        let mut charges = [charge];
        let mut reserving = self.store.reserve(&mut charges);
        match Future::poll(std::pin::Pin::new(&mut reserving), &mut Context::from_waker(Waker::noop())) {
            Poll::Ready(decision) => decision?,
            Poll::Pending => panic!("memory never waits"),
        }
        drop(reserving);
        let [charge] = charges;
        Ok(charge)
    }

    fn settle(&self, mut charge: Charge, spent: u64) {
        charge.spend(spent);
        self.store.settle(&[charge], Settling::Last);
    }

    fn left(&self) -> u64 {
        let mut charges = [Charge::of(&self.limit, "nobody", 1).expect("a charge")];
        let mut looking = self.store.look(&mut charges);
        let _ = Future::poll(std::pin::Pin::new(&mut looking), &mut Context::from_waker(Waker::noop()));
        drop(looking);
        charges[0].standing().left
    }

    /// Asks for `amount` until it is refused, and says how often it was not.
    fn exhaust(&self, who: &str, amount: u64) -> (u64, Denied) {
        let mut times = 0;
        loop {
            match self.ask(who, amount) {
                Ok(_) => times += 1,
                Err(denied) => return (times, denied),
            }
        }
    }
}

fn pool(tokens: u64) -> Limit {
    Limit::tokens("pool", Rate::per_minute(tokens)).fair()
}

fn share(seconds: u64) -> Denied {
    Denied::Share { index: 0, retry_after: Duration::from_secs(seconds) }
}

#[test]
fn whoever_is_alone_may_have_all_of_a_pool() {
    let stage = Stage::new(pool(6000));
    let (times, denied) = stage.exhaust("greedy", 100);
    assert_eq!(times, 60);
    assert_eq!(denied, Denied::Limit { index: 0, retry_after: Duration::from_secs(1) });
}

#[test]
fn a_quarter_is_kept_for_those_who_had_less_than_their_share() {
    let stage = Stage::new(pool(6000));
    stage.ask("modest", 100).expect("room");
    let (times, denied) = stage.exhaust("greedy", 100);
    assert_eq!((times, stage.left()), (44, 1500));
    assert_eq!(denied, share(1), "when the pool has as much more as is asked for");
    assert_eq!(stage.exhaust("modest", 100).0, 15, "all that is left");
    // What was said is true: the pool has to have its quarter again, and then the call passes.
    let Err(Denied::Share { retry_after, .. }) = stage.ask("greedy", 100) else { panic!("no refusal") };
    assert_eq!(retry_after, Duration::from_secs(16));
    stage.at(15_999);
    assert!(stage.ask("greedy", 100).is_err());
    stage.at(16_000);
    assert!(stage.ask("greedy", 100).is_ok());
}

#[test]
fn who_was_refused_is_waited_for_although_they_had_nothing() {
    let stage = Stage::new(pool(6000));
    stage.exhaust("greedy", 100);
    assert!(stage.ask("modest", 100).is_err(), "nothing is left");
    stage.at(1_000);
    assert_eq!(stage.exhaust("greedy", 100), (0, share(15)));
    assert!(stage.ask("modest", 100).is_ok());
}

#[test]
fn no_call_is_so_large_that_it_never_passes() {
    let stage = Stage::new(pool(6000));
    for who in ["alice", "bob"] {
        stage.ask(who, 1).expect("room");
    }
    stage.at(1_000);
    for who in ["alice", "bob"] {
        assert!(stage.ask(who, 6000).is_ok(), "the pool is full");
        stage.at(62_000);
    }
}

#[test]
fn what_a_call_did_not_use_is_no_part_of_what_its_caller_had() {
    let stage = Stage::new(pool(6000));
    stage.ask("other", 1).expect("room");
    let large = stage.ask("alice", 5000).expect("room");
    assert!(matches!(stage.ask("alice", 100), Err(Denied::Share { .. })));
    stage.settle(large, 100);
    stage.ask("alice", 100).expect("little used");
    let small = stage.ask("alice", 100).expect("room");
    stage.settle(small, 5500);
    assert!(matches!(stage.ask("alice", 100), Err(Denied::Share { .. })), "debt counts");
    stage.ask("other", 100).expect("their share");
}

#[test]
fn more_for_a_running_call_is_counted_and_not_judged() {
    let stage = Stage::new(pool(6000));
    stage.ask("other", 1).expect("room");
    let running = stage.ask("alice", 4000).expect("the first call");
    stage.reserve(running.further(1900)).expect("what is left");
    assert!(matches!(stage.ask("alice", 1), Err(Denied::Share { .. })));
}

#[test]
fn budgets_and_places_have_shares_as_well() {
    let budget = Stage::new(Limit::micro_usd("day", Budget::new(1000, Period::Day)).fair());
    budget.at(3_600_000);
    budget.ask("modest", 10).expect("room");
    assert_eq!(budget.exhaust("greedy", 10), (74, share(23 * 3600)));
    budget.at(24 * 3_600_000);
    budget.ask("greedy", 600).expect("a new day");
    let places = Stage::new(Limit::concurrent("places", 8).fair());
    places.ask("modest", 1).expect("room");
    let held: Vec<_> = (0..5).map(|_| places.ask("greedy", 1).expect("room")).collect();
    assert_eq!(places.ask("greedy", 1).err(), Some(share(1)));
    places.ask("modest", 1).expect("a place that is kept");
    held.into_iter().for_each(|charge| places.settle(charge, 0));
    places.ask("greedy", 1).expect("room");
}

#[test]
fn a_fair_limit_in_shadow_notes_and_refuses_nobody() {
    let stage = Stage::new(pool(6000).action(Action::Shadow));
    stage.ask("modest", 100).expect("room");
    for time in 0..100 {
        let charge = stage.ask("greedy", 100).expect("nobody is refused");
        assert_eq!(charge.is_passed_over(), time >= 44, "{time}");
    }
    assert_eq!(stage.left(), 1500, "what was passed over is not booked");
}

#[test]
fn a_refusal_takes_back_what_other_limits_had_given() {
    let stage = Stage::new(pool(6000));
    let requests = Arc::new(Limit::requests("requests", Rate::per_hour(100)));
    stage.ask("modest", 100).expect("room");
    stage.exhaust("greedy", 100);
    let mut charges =
        [Charge::of(&requests, "greedy", 1), Charge::of(&stage.limit, "greedy", 100)].map(Option::unwrap);
    let mut reserving = stage.store.reserve(&mut charges);
    let denied = Future::poll(std::pin::Pin::new(&mut reserving), &mut Context::from_waker(Waker::noop()));
    drop(reserving);
    assert!(matches!(denied, Poll::Ready(Err(Denied::Share { index: 1, .. }))));
    assert_eq!((charges[0].standing().left, charges[1].standing().left), (100, 1500));
}

#[test]
fn limits_that_are_not_fair_have_no_judge() {
    let own = Limit::tokens("own", Rate::per_minute(100)).fair();
    assert!(!own.is_fair(), "nobody shares it");
    assert!(own.each(Scope::Directory).is_fair());
    let shared = Arc::new(Limit::tokens("shared", Rate::per_minute(100)).each(Scope::Everyone));
    assert_eq!(Charge::of(&shared, "alice", 1).and_then(|charge| charge.drawer()), None);
}

/// The numbers of a xorshift generator.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides.max(1)
    }
}

#[derive(Debug, Clone)]
struct Scene {
    greedy: u64,
    modest: u64,
    /// How much of their share the modest ask for, in hundredths.
    percent: u64,
    /// What the modest use of what they reserve.
    used: u64,
    seed: u64,
}

const PER_MINUTE: u64 = 600_000;
const STEP: u64 = 50;
const MINUTES: u64 = 6;

#[derive(Debug, Default)]
struct Outcome {
    /// What the modest asked for and got after the first minute.
    wanted: u64,
    got: u64,
    /// What everybody used.
    total: u64,
}

impl Scene {
    fn play(&self, limit: Limit) -> Outcome {
        let (stage, mut dice, mut outcome) = (Stage::new(limit), Dice(self.seed | 1), Outcome::default());
        let names: Vec<_> = (0..self.greedy + self.modest).map(|number| format!("caller-{number}")).collect();
        let mut running: BTreeMap<u64, Vec<(Charge, u64)>> = BTreeMap::new();
        for now in (0..MINUTES * 60_000).step_by(STEP as usize) {
            stage.at(now);
            let later = running.split_off(&(now + 1));
            for (charge, used) in std::mem::replace(&mut running, later).into_values().flatten() {
                stage.settle(charge, used);
            }
            for (number, name) in (0..).zip(&names) {
                let is_modest = number >= self.greedy;
                let Some((reserve, used)) = self.call(is_modest, &mut dice) else { continue };
                let counts = is_modest && now >= 60_000;
                outcome.wanted += if counts { used } else { 0 };
                if let Ok(charge) = stage.ask(name, reserve) {
                    outcome.got += if counts { used } else { 0 };
                    outcome.total += used;
                    running.entry(now + 200 + dice.below(3_000)).or_default().push((charge, used));
                }
            }
        }
        outcome
    }

    /// What a caller asks for in this step, and will use.
    fn call(&self, modest: bool, dice: &mut Dice) -> Option<(u64, u64)> {
        let used = 200 + dice.below(400);
        if !modest {
            return Some((used * 2, used));
        }
        // So often that it comes to a part of the share: 400 is used on average.
        let share = PER_MINUTE / (self.greedy + self.modest);
        let odds = share * self.percent / 100 * STEP * 1_000 / (400 * 60_000);
        (dice.below(1_000) < odds).then(|| (used * 100 / self.used, used))
    }
}

fn scenes() -> impl Strategy<Value = Scene> {
    (1..=4_u64, 1..=12_u64, 10..=70_u64, 50..=100_u64, any::<u64>())
        .prop_map(|(greedy, modest, percent, used, seed)| Scene { greedy, modest, percent, used, seed })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(16) })]

    #[test]
    fn the_modest_get_what_they_ask_for_and_the_pool_gives_what_it_would_give(scene in scenes()) {
        let limit = Limit::tokens("pool", Rate::per_minute(PER_MINUTE));
        let (unfair, fair) = (scene.play(limit.clone()), scene.play(limit.fair()));
        prop_assert!(fair.got * 100 >= fair.wanted * 99, "{scene:?}: {fair:?}");
        prop_assert!(fair.total * 100 >= unfair.total * 95, "{scene:?}: {fair:?}, else {unfair:?}");
        prop_assert!(fair.total <= PER_MINUTE * (MINUTES + 1), "{scene:?}: {fair:?}");
    }
}

#[test]
fn without_fairness_the_modest_starve_in_the_same_scene() {
    let scene = Scene { greedy: 3, modest: 6, percent: 60, used: 80, seed: 42 };
    let limit = Limit::tokens("pool", Rate::per_minute(PER_MINUTE));
    let (unfair, fair) = (scene.play(limit.clone()), scene.play(limit.fair()));
    println!("unfair {unfair:?}, fair {fair:?}");
    assert!(unfair.got * 100 < unfair.wanted * 75, "{unfair:?}");
    assert!(fair.got * 100 >= fair.wanted * 99, "{fair:?}");
}
