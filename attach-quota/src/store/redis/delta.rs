//! A change to a bucket that keeps its meaning while it waits.

use super::slot::Kind;

/// What happened to a bucket. Of a counter: what is added. Of a rate, in microseconds: what is added to the moment at
/// which it is full again, and when it is full again at the earliest.
///
/// A debt makes of `x` the later of `x` and now, and so much on top: `max(x, now) + n`. A refund makes `x - n`. Both are
/// `max(x + amount, floor)`, and so is any number of them one after the other: a day's debts are two figures, and what
/// flowed in between them is not forgotten.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Delta {
    pub(super) amount: f64,
    /// On the clock of the node.
    pub(super) floor: Option<f64>,
}

impl Delta {
    /// `amount` units more than was booked (less, if negative), at `now`.
    pub(super) fn new(kind: Kind, amount: f64, now: f64) -> Self {
        match kind {
            Kind::Rate(unit) if amount > 0.0 => {
                Self { amount: amount * unit, floor: Some(now + amount * unit) }
            }
            Kind::Rate(unit) => Self { amount: amount * unit, floor: None },
            Kind::Budget | Kind::Level => Self { amount, floor: None },
        }
    }

    /// This, and then `next`.
    pub(super) fn then(self, next: Self) -> Self {
        let moved = self.floor.map(|floor| floor + next.amount);
        let floor = match (moved, next.floor) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
        Self { amount: self.amount + next.amount, floor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(delta: Delta, x: f64) -> f64 {
        delta.floor.map_or(x + delta.amount, |floor| floor.max(x + delta.amount))
    }

    #[test]
    fn any_number_of_debts_and_refunds_is_what_they_were_one_after_the_other() {
        let kind = Kind::Rate(10.0);
        let history = [(5.0, 0.0), (3.0, 200.0), (-2.0, 210.0), (-9.0, 220.0), (40.0, 300.0), (-1.0, 301.0)];
        let deltas = history.map(|(amount, now)| Delta::new(kind, amount, now));
        let whole = deltas.into_iter().reduce(Delta::then).expect("some");
        for x in [-1e9, -50.0, 0.0, 100.0, 250.0, 1e6] {
            let one_by_one = deltas.into_iter().fold(x, |x, delta| apply(delta, x));
            assert!((apply(whole, x) - one_by_one).abs() < 1e-6, "{x}");
        }
    }
}
