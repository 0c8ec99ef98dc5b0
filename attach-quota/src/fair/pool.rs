use std::collections::HashMap;
use std::time::Duration;

use super::moment::Moment;

/// So many callers are told apart in a pool, for each stretch of time; all others count as one.
const KNOWN: usize = 1 << 14;

/// All whom there was no room for.
const OTHERS: u64 = 0;

/// Who draws how much from one bucket. Of callers it knows a fingerprint, and forgets them when what they drew is too long
/// ago to count.
#[derive(Debug, Default)]
pub(super) struct Pool {
    stretch: u64,
    /// In this stretch of time. Who drew nothing but wanted to is in it.
    now: HashMap<u64, u64>,
    /// In the one before.
    before: HashMap<u64, u64>,
    /// How many of `now` are not in `before`.
    fresh: usize,
    holds: bool,
    over_at: Duration,
}

impl Pool {
    /// Notes that `who` draws `amount` from a pool that gives `given` in a period. Whether that is more than an equal
    /// share, with what they had before.
    ///
    /// A caller's first call is never too much, and whoever is alone may have everything.
    pub(super) fn draw(&mut self, who: u64, amount: u64, given: u64, at: &Moment) -> bool {
        self.turn(at);
        let who = self.place(who);
        let had = self.recent(who, at.fading);
        self.add(who, amount);
        let wants = u128::from(had) + u128::from(amount);
        let active = self.active();
        active > 1 && had > 0 && wants.saturating_mul(active as u128) > u128::from(given)
    }

    /// What `who` drew as `noted` comes to `real`.
    pub(super) fn correct(&mut self, who: u64, noted: u64, real: u64) {
        let who = self.place(who);
        if real > noted {
            return self.add(who, real - noted);
        }
        let mut back = noted - real;
        for uses in [&mut self.now, &mut self.before] {
            if let Some(used) = uses.get_mut(&who) {
                let part = back.min(*used);
                *used -= part;
                back -= part;
            }
        }
    }

    /// How many want something of it: whoever asked in this stretch of time or the one before.
    pub(super) fn active(&self) -> usize {
        self.before.len() + self.fresh
    }

    /// Whether nothing in it counts any more.
    pub(super) fn is_over(&self, now: Duration) -> bool {
        now >= self.over_at && !(self.holds && self.now.values().any(|held| *held > 0))
    }

    fn turn(&mut self, at: &Moment) {
        (self.holds, self.over_at) = (at.holds, at.over_at);
        if at.stretch <= self.stretch {
            return;
        }
        let past = std::mem::take(&mut self.now);
        if at.holds {
            self.now = past.iter().filter(|(_, held)| **held > 0).map(|(who, held)| (*who, *held)).collect();
        }
        let follows = at.stretch == self.stretch + 1 && (at.holds || at.fading.0 > 0);
        self.before = if follows { past } else { HashMap::new() };
        self.fresh = self.now.keys().filter(|who| !self.before.contains_key(who)).count();
        self.stretch = at.stretch;
    }

    fn recent(&self, who: u64, (part, whole): (u64, u64)) -> u64 {
        let of = |uses: &HashMap<u64, u64>| uses.get(&who).copied().unwrap_or(0);
        let faded = u128::from(of(&self.before)) * u128::from(part) / u128::from(whole.max(1));
        of(&self.now).saturating_add(u64::try_from(faded).unwrap_or(u64::MAX))
    }

    fn add(&mut self, who: u64, amount: u64) {
        let known = self.before.contains_key(&who);
        let used = self.now.entry(who).or_insert_with(|| {
            self.fresh += usize::from(!known);
            0
        });
        *used = used.saturating_add(amount);
    }

    fn place(&self, who: u64) -> u64 {
        let known = self.now.contains_key(&who) || self.before.contains_key(&who);
        if known || self.now.len() < KNOWN { who } else { OTHERS }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::{Amount, Window};
    use crate::{Budget, Period, Rate};

    fn at(window: &Window, seconds: u64) -> Moment {
        Moment::of(window, &move || Duration::from_secs(seconds))
    }

    fn minute() -> Window {
        Rate::per_minute(100).window()
    }

    fn draw(pool: &mut Pool, who: u64, amount: u64, seconds: u64) -> bool {
        pool.draw(who, amount, 100, &at(&minute(), seconds))
    }

    #[test]
    fn more_than_an_equal_share_is_too_much_from_the_second_call_on() {
        let mut pool = Pool::default();
        assert!(!draw(&mut pool, 1, 90, 60) && !draw(&mut pool, 1, 90, 60), "alone");
        assert!(!draw(&mut pool, 2, 60, 60), "the first call");
        assert!(draw(&mut pool, 1, 1, 60) && draw(&mut pool, 2, 1, 60));
        assert!(!draw(&mut pool, 3, 10, 60) && !draw(&mut pool, 3, 23, 60), "a third is 33");
        assert!(draw(&mut pool, 3, 1, 60));
    }

    #[test]
    fn what_was_drawn_fades_within_two_periods_and_its_caller_is_forgotten() {
        let mut pool = Pool::default();
        draw(&mut pool, 1, 80, 60);
        draw(&mut pool, 2, 10, 60);
        assert!(draw(&mut pool, 1, 0, 120), "all of 80 is a minute old at most");
        assert!(!draw(&mut pool, 1, 0, 150), "half of it");
        assert_eq!(pool.active(), 2);
        draw(&mut pool, 3, 1, 240);
        assert_eq!((pool.active(), pool.now.len() + pool.before.len()), (1, 1));
        assert!(!pool.is_over(Duration::from_secs(359)) && pool.is_over(Duration::from_secs(360)));
    }

    #[test]
    fn a_settlement_corrects_what_was_drawn_in_either_stretch() {
        let mut pool = Pool::default();
        draw(&mut pool, 1, 40, 60);
        draw(&mut pool, 1, 40, 120);
        draw(&mut pool, 2, 0, 120);
        assert!(draw(&mut pool, 1, 0, 120));
        pool.correct(1, 40, 0);
        assert!(!draw(&mut pool, 1, 10, 120));
        pool.correct(1, 50, 0);
        assert_eq!((pool.now[&1], pool.before[&1]), (0, 0));
        pool.correct(1, 1, 60);
        assert!(draw(&mut pool, 1, 1, 120), "debt");
    }

    #[test]
    fn a_budget_counts_its_own_period_and_places_count_while_they_are_held() {
        let day = Budget::new(100, Period::Day).window();
        let mut pool = Pool::default();
        let midnight = 86_400;
        for (who, seconds, too_much) in [
            (1, 0, false),
            (2, 0, false),
            (1, midnight - 1, true),
            (2, midnight, false),
            (1, midnight, false),
        ] {
            assert_eq!(pool.draw(who, 40, 100, &at(&day, seconds)), too_much, "{who} at {seconds}");
        }
        let places = Window::Level(4);
        let mut pool = Pool::default();
        let take = |pool: &mut Pool, who, seconds| pool.draw(who, 1, 4, &at(&places, seconds));
        assert!(!take(&mut pool, 1, 0) && !take(&mut pool, 1, 0) && !take(&mut pool, 1, 0));
        assert!(!take(&mut pool, 2, 600));
        assert!(take(&mut pool, 1, 600), "held for ten minutes");
        assert!(!pool.is_over(Duration::from_secs(10_000)));
        (0..4).for_each(|_| pool.correct(1, 1, 0));
        assert!(!take(&mut pool, 1, 600));
    }

    #[test]
    fn callers_beyond_a_number_count_as_one() {
        let mut pool = Pool::default();
        for who in 1..=2 * KNOWN as u64 {
            draw(&mut pool, who, 1, 60);
        }
        assert_eq!((pool.active(), pool.now.len(), pool.now[&OTHERS]), (KNOWN + 1, KNOWN + 1, KNOWN as u64));
        pool.correct(2 * KNOWN as u64, 1, 0);
        assert_eq!(pool.now[&OTHERS], KNOWN as u64 - 1);
    }
}
