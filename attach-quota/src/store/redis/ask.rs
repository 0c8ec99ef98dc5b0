//! Reserving with Redis, and looking.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use redis::ScriptInvocation;

use super::super::{Charge, Denied, Standing};
use super::link::{Trouble, within};
use super::outbox::Outbox;
use super::scripts::RESERVE;
use super::slot::Asking;
use super::table::Part;
use super::{RedisStore, Shared};

/// By how much the clock of the store is ahead of ours, in microseconds.
#[derive(Debug, Default)]
pub(super) struct Offset(AtomicI64);

impl Offset {
    /// Seconds since the epoch, there.
    pub(super) fn now(&self) -> u64 {
        let now = micros_here().saturating_add(self.0.load(Ordering::Relaxed));
        u64::try_from(now / 1_000_000).unwrap_or_default()
    }

    pub(super) fn learn(&self, seconds: i64, micros: i64) {
        let there = seconds.saturating_mul(1_000_000).saturating_add(micros);
        self.0.store(there.saturating_sub(micros_here()), Ordering::Relaxed);
    }
}

fn micros_here() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_micros()).unwrap_or(i64::MAX)
}

/// A reservation of which nobody knows yet whether it is booked. Dropped as such, it is taken back.
struct Pending<'a> {
    outbox: &'a Outbox,
    number: Option<u64>,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.outbox.cancel(number);
        }
    }
}

/// What the script said.
struct Answer {
    verdict: i64,
    joined: bool,
    /// For each charge what is left, the microseconds until it is full, and those to wait, or less than nothing.
    rows: Vec<[i64; 3]>,
}

const DENIED: i64 = 1;
const CANCELLED: i64 = 2;
const OTHER_PERIOD: i64 = 3;

impl RedisStore {
    /// Books every charge or none, in Redis.
    pub(super) async fn reserve_there(&self, charges: &mut [Charge]) -> Result<Result<(), Denied>, Trouble> {
        let shared = &*self.shared;
        let number = shared.table.number();
        let (answer, askings) = within(self.timing.deadline, self.ask(charges, Some(number))).await?;
        self.succeeded(answer.joined);
        note(charges, &answer);
        if answer.verdict == DENIED {
            return Ok(Err(refusal(charges, &answer)));
        }
        let mut parts = Vec::with_capacity(charges.len());
        for ((charge, asking), [_, _, wait]) in charges.iter_mut().zip(askings).zip(&answer.rows) {
            if *wait >= 0 {
                charge.pass_over();
            } else if asking.amount != charge.reserved() {
                charge.booked(asking.amount);
            }
            asking.tell(charge);
            parts.push(Part::shared(asking.slot, charge.reserved()));
        }
        shared.table.open(number, charges, parts, true);
        Ok(Ok(()))
    }

    /// Notes how the buckets stand in Redis.
    pub(super) async fn look_there(&self, charges: &mut [Charge]) -> Result<(), Trouble> {
        let (answer, _) = within(self.timing.deadline, self.ask(charges, None)).await?;
        self.succeeded(false);
        note(charges, &answer);
        Ok(())
    }

    async fn ask(&self, charges: &[Charge], number: Option<u64>) -> Result<(Answer, Vec<Asking>), Trouble> {
        let shared = &*self.shared;
        let connection = shared.front.connection().await?;
        let mut pending = Pending { outbox: &shared.outbox, number };
        // Twice, if the store's clock turns out to be in another period than ours.
        for _ in 0..2 {
            let now = shared.offset.now();
            let askings: Vec<_> = charges.iter().map(|one| Asking::of(one, now)).collect();
            let call = shared.invocation(&askings, number, self.timing.dead_after());
            let answer = read(&shared.front.run(&connection, &call).await?, &shared.offset)?;
            match answer.verdict {
                OTHER_PERIOD => {}
                CANCELLED => return Err(Trouble("it took the reservation back".into())),
                _ if answer.rows.len() != charges.len() => return Err(unreadable()),
                _ => {
                    pending.number = None;
                    return Ok((answer, askings));
                }
            }
        }
        Err(Trouble("its clock makes no sense".into()))
    }
}

impl Shared {
    fn invocation(
        &self,
        askings: &[Asking],
        number: Option<u64>,
        dead_after: Duration,
    ) -> ScriptInvocation<'_> {
        let mut call = RESERVE.prepare_invoke();
        call.key(&self.keys[0]).key(&self.keys[1]);
        let mode = if number.is_some() { "book" } else { "look" };
        call.arg(mode).arg(&self.node).arg(number.unwrap_or_default()).arg(millis(dead_after));
        for asking in askings {
            call.key(format!("{}{}", self.prefix, asking.slot.name));
            call.arg(asking.kind).arg(asking.amount).arg(&asking.figures[..]);
        }
        call
    }
}

fn read(answer: &[i64], offset: &Offset) -> Result<Answer, Trouble> {
    let [verdict, seconds, micros, joined, rows @ ..] = answer else { return Err(unreadable()) };
    offset.learn(*seconds, *micros);
    let rows = rows.chunks_exact(3).filter_map(|row| row.try_into().ok()).collect();
    Ok(Answer { verdict: *verdict, joined: *joined == 1, rows })
}

fn note(charges: &mut [Charge], answer: &Answer) {
    for (charge, [left, full_in, _]) in charges.iter_mut().zip(&answer.rows) {
        let left = u64::try_from(*left).unwrap_or_default();
        charge.stands(Standing::new(left, duration(*full_in)));
    }
}

/// The limit that takes longest to give way; of several, the first.
fn refusal(charges: &[Charge], answer: &Answer) -> Denied {
    let mut longest = (0, Duration::ZERO);
    for (index, (charge, [_, _, wait])) in charges.iter().zip(&answer.rows).enumerate() {
        if !charge.is_shadow() && duration(*wait) > longest.1 {
            longest = (index, duration(*wait));
        }
    }
    Denied::Limit { index: longest.0, retry_after: longest.1 }
}

fn duration(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or_default())
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn unreadable() -> Trouble {
    Trouble("its answer makes no sense".into())
}
