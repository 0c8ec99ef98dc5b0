use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use super::Key;
use crate::caller::Caller;
use crate::limit::{Action, Limit, Unit, Window};

/// An amount under a limit, for somebody.
#[derive(Debug, Clone)]
pub struct Charge {
    limit: Arc<Limit>,
    window: Window,
    key: Key,
    reserved: u64,
    spent: u64,
    used: u64,
    used_before: u64,
    standing: Standing,
    mark: u64,
    refused: bool,
    /// Who draws from what many share, where that matters.
    drawer: Option<NonZeroU64>,
    /// A running call asks for more.
    further: bool,
    /// Of a budget that several processes share: what its bucket is called there, and when its period ends.
    account: Option<(u128, u64)>,
}

impl Charge {
    /// A charge of `amount`, but never more than the limit holds: a modest limit stays usable, and no request is
    /// refused for ever. What is metered costs at least one.
    pub(crate) fn new(limit: &Arc<Limit>, window: Window, key: Key, amount: u64) -> Self {
        let reserved = amount.max(1).min(window.capacity().max(1));
        let standing = Standing::new(0, Duration::ZERO);
        Self {
            limit: Arc::clone(limit),
            window,
            key,
            reserved,
            spent: reserved,
            used: 0,
            used_before: 0,
            standing,
            mark: 0,
            refused: false,
            drawer: None,
            further: false,
            account: None,
        }
    }

    /// A charge of `amount` for somebody of whom only a name is known, as a layer made by
    /// [`QuotaLayer::by`](crate::QuotaLayer::by) has it: what tests of a store need. `None` if the limit is only for
    /// some.
    #[must_use]
    pub fn of(limit: &Arc<Limit>, name: &str, amount: u64) -> Option<Self> {
        let caller = Caller::Named(name.into());
        let key = caller.keys(limit).pop()?;
        Some(Self::new(limit, limit.window().clone(), key, amount).drawn_by(&caller))
    }

    /// The same, if it matters who draws from the bucket.
    pub(crate) fn drawn_by(mut self, caller: &Caller) -> Self {
        self.drawer = self.limit.is_fair().then(|| caller.fingerprint());
        self
    }

    /// A fingerprint of who draws from the bucket, if the limit is fair; never 0.
    pub(crate) fn drawer(&self) -> Option<u64> {
        self.drawer.map(NonZeroU64::get)
    }

    /// Whether a call that was admitted before asks for more.
    pub(crate) fn is_further(&self) -> bool {
        self.further
    }

    /// The limit.
    #[must_use]
    pub fn limit(&self) -> &Limit {
        &self.limit
    }

    /// How much there is for this caller, and when there is more: the limit's own window, unless an override says
    /// otherwise.
    #[must_use]
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// Whose bucket.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// What is booked, or to be booked.
    #[must_use]
    pub fn reserved(&self) -> u64 {
        self.reserved
    }

    /// What is to be booked instead of [`reserved`](Self::reserved).
    #[must_use]
    pub fn spent(&self) -> u64 {
        self.spent
    }

    /// What the call is known to have used; nothing until that is counted, even if a settlement of others comes first.
    /// What is [reserved](Self::reserved) ends with the process that reserved it, and this does not.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.used
    }

    /// What [`used`](Self::used) was at the settlement before this one; nothing at the first.
    #[must_use]
    pub fn used_before(&self) -> u64 {
        self.used_before
    }

    /// How the bucket stood when the store was last asked.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Whether a lack of room is to be noted ([`pass_over`](Self::pass_over)) and not a reason to deny.
    #[must_use]
    pub fn is_shadow(&self) -> bool {
        self.limit.on_exceed() == Action::Shadow
    }

    /// Whether a shadow charge found no room: nothing is booked for it.
    #[must_use]
    pub fn is_passed_over(&self) -> bool {
        self.refused
    }

    /// For a store: how the bucket stands now.
    pub fn stands(&mut self, standing: Standing) {
        self.standing = standing;
    }

    /// For a store: `amount` was booked, because the store counts in coarser units.
    pub fn booked(&mut self, amount: u64) {
        (self.reserved, self.spent) = (amount, amount);
        (self.used, self.used_before) = (0, 0);
    }

    /// For a store: there is no room for this shadow charge, and nothing was booked for it.
    pub fn pass_over(&mut self) {
        self.refused = true;
        self.booked(0);
    }

    /// For a store: its own mark of the reservation, to know it again when it is settled; 0 unless set.
    ///
    /// What a running call reserves in addition is added to its first charge if both have the same mark, and settled
    /// beside it if they have not.
    pub fn set_mark(&mut self, mark: u64) {
        self.mark = mark;
    }

    /// The store's own mark.
    #[must_use]
    pub fn mark(&self) -> u64 {
        self.mark
    }

    /// What the charge comes to, before it is settled. A shadow charge that was passed over stays at nothing.
    pub fn spend(&mut self, amount: u64) {
        self.spent = if self.refused { 0 } else { amount };
        self.used = self.spent;
    }

    /// The store was told; whatever comes next is measured against this.
    pub(crate) fn settled(&mut self) {
        (self.reserved, self.used_before) = (self.spent, self.used);
    }

    /// A charge of `amount` to the same bucket, not booked yet.
    pub(crate) fn further(&self, amount: u64) -> Self {
        let mut further = self.clone();
        (further.mark, further.refused, further.further) = (0, false, true);
        (further.used, further.used_before) = (0, 0);
        further.booked(amount.max(1).min(self.window.capacity().max(1)));
        further
    }

    /// Takes over what is booked for `other`, a [`further`](Self::further) charge; gives it back if the store has to
    /// know the two apart.
    pub(crate) fn join(&mut self, other: Self) -> Option<Self> {
        self.standing = other.standing;
        if self.mark != other.mark {
            return Some(other);
        }
        self.reserved = self.reserved.saturating_add(other.reserved);
        self.spent = self.spent.saturating_add(other.spent);
        None
    }

    /// Where it is counted, as a log can say it.
    #[cfg(feature = "redis")]
    pub(crate) fn counted_in(&mut self, bucket: u128, until: u64) {
        self.account = Some((bucket, until));
    }

    /// Of a budget that several processes share, once it is reserved: what its bucket is called there, and when its
    /// period ends, in seconds since 1970. What a log has to say so that counts that are lost can be put back.
    #[must_use]
    pub fn account(&self) -> Option<(u128, u64)> {
        self.account
    }

    pub(crate) fn shared_limit(&self) -> &Arc<Limit> {
        &self.limit
    }

    pub(crate) fn unit(&self) -> Unit {
        self.limit.unit()
    }
}

/// How a bucket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// What can be used at once.
    pub left: u64,
    /// When the bucket will be full again if nobody uses it: when a rate has refilled it, or when a budget's next period
    /// begins. Nothing for a level, which ends with the calls that hold it.
    pub full_in: Duration,
    /// The store was not asked: it is down, and the limit's [`WhenDown`](crate::WhenDown) decided.
    pub degraded: bool,
}

impl Standing {
    /// `left` now, and full again in `full_in`.
    #[must_use]
    pub fn new(left: u64, full_in: Duration) -> Self {
        Self { left, full_in, degraded: false }
    }

    /// The same, decided without the store.
    #[must_use]
    pub fn degraded(self) -> Self {
        Self { degraded: true, ..self }
    }
}
