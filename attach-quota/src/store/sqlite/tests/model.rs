//! The store against a model that keeps all periods.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const NAMES: [&str; 2] = ["alice", "bob"];

#[derive(Debug, Clone, Copy)]
enum Step {
    Pass(u64),
    Back(u64),
    Reserve { who: usize, limit: usize, amount: u64 },
    Settle { which: usize, spent: u64, last: bool },
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (0..DAY).prop_map(Step::Pass),
        1 => (0..2 * DAY).prop_map(Step::Back),
        6 => (0..2_usize, 0..3_usize, 0..500_u64)
            .prop_map(|(who, limit, amount)| Step::Reserve { who, limit, amount }),
        6 => (any::<usize>(), 0..700_u64, any::<bool>())
            .prop_map(|(which, spent, last)| Step::Settle { which, spent, last }),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..40)
}

/// The store, and what it should have in it.
struct Play {
    bench: Bench,
    limits: [Arc<Limit>; 3],
    /// Of all periods there ever were, by caller, limit and end of the period: what is settled, and what is reserved
    /// besides.
    counts: HashMap<(usize, usize, u64), (u64, u64)>,
    /// The latest second that was seen, and that of the last write.
    seen: u64,
    written: u64,
    open: Vec<Open>,
}

struct Open {
    charge: Charge,
    key: (usize, usize, u64),
    /// What the model has as reserved.
    reserved: u64,
}

impl Play {
    fn new() -> Self {
        let limits = [
            daily("daily", 1000),
            Arc::new(Limit::tokens("weekly", Budget::new(2000, Period::Week))),
            Arc::new(Limit::requests("monthly", Budget::new(3000, Period::Month))),
        ];
        let counts = HashMap::new();
        Self { bench: Bench::new(), limits, counts, seen: MIDNIGHT, written: 0, open: Vec::new() }
    }

    fn now(&self) -> u64 {
        self.bench.now.load(Ordering::Relaxed)
    }

    fn budget(&self, limit: usize) -> &Budget {
        let Window::Budget(budget) = self.limits[limit].window() else { panic!("a budget") };
        budget
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Pass(seconds) => self.bench.set(self.now() + seconds),
            Step::Back(seconds) => self.bench.set(self.now() - seconds),
            Step::Restart => self.restart(),
            Step::Reserve { who, limit, amount } => self.reserve(who, limit, amount),
            Step::Settle { which, spent, last } if !self.open.is_empty() => {
                self.settle(which % self.open.len(), spent, last);
            }
            Step::Settle { .. } => {}
        }
    }

    fn restart(&mut self) {
        self.bench.restart();
        self.open.clear();
        self.counts.values_mut().for_each(|(_, reserved)| *reserved = 0);
        self.seen = self.written.max(self.now());
    }

    fn reserve(&mut self, who: usize, limit: usize, amount: u64) {
        self.seen = self.seen.max(self.now());
        let key = (who, limit, self.budget(limit).bounds(self.seen).1);
        let most = self.budget(limit).amount();
        let mut charges = [charge(NAMES[who], &self.limits[limit], amount)];
        let asked = charges[0].reserved();
        let (settled, reserved) = self.counts.entry(key).or_default();
        let fits = *settled + *reserved + asked <= most;
        assert_eq!(self.bench.reserve(&mut charges).is_ok(), fits, "{asked}");
        if fits {
            *reserved += asked;
            let [charge] = charges;
            self.open.push(Open { charge, key, reserved: asked });
        }
    }

    fn settle(&mut self, which: usize, spent: u64, last: bool) {
        self.seen = self.seen.max(self.now());
        let one = &mut self.open[which];
        let (settled, reserved) = self.counts.entry(one.key).or_default();
        *settled = *settled + spent - one.charge.used();
        *reserved -= std::mem::take(&mut one.reserved);
        if spent != one.charge.used() {
            self.written = self.seen;
        }
        self.bench.settle(&mut one.charge, spent);
        if last {
            self.open.swap_remove(which);
        }
    }

    /// What is on the disk is what was settled.
    fn is_kept(&mut self) {
        self.bench.restart();
        let now = self.now().max(self.written);
        for (who, name) in NAMES.iter().enumerate() {
            for (index, limit) in self.limits.iter().enumerate() {
                let budget = self.budget(index);
                let count = self.counts.get(&(who, index, budget.bounds(now).1));
                let settled = count.map_or(0, |(settled, _)| *settled);
                assert_eq!(self.bench.left(name, limit), budget.amount().saturating_sub(settled));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn restarts_and_jumps_of_the_clock_lose_and_double_nothing(steps in steps()) {
        let mut play = Play::new();
        steps.into_iter().for_each(|step| play.step(step));
        play.is_kept();
    }
}
