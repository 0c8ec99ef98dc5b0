//! Word to whom it concerns when a budget comes to its end, before anybody is refused.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::limit::{Budget, Unit, Window};
use crate::store::{Charge, Denied, Key};

/// Who is refused with less than a tenth left has come to the end. With more it was the call that was too large, and any
/// caller can send one: it must not pass for the end of a budget that many share, and hide the real one.
const LITTLE: u128 = 10;

/// So many buckets are remembered to have been told of; beyond that, whoever is told may be told again.
const REMEMBERED: usize = 1 << 16;

/// A budget has been used up to some share of it.
///
/// It is noticed with a call under the budget, and told once for each bucket, share and period by each node; the
/// [`id`](Self::id) is the same on every node. Names a caller: `Debug` does not.
#[derive(Clone)]
#[non_exhaustive]
pub struct Alert {
    /// The same for the same bucket, period and share, whoever tells it.
    pub id: Box<str>,
    /// The limit's id.
    pub limit: Arc<str>,
    /// What is counted.
    pub unit: Unit,
    /// Whose bucket.
    pub key: Key,
    /// The share that was reached, in hundredths.
    pub percent: u8,
    /// How much is used, what is reserved for other running calls included.
    pub used: u64,
    /// How much there is.
    pub amount: u64,
    /// When the next period begins.
    pub resets_at: SystemTime,
}

/// Tells what budgets come to.
#[derive(Clone)]
pub(crate) struct Alerts(Arc<Inner>);

struct Inner {
    /// Hundredths, the highest first.
    at: Vec<u8>,
    tell: Box<dyn Fn(Alert) + Send + Sync>,
    /// By bucket: the end of its period, and the share that was told.
    told: Told,
}

type Told = Arc<Mutex<HashMap<u128, (u64, u8)>>>;

impl Alerts {
    /// What `before` has told is not told again.
    pub(crate) fn new(
        before: Option<&Self>,
        at: impl IntoIterator<Item = u8>,
        tell: impl Fn(Alert) + Send + Sync + 'static,
    ) -> Self {
        let mut at: Vec<_> = at.into_iter().filter(|percent| (1..=100).contains(percent)).collect();
        at.sort_unstable_by(|a, b| b.cmp(a));
        let told = before.map(|before| Arc::clone(&before.0.told)).unwrap_or_default();
        Self(Arc::new(Inner { at, tell: Box::new(tell), told }))
    }

    /// Looks at buckets that were just asked for; one that refused with [little](LITTLE) left is used up. Of buckets that
    /// could not be asked nothing is known.
    pub(crate) fn look(&self, charges: &[Charge], denied: Option<&Denied>) {
        let bit = match denied {
            None => None,
            Some(Denied::Limit { index, .. }) => Some(*index),
            Some(_) => return,
        };
        for (index, charge) in charges.iter().enumerate() {
            // What this call reserves it may never use: the next one that looks will know.
            let own = if bit.is_none() && charge.unit().is_metered() { charge.reserved() } else { 0 };
            if let Window::Budget(budget) = charge.window()
                && !charge.standing().degraded
                && let used = used(charge, budget).saturating_sub(own)
                && let Some(percent) = self.reached(used, budget, bit == Some(index))
            {
                self.tell(charge, budget, (percent, used));
            }
        }
    }

    fn reached(&self, used: u64, budget: &Budget, refused: bool) -> Option<u8> {
        let (used, amount) = (u128::from(used), u128::from(budget.amount()));
        let used_up = refused && amount.saturating_sub(used) * LITTLE <= amount;
        self.0.at.iter().copied().find(|percent| used_up || used * 100 >= amount * u128::from(*percent))
    }

    fn tell(&self, charge: &Charge, budget: &Budget, (percent, used): (u8, u64)) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let (start, end) = budget.bounds(now);
        if !self.is_news(charge.key().fingerprint(), end, percent, now) {
            return;
        }
        let key = charge.key();
        // Quoted, so that no two pairs read the same.
        let whose = format!("{:?}/{:?}", key.directory(), key.id());
        (self.0.tell)(Alert {
            id: format!("{}:{}:{whose}:{start}:{percent}", key.bucket(), key.scope().as_str()).into(),
            limit: Arc::clone(charge.shared_limit().shared_id()),
            unit: charge.limit().unit(),
            key: key.clone(),
            percent,
            used,
            amount: budget.amount(),
            resets_at: SystemTime::UNIX_EPOCH + Duration::from_secs(end),
        });
    }

    fn is_news(&self, bucket: u128, end: u64, percent: u8, now: u64) -> bool {
        let mut told = self.0.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.get(&bucket).is_some_and(|known| known.0 == end && known.1 >= percent) {
            return false;
        }
        if told.len() >= REMEMBERED {
            told.retain(|_, (end, _)| *end > now);
            if told.len() >= REMEMBERED {
                told.clear();
            }
        }
        told.insert(bucket, (end, percent));
        true
    }
}

fn used(charge: &Charge, budget: &Budget) -> u64 {
    budget.amount().saturating_sub(charge.standing().left)
}

impl fmt::Debug for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alert")
            .field("limit", &self.limit)
            .field("percent", &self.percent)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Caller;
    use crate::store::Standing;
    use crate::{Limit, Period};

    fn charge(name: &str, left: u64) -> Charge {
        let limit = Arc::new(Limit::tokens("month", Budget::new(1000, Period::Month)));
        let key = Caller::Named(name.into()).keys(&limit).remove(0);
        let mut charge = Charge::new(&limit, limit.window().clone(), key, 1);
        charge.stands(Standing::new(left, Duration::ZERO));
        charge
    }

    type Told = Arc<Mutex<Vec<(String, u8)>>>;

    fn alerts() -> (Alerts, Told) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&told);
        let tell = move |alert: Alert| {
            let whose = alert.key.id().unwrap_or_default().to_owned();
            notes.lock().expect("not poisoned").push((whose, alert.percent));
        };
        (Alerts::new(None, [80, 100, 0, 200], tell), told)
    }

    #[test]
    fn each_share_is_told_once_for_each_bucket() {
        let (alerts, told) = alerts();
        // Each call reserves 1.
        for left in [999, 200, 199, 150, 300, 1, 0, 0] {
            alerts.look(&[charge("alice", left)], None);
        }
        let refused = Denied::Limit { index: 0, retry_after: Duration::ZERO };
        for _ in 0..2 {
            alerts.look(&[charge("alice", 0)], Some(&refused));
        }
        alerts.look(&[charge("bob", 40)], Some(&refused));
        let told = told.lock().expect("not poisoned");
        let expected = [("alice", 80), ("alice", 100), ("bob", 100)];
        assert_eq!(*told, expected.map(|(whose, percent)| (whose.to_owned(), percent)));
    }

    #[test]
    fn other_shares_and_another_ear_tell_only_what_is_news() {
        let (before, told) = alerts();
        before.look(&[charge("alice", 150)], None);
        let (notes, again) = (Arc::clone(&told), &before);
        let tell = move |alert: Alert| {
            let whose = format!("now {}", alert.key.id().unwrap_or_default());
            notes.lock().expect("not poisoned").push((whose, alert.percent));
        };
        let after = Alerts::new(Some(again), [50, 90], tell);
        for left in [140, 99] {
            after.look(&[charge("alice", left)], None);
        }
        let expected = [("alice", 80), ("now alice", 90)];
        let told = told.lock().expect("not poisoned");
        assert_eq!(*told, expected.map(|(whose, percent)| (whose.to_owned(), percent)));
    }

    #[test]
    fn a_call_too_large_for_what_is_left_is_no_end_of_the_budget() {
        let (alerts, told) = alerts();
        let refused = Denied::Limit { index: 0, retry_after: Duration::ZERO };
        alerts.look(&[charge("alice", 999)], Some(&refused));
        assert!(told.lock().expect("not poisoned").is_empty(), "one token is used");
        alerts.look(&[charge("alice", 150)], Some(&refused));
        alerts.look(&[charge("alice", 100)], Some(&refused));
        let expected = [("alice", 80), ("alice", 100)].map(|(whose, percent)| (whose.to_owned(), percent));
        assert_eq!(*told.lock().expect("not poisoned"), expected);
    }

    #[test]
    fn what_a_call_reserves_for_itself_is_not_used_yet() {
        let (alerts, told) = alerts();
        let mut large = charge("alice", 0);
        large.booked(1000);
        alerts.look(&[large], None);
        assert!(told.lock().expect("not poisoned").is_empty());
    }

    #[test]
    fn a_store_that_is_down_tells_nothing() {
        let (alerts, told) = alerts();
        // As a store that cannot be asked leaves it.
        alerts.look(&[charge("alice", 0)], Some(&Denied::Unavailable));
        assert!(told.lock().expect("not poisoned").is_empty());
    }

    #[test]
    fn what_was_decided_without_the_store_tells_nothing() {
        let (alerts, told) = alerts();
        let mut degraded = charge("alice", 0);
        degraded.stands(Standing::new(0, Duration::ZERO).degraded());
        alerts.look(&[degraded], None);
        assert!(told.lock().expect("not poisoned").is_empty());
    }

    #[test]
    fn debug_names_nobody() {
        let (alerts, _) = alerts();
        let shown = Arc::new(Mutex::new(String::new()));
        let note = Arc::clone(&shown);
        let alerts = Alerts::new(None, alerts.0.at.clone(), move |alert| {
            *note.lock().expect("not poisoned") = format!("{alert:?}");
        });
        alerts.look(&[charge("alice", 0)], None);
        let shown = shown.lock().expect("not poisoned");
        assert!(shown.contains("month") && !shown.contains("alice"), "{shown}");
    }
}
