use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use attach_core::Call;

/// What an answer is taken to need at first.
const AT_FIRST: u64 = 256;

/// As many models are told apart; the others share one estimate.
const MODELS: usize = 1024;

/// The last so many answers are what counts, and less of each the longer ago it was.
const MEMORY: u64 = 16;

/// No single answer teaches more than this, so that one which ran away is forgotten soon.
const LONGEST: u64 = 32_768;

/// Fractions of a token in a mean, as bits.
const FRACTION: u32 = 8;

/// Bits of a word that count the answers seen.
const SEEN: u32 = 8;

/// What answers of each model use on average: an exponentially weighted moving average, of which the first answers
/// are worth as much as in a plain mean.
///
/// A table of fixed size that is read and written without a lock: a model has the first free slot after the one that
/// its name's hash points to, and keeps it. Names are not kept. Only a model that has answered gets a slot, so what
/// callers make up costs none.
pub(super) struct Typical {
    hasher: RandomState,
    slots: Box<[Slot]>,
    others: AtomicU64,
}

struct Slot {
    /// The hash of the model's name; 0 if the slot is free.
    model: AtomicU64,
    /// See [`mean`] and [`after`].
    state: AtomicU64,
}

impl Default for Typical {
    fn default() -> Self {
        let slot = || Slot { model: AtomicU64::new(0), state: AtomicU64::new(BEGINNING) };
        let slots = std::iter::repeat_with(slot).take(MODELS).collect();
        Self { hasher: RandomState::new(), slots, others: AtomicU64::new(BEGINNING) }
    }
}

impl Typical {
    /// The output tokens of a typical answer of `model`, at least 1.
    pub(super) fn output(&self, model: &str) -> u64 {
        let state = self.slot(self.hash(model), false).map(|state| state.load(Ordering::Relaxed));
        mean(state.unwrap_or(BEGINNING))
    }

    fn learn(&self, model: u64, output: u64) {
        let state = self.slot(model, true).unwrap_or(&self.others);
        // Cannot fail: the closure always has a next state.
        let _ = state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |state| Some(after(state, output)));
    }

    /// In any case of letters: servers that do not regard it would fill the table with spellings of one name.
    fn hash(&self, model: &str) -> u64 {
        self.hasher.hash_one(model.to_ascii_lowercase()).max(1)
    }

    /// What is known of `model`. A model that nobody knows may `take` a free slot; in a full table all such share one.
    fn slot(&self, model: u64, take: bool) -> Option<&AtomicU64> {
        let start = model as usize % MODELS;
        for slot in self.slots[start..].iter().chain(&self.slots[..start]) {
            let holder = match slot.model.load(Ordering::Acquire) {
                0 if !take => return None,
                0 => slot
                    .model
                    .compare_exchange(0, model, Ordering::AcqRel, Ordering::Acquire)
                    .map_or_else(|other| other, |_| model),
                holder => holder,
            };
            if holder == model {
                return Some(&slot.state);
            }
        }
        Some(&self.others)
    }
}

impl fmt::Debug for Typical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Typical").finish_non_exhaustive()
    }
}

/// A mean of [`AT_FIRST`], as if a few answers had been seen.
const BEGINNING: u64 = AT_FIRST << (FRACTION + SEEN) | 4;

fn mean(state: u64) -> u64 {
    (state >> (FRACTION + SEEN)).max(1)
}

fn after(state: u64, output: u64) -> u64 {
    let (mean, seen) = (state >> SEEN, (state & ((1 << SEEN) - 1)).clamp(1, MEMORY));
    let output = output.min(LONGEST) << FRACTION;
    let weight = (seen + 1).min(MEMORY);
    let mean = (mean * (weight - 1) + output) / weight;
    mean << SEEN | weight
}

/// What the answer to one call may teach.
pub(crate) struct Lesson {
    typical: Arc<Typical>,
    model: u64,
    choices: u64,
    cap: Option<u64>,
}

impl Lesson {
    pub(super) fn new(typical: Arc<Typical>, call: &Call) -> Self {
        let model = typical.hash(call.model.canonical());
        Self { typical, model, choices: u64::from(call.choices).max(1), cap: call.output_cap }
    }

    /// The output of one answer is bounded by `cap` as well, which somebody has lowered.
    pub(crate) fn capped(&mut self, cap: u64) {
        self.cap = Some(self.cap.unwrap_or(cap).min(cap));
    }

    /// The upstream reported that the whole answer took `output` tokens.
    pub(crate) fn learn(&self, output: u64) {
        let each = output.div_ceil(self.choices);
        // Cut short by its cap, an answer says only that it would have been as long at least.
        let cut_short = self.cap.is_some_and(|cap| each >= cap);
        let known =
            self.typical.slot(self.model, false).map_or(BEGINNING, |state| state.load(Ordering::Relaxed));
        if !cut_short || each > mean(known) {
            self.typical.learn(self.model, each);
        }
    }
}

impl fmt::Debug for Lesson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lesson").field("choices", &self.choices).field("cap", &self.cap).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn learn(typical: &Typical, model: &str, output: u64) {
        typical.learn(typical.hash(model), output);
    }

    #[test]
    fn the_first_answers_count_as_much_as_in_a_mean_and_later_ones_fade() {
        let typical = Typical::default();
        learn(&typical, "m", 1000);
        assert_eq!(typical.output("m"), (4 * 256 + 1000) / 5);
        for _ in 0..200 {
            learn(&typical, "m", 1000);
        }
        let before = typical.output("m");
        assert!((990..=1000).contains(&before), "{before}");
        learn(&typical, "m", 0);
        assert!((before * 14 / 16..before).contains(&typical.output("m")), "{}", typical.output("m"));
        for _ in 0..200 {
            learn(&typical, "m", 0);
        }
        assert_eq!(typical.output("m"), 1, "nothing is never typical");
    }

    #[test]
    fn one_answer_that_ran_away_does_not_spoil_the_estimate() {
        let typical = Typical::default();
        for _ in 0..100 {
            learn(&typical, "m", 100);
        }
        learn(&typical, "m", u64::MAX);
        assert!(typical.output("m") <= 100 + LONGEST / MEMORY, "{}", typical.output("m"));
    }

    #[test]
    fn models_beyond_the_table_share_an_estimate_and_known_ones_keep_theirs() {
        let typical = Typical::default();
        for model in 0..2 * MODELS {
            learn(&typical, &format!("model-{model}"), 1000);
        }
        for _ in 0..100 {
            learn(&typical, "one-too-many", 10);
        }
        assert!(typical.output("another") < 20);
        assert_eq!(typical.output("model-0"), 404);
    }

    #[test]
    fn the_spellings_of_a_name_have_one_slot() {
        let typical = Typical::default();
        for model in ["llama3:8b", "LLAMA3:8b", "Llama3:8B"] {
            learn(&typical, model, 1000);
        }
        let taken = typical.slots.iter().filter(|slot| slot.model.load(Ordering::Relaxed) != 0).count();
        assert_eq!((taken, typical.output("lLaMa3:8b")), (1, typical.output("llama3:8b")));
    }

    #[test]
    fn what_threads_learn_at_once_is_all_learned() {
        let typical = Arc::new(Typical::default());
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let typical = Arc::clone(&typical);
                thread::spawn(move || {
                    for round in 0..1000 {
                        learn(&typical, &format!("model-{}", round % 50), 1000);
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
        let taken = typical.slots.iter().filter(|slot| slot.model.load(Ordering::Relaxed) != 0).count();
        assert_eq!(taken, 50, "each model has one slot");
        for model in 0..50 {
            assert!((980..=1000).contains(&typical.output(&format!("model-{model}"))));
        }
    }

    #[test]
    fn an_answer_that_its_cap_cut_short_does_not_make_long_ones_look_short() {
        let typical = Arc::new(Typical::default());
        let lesson = |cap| {
            let model = typical.hash("m");
            Lesson { typical: Arc::clone(&typical), model, choices: 1, cap }
        };
        (0..50).for_each(|_| lesson(Some(16)).learn(16));
        assert_eq!(typical.output("m"), 256);
        (0..50).for_each(|_| lesson(Some(16)).learn(9));
        assert!(typical.output("m") < 40, "an answer that ended by itself counts");
        (0..50).for_each(|_| lesson(Some(4000)).learn(4000));
        assert!(typical.output("m") > 3000, "one that is longer than usual counts in any case");
        let mut lowered = lesson(None);
        lowered.capped(8);
        (0..50).for_each(|_| lowered.learn(8));
        assert!(typical.output("m") > 3000);
    }
}
