use super::super::Charge;
use super::super::digest::digest;
use crate::limit::Window;

/// The furthest that a rate may be from full: 2^50 microseconds, 35 years.
const FAR: f64 = (1_u64 << 50) as f64;

/// Amounts end here, so that a double tells each from the next.
const MOST: u64 = 1 << 52;

/// A bucket in Redis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Slot {
    /// Its key, after what all keys begin with.
    pub(super) name: String,
    pub(super) kind: Kind,
}

impl Slot {
    /// Of the budget that is called `bucket`, in the period that ends then.
    pub(super) fn budget(bucket: u128, end: u64) -> Self {
        Self { name: format!("b:{bucket:032x}:{end}"), kind: Kind::Budget }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// How many microseconds a unit takes to flow in.
    Rate(f64),
    Budget,
    Level,
}

/// A charge as the script gets it: the bucket, its kind, the amount and three figures.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) slot: Slot,
    pub(super) kind: &'static str,
    pub(super) amount: u64,
    pub(super) figures: [String; 3],
    /// Of a budget: what its bucket is called, and when its period ends.
    account: Option<(u128, u64)>,
}

impl Asking {
    /// `now` is in seconds since the epoch.
    pub(super) fn of(charge: &Charge, now: u64) -> Self {
        let bucket = digest(charge.key(), charge.limit().unit());
        let digest = format!("{bucket:032x}");
        let kinds = if charge.is_shadow() { ["r", "b", "l"] } else { ["R", "B", "L"] };
        let reserved = charge.reserved().min(MOST);
        let figures = |figures: [u64; 3]| figures.map(|figure| figure.to_string());
        match charge.window() {
            Window::Rate { rate, burst } => {
                let period = u64::try_from(rate.period().as_micros()).unwrap_or(u64::MAX);
                let unit = period as f64 / rate.amount() as f64;
                let most = (*burst).min((FAR / unit) as u64).max(1);
                let full = most as f64 * period as f64 / rate.amount() as f64;
                Self {
                    slot: Slot { name: format!("r:{digest}"), kind: Kind::Rate(unit) },
                    kind: kinds[0],
                    amount: reserved.min(most),
                    figures: [period.to_string(), rate.amount().to_string(), full.to_string()],
                    account: None,
                }
            }
            Window::Budget(budget) => {
                let (start, end) = budget.bounds(now);
                Self {
                    slot: Slot::budget(bucket, end),
                    kind: kinds[1],
                    amount: reserved,
                    figures: figures([budget.amount().min(MOST), start, end]),
                    account: Some((bucket, end)),
                }
            }
            Window::Level(places) => Self {
                slot: Slot { name: format!("l:{digest}"), kind: Kind::Level },
                kind: kinds[2],
                amount: reserved,
                figures: figures([(*places).min(MOST), 0, 0]),
                account: None,
            },
        }
    }

    /// Has `charge` know where it is counted.
    pub(super) fn tell(&self, charge: &mut Charge) {
        if let Some((bucket, until)) = self.account {
            charge.counted_in(bucket, until);
        }
    }
}
