//! What a lease comes to, and what it books of that.

use std::sync::Arc;

use attach_core::exchange::Charged;
use attach_core::{Outcome, Usage};

use super::Lease;
use super::cutting::spend;
use crate::estimate::output_of_bytes;
use crate::limit::Unit;
use crate::store::{Charge, Settling};

/// An answer may run this many tokens ahead of what is booked, so that not every frame asks the store.
const SLACK: u64 = 32;

impl Lease {
    /// No answer that is charged: what the upstream reported nevertheless is booked, else the tokens go back. A place is
    /// held for as long as there is something to send.
    pub(crate) fn refund(&mut self) {
        self.refunded = true;
        self.conclude();
    }

    /// What is known now is what the call comes to: no frame of the answer changes it.
    pub(crate) fn conclude(&mut self) {
        let used = self.used();
        self.book(&used);
        self.settle(Settling::Running);
        self.state(&used);
    }

    /// Has the audit trail say what was charged where the upstream said nothing.
    pub(super) fn state(&self, used: &Usage) {
        self.exchange.facts(|facts| {
            facts.usage.input = facts.usage.input.max(used.input);
            facts.usage.output = facts.usage.output.max(used.output);
            if let Some(quota) = &mut facts.quota {
                quota.charged = self.charged();
            }
        });
    }

    /// What is booked where several processes count: what a recount from the log goes by.
    fn charged(&self) -> Vec<Charged> {
        let further = self.further.iter().map(|(_, charge)| charge);
        let booked = self.charges.iter().chain(further).filter(|charge| !charge.is_passed_over());
        let charged = booked.filter_map(|charge| {
            let (bucket, until) = charge.account()?;
            let limit_id = Arc::clone(charge.shared_limit().shared_id());
            Some(Charged { limit_id, bucket, until, amount: charge.spent() })
        });
        charged.filter(|charged| charged.amount > 0).collect()
    }

    /// Books `used` where it is more than was reserved, and where the stream is cut at some point takes care that more
    /// is reserved in time.
    pub(super) fn follow(&mut self, used: &Usage) {
        self.tariff.locate(&self.exchange);
        if let Some(cutting) = &mut self.cutting {
            cutting.follow(&self.charges, &self.tariff, used);
        }
        let (tariff, cutting) = (&self.tariff, &self.cutting);
        let mut more = false;
        for (index, charge) in self.charges.iter_mut().enumerate() {
            if !charge.unit().is_metered() || cutting.as_ref().is_some_and(|cutting| cutting.extends(index)) {
                continue;
            }
            let spent = tariff.comes_to(charge, used);
            if spent > charge.reserved().saturating_add(slack(charge)) {
                charge.spend(spent);
                more = true;
            }
        }
        if more {
            self.settle(Settling::Running);
        }
    }

    pub(super) fn book(&mut self, used: &Usage) {
        self.tariff.locate(&self.exchange);
        for (index, charge) in self.charges.iter_mut().enumerate() {
            let spent = self.tariff.comes_to(charge, used);
            let further = self.further.iter_mut().filter(|(of, _)| *of == index).map(|(_, charge)| charge);
            spend(spent, charge, further);
        }
    }

    pub(super) fn settle(&mut self, settling: Settling) {
        self.store.settle(&self.charges, settling);
        for (_, charge) in &self.further {
            self.store.settle(std::slice::from_ref(charge), settling);
        }
        for charge in self.charges.iter_mut().chain(self.further.iter_mut().map(|(_, charge)| charge)) {
            self.unflushed |= charge.used() != charge.used_before();
            charge.settled();
        }
    }

    /// What is used so far: what the upstream reported, else what we counted, else what we estimated.
    pub(super) fn used(&self) -> Usage {
        let (usage, outcome) = self.exchange.facts(|facts| (facts.usage, facts.outcome()));
        self.used_of(usage, outcome)
    }

    pub(super) fn used_of(&self, mut usage: Usage, outcome: Option<Outcome>) -> Usage {
        if self.refunded {
            return usage;
        }
        let blind = self.blind.map_or(0, |blind| output_of_bytes(blind.api, blind.bytes, blind.encoded));
        usage.output = usage.output.max(blind);
        // No call has no input: zero is what nobody has reported yet, or never does for a cached prompt.
        if usage.input == 0 && !(usage.output == 0 && outcome.is_some_and(broke)) {
            usage.input = self.estimate.input;
        }
        usage
    }
}

/// Money has finer units than tokens: a thousandth of a cent, or a hundredth of what was reserved.
fn slack(charge: &Charge) -> u64 {
    match charge.unit() {
        Unit::MicroUsd => (charge.reserved() / 100).max(10),
        _ => SLACK,
    }
}

/// Whether an exchange ended by no doing of the caller's.
fn broke(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Rejected(_) | Outcome::Blocked | Outcome::Failed | Outcome::Timeout)
}
