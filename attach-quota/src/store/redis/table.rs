use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::{Charge, MemoryStore, Settling, Store};
use super::delta::Delta;
use super::outbox::{Change, Outbox};
use super::slot::{Kind, Slot};

/// The reservations of this node that have not ended.
///
/// A charge's mark says which reservation it is of, and which of its charges it is.
#[derive(Debug)]
pub(super) struct Table {
    open: Mutex<HashMap<u64, Open>>,
    next: AtomicU64,
}

/// A reservation.
#[derive(Debug)]
struct Open {
    parts: Vec<Part>,
    /// Redis has a record of it.
    recorded: bool,
}

/// One charge of a reservation.
#[derive(Debug)]
pub(super) struct Part {
    slot: Slot,
    /// What Redis was told that it comes to.
    told: u64,
    /// What would go back if this node died.
    held: u64,
    /// What the call holds at the moment, whoever knows.
    taken: u64,
    /// The charge to this node's share, where that decided.
    local: Option<Charge>,
}

impl Part {
    /// Booked in Redis.
    pub(super) fn shared(slot: Slot, booked: u64) -> Self {
        let held = if matches!(slot.kind, Kind::Rate(_)) { 0 } else { booked };
        Self { slot, told: booked, held, taken: booked, local: None }
    }

    /// Booked here, or nowhere. Redis learns of it when it is back.
    pub(super) fn degraded(slot: Slot, booked: u64, local: Option<Charge>) -> Self {
        Self { slot, told: 0, held: 0, taken: booked, local }
    }

    fn settle(&mut self, spent: u64, settling: Settling, place: &Place<'_>) -> Option<(String, Delta)> {
        if let Some(local) = &mut self.local {
            local.spend(spent);
            place.memory.settle(std::slice::from_ref(local), settling);
            local.booked(local.spent());
        }
        self.taken = spent;
        let is_level = self.slot.kind == Kind::Level;
        if is_level && !place.recorded {
            return None;
        }
        let amount = spent as f64 - self.told as f64;
        self.told = spent;
        self.held = if is_level && settling == Settling::Running { spent } else { 0 };
        let delta = || (self.slot.name.clone(), Delta::new(self.slot.kind, amount, place.now));
        (amount != 0.0).then(delta)
    }
}

struct Place<'a> {
    memory: &'a MemoryStore,
    recorded: bool,
    now: f64,
}

impl Table {
    pub(super) fn new() -> Self {
        Self { open: Mutex::default(), next: AtomicU64::new(1) }
    }

    /// The number of a new reservation.
    pub(super) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Opens a reservation of as many parts as charges.
    pub(super) fn open(&self, number: u64, charges: &mut [Charge], parts: Vec<Part>, recorded: bool) {
        for (index, charge) in (0..).zip(charges) {
            charge.set_mark(mark(number, index));
        }
        self.lock().insert(number, Open { parts, recorded });
    }

    pub(super) fn settle(
        &self,
        charges: &[Charge],
        settling: Settling,
        memory: &MemoryStore,
        outbox: &Outbox,
    ) {
        let Some(number) = charges.iter().map(|charge| number(charge.mark())).find(|number| *number > 0)
        else {
            return;
        };
        let mut table = self.lock();
        let Some(open) = table.get_mut(&number) else { return };
        let held = open.held();
        let place = Place { memory, recorded: open.recorded, now: outbox.now() };
        let mut deltas = Vec::new();
        for charge in charges {
            if let Some(part) = open.parts.get_mut(index(charge.mark())) {
                deltas.extend(part.settle(charge.spent(), settling, &place));
            }
        }
        let (last, recorded) = (settling == Settling::Last, open.recorded);
        let news = last || !deltas.is_empty() || open.held() != held;
        // Told while the table is locked, so that a restatement comes before or after as a whole.
        match recorded {
            true if news => outbox.change(number, Change { held, record: open.record(), deltas }),
            true => {}
            false => outbox.debts(deltas),
        }
        if last {
            table.remove(&number);
        }
    }

    /// Tells Redis anew what calls hold that are running: it was emptied, took this node for dead, or was not there
    /// when they began.
    pub(super) fn restate(&self, outbox: &Outbox) {
        let mut table = self.lock();
        for (number, open) in table.iter_mut() {
            if !open.recorded {
                open.claim_places();
            }
            if open.recorded && open.parts.iter().any(|part| part.held > 0) {
                let (held, record) = (open.held(), open.record());
                outbox.change(*number, Change { held, record, deltas: Vec::new() });
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Places that were taken without Redis are taken there as well.
    fn claim_places(&mut self) {
        for part in self.parts.iter_mut().filter(|part| part.slot.kind == Kind::Level) {
            (part.told, part.held) = (part.taken, part.taken);
            self.recorded |= part.taken > 0;
        }
    }

    fn held(&self) -> Vec<(String, u64)> {
        let parts = self.parts.iter().filter(|part| part.held > 0);
        parts.map(|part| (part.slot.name.clone(), part.held)).collect()
    }

    fn record(&self) -> String {
        self.held().iter().fold(String::new(), |mut text, (name, held)| {
            let _ = write!(text, "{}{name} {held}", if text.is_empty() { "" } else { " " });
            text
        })
    }
}

fn mark(number: u64, index: u64) -> u64 {
    number << 16 | (index & 0xffff)
}

fn number(mark: u64) -> u64 {
    mark >> 16
}

fn index(mark: u64) -> usize {
    (mark & 0xffff) as usize
}
