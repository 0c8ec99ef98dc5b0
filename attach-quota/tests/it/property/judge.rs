//! Whether what the layer did is what the model says it may.

use std::time::Duration;

use attach_quota::Unit;
use attach_quota::store::{Charge, Denied, Settling};

use super::book::{Applied, Place, Used, amount, applied, metered};
use super::buckets::{FINE, ends};
use super::play::{Account, Call, Held, Play, Wait};
use super::scene::{Kind, WindowPlan};
use super::stage::{Event, PROBES};

/// Nobody waits longer: 400 days.
const FAR: Duration = Duration::from_secs(400 * 86_400);

/// A limit that applies and what is due under it; nothing for a probe.
type Due = Option<(Applied, u64)>;

impl Play<'_> {
    /// What is booked of a running answer: no more than it used or was reserved, and all but a little of what it used.
    pub(super) fn runs_ahead(&self, call: &Call) {
        // What an answer in one piece used is known when it is there.
        let Some(account) = call.account.as_ref().filter(|_| call.streamed > 0) else { return };
        let used = Used { input: account.estimate.input, output: call.streamed, cached: 0 };
        for held in account.held.iter().flatten().filter(|held| !held.passed_over) {
            let limit = &self.scene.limits[held.applied.limit];
            if !metered(limit.unit) {
                assert_eq!(held.booked, 1);
                continue;
            }
            let used = amount(self.scene, limit, &call.ask, used).expect("it was reserved for");
            let ahead = if limit.unit == Unit::MicroUsd { (held.booked / 100).max(10) } else { 32 };
            assert!(held.booked <= held.reserved.max(used), "{} booked for {used}: {limit:?}", held.booked);
            assert!(used <= held.booked + ahead, "{} booked for {used}: {limit:?}", held.booked);
        }
    }

    /// What the store was told since, in the model's books. A refusal, and whether time alone will lift it.
    pub(super) fn hear(&mut self, call: &mut Call) -> Option<(Wait, bool)> {
        let mut refused = None;
        for event in self.stage.store.events() {
            match event {
                Event::Reserved { before, after, result } => {
                    assert!(call.account.is_none(), "reserved twice");
                    let (estimate, all) = self.expected(call, &before);
                    match result {
                        Ok(()) => call.account = Some(self.admitted(estimate, &all, &after)),
                        Err(Denied::Limit { index, retry_after }) => {
                            refused = Some(self.refused(&all, &after, index, retry_after));
                        }
                        Err(other) => panic!("{other:?}"),
                    }
                }
                Event::Settled { charges, settling } => {
                    let account = call.account.as_mut().expect("nothing was reserved");
                    assert!(
                        !std::mem::replace(&mut account.closed, settling == Settling::Last),
                        "settled twice"
                    );
                    let now = self.stage.store.now();
                    for (charge, held) in charges.iter().zip(&mut account.held) {
                        let Some(held) = held else { continue };
                        assert_eq!(charge.reserved(), held.booked, "what is booked is not what is replaced");
                        let change = i128::from(charge.spent()) - i128::from(held.booked);
                        held.booked = charge.spent();
                        if change != 0 {
                            let bucket = self.buckets.at(&held.applied.place);
                            bucket.change(held.applied.window, held.ends, change, now);
                        }
                    }
                }
            }
        }
        refused
    }

    /// What is to be reserved under which limits, in the order of `charges`; nothing for the probes.
    fn expected(&mut self, call: &Call, charges: &[Charge]) -> (Used, Vec<Due>) {
        let probe = |id: &str| {
            let of = charges.iter().find(|charge| charge.limit().id() == id);
            of.map_or(0, Charge::reserved)
        };
        let output = if call.ask.kind == Kind::Embed { 0 } else { probe(PROBES[1]) };
        let estimate = Used { input: probe(PROBES[0]), output, cached: 0 };
        let mut due = self.due(call, estimate);
        let mut take = |charge: &Charge| {
            if PROBES.contains(&charge.limit().id()) {
                return None;
            }
            let is = |one: &(Applied, u64)| {
                let (_, _, directory, id) = one.0.place;
                let key = charge.key();
                *charge.limit().id() == format!("limit-{}", one.0.limit)
                    && (key.directory(), key.id()) == (directory, id)
            };
            let found =
                due.iter().position(is).unwrap_or_else(|| panic!("{charge:?} applies to nobody here"));
            let (one, amount) = due.swap_remove(found);
            assert_eq!((charge.window(), charge.reserved()), (&one.window.window(), amount));
            let place = self.places.entry(charge.key().fingerprint()).or_insert_with(|| one.place.clone());
            assert_eq!(*place, one.place, "two have one bucket");
            if let Some((known, _)) = self.known.insert(one.place.clone(), (charge.clone(), one.window)) {
                assert_eq!(known.key().fingerprint(), charge.key().fingerprint(), "one has two buckets");
            }
            Some((one, amount))
        };
        let all = charges.iter().map(&mut take).collect();
        assert!(due.is_empty(), "not applied: {due:?}");
        (estimate, all)
    }

    fn due(&self, call: &Call, estimate: Used) -> Vec<(Applied, u64)> {
        let due = |one: Applied| {
            let limit = &self.scene.limits[one.limit];
            let priced = amount(self.scene, limit, &call.ask, estimate);
            assert!(priced.is_some() || limit.unpriced_free || limit.shadow, "it has no price");
            let amount = priced.filter(|amount| *amount > 0 || limit.unit != Unit::MicroUsd)?;
            let most = one.window.capacity();
            Some((one, amount.max(1).min(most)))
        };
        applied(self.scene, &call.caller, &call.ask).into_iter().filter_map(due).collect()
    }

    /// How long each has to wait by the model, and what may have been rounded off that.
    fn waits(&mut self, all: &[Due]) -> Vec<(i128, i128)> {
        let now = self.now();
        let wait = |one: &Due| {
            one.as_ref().map_or((0, 0), |(one, amount)| {
                let bucket = self.buckets.at(&one.place);
                (bucket.wait(one.window, *amount, now), bucket.rounded * FINE)
            })
        };
        all.iter().map(wait).collect()
    }

    fn admitted(&mut self, estimate: Used, all: &[Due], charges: &[Charge]) -> Account {
        let now = self.now();
        let waits = self.waits(all);
        let mut held = Vec::new();
        for ((one, charge), (wait, rounded)) in all.iter().zip(charges).zip(waits) {
            let Some((applied, amount)) = one else {
                held.push(None);
                continue;
            };
            let passed_over = charge.is_passed_over();
            let bucket = self.buckets.at(&applied.place);
            let booked = if passed_over {
                assert!(
                    self.scene.limits[applied.limit].shadow && wait > -rounded,
                    "passed over although there is room"
                );
                0
            } else {
                assert!(wait <= rounded, "admitted {} ns too early under {applied:?}", wait / FINE);
                bucket.book(applied.window, *amount, now);
                if let Err(excess) = bucket.holds(applied.window, now) {
                    panic!("over the bound of {applied:?}: {excess}");
                }
                *amount
            };
            assert_eq!(charge.reserved(), booked);
            held.push(Some(Held {
                applied: applied.clone(),
                reserved: booked,
                booked,
                ends: ends(applied.window, now),
                passed_over,
            }));
            self.stands(&applied.place);
        }
        Account { held, estimate, closed: false }
    }

    fn refused(
        &mut self,
        all: &[Due],
        charges: &[Charge],
        index: usize,
        retry_after: Duration,
    ) -> (Wait, bool) {
        let waits = self.waits(all);
        let mut longest = i128::MIN;
        let mut lifts = retry_after < FAR;
        for (one, (wait, rounded)) in all.iter().zip(&waits) {
            let Some((applied, _)) = one else { continue };
            if *wait > -rounded && !self.scene.limits[applied.limit].shadow {
                longest = longest.max(*wait);
                lifts &= !matches!(applied.window, WindowPlan::Level(_));
            }
        }
        assert!(longest > i128::MIN, "refused although there is room");
        let told = i128::try_from(retry_after.as_nanos()).unwrap() * FINE;
        let (bit, rounded) = waits[index];
        assert!(
            told <= longest + rounded + 2 * FINE && told >= longest - rounded - 2 * FINE,
            "told {retry_after:?}, {longest}"
        );
        assert!(
            bit >= longest - rounded - 2 * FINE && !charges[index].is_shadow(),
            "it is not the limit that bites"
        );
        // Those that were tried first gave it back, which may have been rounded.
        for (applied, _) in all.iter().flatten() {
            if let WindowPlan::Rate(amount, period, _) = applied.window {
                (0..2).for_each(|_| self.buckets.at(&applied.place).step(amount, period));
            }
            self.stands(&applied.place);
        }
        let second = FINE * 1_000_000_000;
        let sharp = (longest > second
            || matches!(all[index], Some((Applied { window: WindowPlan::Rate(..), .. }, _))))
        .then(|| Duration::from_nanos(u64::try_from(rounded / FINE).unwrap() + 4));
        (Wait { retry_after, sharp }, lifts)
    }

    /// A bucket stands as the model says.
    pub(super) fn stands(&mut self, place: &Place) {
        let (charge, window) = self.known[place].clone();
        let now = self.now();
        let bucket = self.buckets.at(place);
        let (left, full_in) = bucket.standing(window, now);
        let mut look = [charge];
        self.stage.store.look(&mut look);
        let standing = look[0].standing();
        let (seen, seen_in) =
            (i128::from(standing.left), i128::try_from(standing.full_in.as_nanos()).unwrap());
        let (units, nanos) = match window {
            WindowPlan::Rate(amount, period, _) => {
                let units = bucket.rounded * i128::from(amount) / i128::from(period * 1_000_000_000) + 1;
                (units, bucket.rounded + 1)
            }
            _ => (0, 0),
        };
        assert!((seen - left).abs() <= units, "{seen} left where the model has {left}: {place:?}");
        let rounded_off = full_in - seen_in;
        assert!(rounded_off.abs() <= nanos, "full in {seen_in} ns, not {full_in}: {place:?}");
    }
}
