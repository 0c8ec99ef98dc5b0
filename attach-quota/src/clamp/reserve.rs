use std::sync::Arc;

use attach_core::{Exchange, Rejection};

use super::{Clamped, ENDLESS, clamps};
use crate::bill::Asked;
use crate::caller::Caller;
use crate::limit::Limit;
use crate::metrics::Decided;
use crate::store::{Charge, Denied};
use crate::{QuotaLayer, refusal};

/// How often a call asks for less while others take what it saw.
const TRIES: usize = 4;

/// What is booked for a call.
pub(crate) struct Reserved {
    pub(crate) charges: Vec<Charge>,
    /// The call gets less output than it wants.
    pub(crate) clamped: Option<Clamped>,
}

impl QuotaLayer {
    /// Books what the call wants, or where limits that clamp have less, what they have.
    ///
    /// # Errors
    ///
    /// The refusal, if there is not even that.
    pub(crate) async fn book_charges(
        &self,
        caller: &Caller,
        exchange: &Exchange,
        mut asked: Asked<'_>,
    ) -> Result<Reserved, Rejection> {
        let mut bit = None;
        let mut tries = TRIES;
        loop {
            let mut charges = self.book().charges(caller, asked)?;
            if charges.is_empty() {
                return Ok(Reserved { charges, clamped: None });
            }
            let asked_at = exchange.elapsed();
            let reserved = self.store.reserve(&mut charges).await;
            self.metrics.reserved_in(exchange.elapsed().saturating_sub(asked_at));
            if let Some(alerts) = &self.alerts {
                alerts.look(&charges, reserved.as_ref().err());
            }
            let Err(denied) = reserved else {
                self.metrics.admitted(&charges);
                let clamped = self.granted(&charges, asked, bit);
                if let Some(clamped) = &clamped {
                    self.metrics.decided(clamped.limit(), Decided::Clamped);
                }
                return Ok(Reserved { charges, clamped });
            };
            tries -= 1;
            let Some((output, limit)) = self.less(denied, &charges, asked, tries) else {
                self.metrics.denied(&denied, &charges);
                return Err(refusal::of(denied, &charges, exchange));
            };
            asked = asked.with_output(output);
            bit = Some(limit);
        }
    }

    /// What may be tried instead of what was denied, and which limit has so little.
    fn less(
        &self,
        denied: Denied,
        charges: &[Charge],
        asked: Asked<'_>,
        tries: usize,
    ) -> Option<(u64, Arc<Limit>)> {
        let Denied::Limit { index, .. } = denied else { return None };
        let wanted = asked.wanted.filter(|_| tries > 0)?;
        // If another limit is in the way for longer, less output does not help.
        charges.get(index).filter(|charge| clamps(charge.limit()))?;
        let (room, limit) = self.tightest(charges, asked, |charge| charge.standing().left)?;
        let smaller = wanted.output.checked_sub(1)?;
        if room >= wanted.least && tries > 1 {
            return Some((room.min(smaller).max(wanted.least), limit))
                .filter(|(less, _)| *less < wanted.output);
        }
        // With nothing left, the caller is told when the same call passes without being cut to pieces.
        (wanted.enough < wanted.output).then_some((wanted.enough, limit))
    }

    /// How much shorter the answer has to be than it was to be at first, for what was booked; `bit` is the limit that had
    /// less than that.
    fn granted(&self, charges: &[Charge], asked: Asked<'_>, bit: Option<Arc<Limit>>) -> Option<Clamped> {
        let wanted = asked.wanted?;
        // Nothing is booked beyond what a bucket holds. A call that is too large for it passes nevertheless, once.
        let (booked, smallest) = self.tightest(charges, asked, Charge::reserved)?;
        let granted = if booked < wanted.least { wanted.enough } else { booked };
        let granted = granted.min(wanted.output);
        let limit = if granted < wanted.output { smallest } else { bit? };
        Some(Clamped { each: granted / wanted.answers, limit })
    }

    /// The fewest output tokens that `amount` of a limit that clamps is good for.
    fn tightest(
        &self,
        charges: &[Charge],
        asked: Asked<'_>,
        amount: impl Fn(&Charge) -> u64,
    ) -> Option<(u64, Arc<Limit>)> {
        let clamping = charges.iter().filter(|charge| clamps(charge.limit()));
        let rooms = clamping.map(|charge| {
            let limit = charge.shared_limit();
            let counted = |output| self.book().counted(limit, asked.with_output(output)).unwrap_or(u64::MAX);
            (most_output(amount(charge), counted), Arc::clone(limit))
        });
        rooms.min_by_key(|(room, _)| *room)
    }
}

/// The most output for which no more than `amount` is `counted`, which grows with it.
fn most_output(amount: u64, counted: impl Fn(u64) -> u64) -> u64 {
    if counted(ENDLESS) <= amount {
        return ENDLESS;
    }
    let (mut fits, mut beyond) = (0, ENDLESS);
    while beyond - fits > 1 {
        let middle = fits + (beyond - fits) / 2;
        if counted(middle) <= amount {
            fits = middle;
        } else {
            beyond = middle;
        }
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_output_is_found() {
        for (amount, most) in
            [(0, 0), (8, 0), (9, 0), (10, 0), (11, 0), (12, 1), (18, 3), (19, 3), (20, 3), (21, 4)]
        {
            assert_eq!(most_output(amount, |output| 9 + 3 * output), most, "{amount}");
        }
        assert_eq!(most_output(9, |_| 9), ENDLESS, "output is free");
        assert_eq!(most_output(u64::MAX, |output| output), ENDLESS);
    }
}
