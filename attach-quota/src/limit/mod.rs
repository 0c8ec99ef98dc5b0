//! What a limit is: who × what × unit × window × action.

use std::sync::Arc;

mod action;
mod bucket;
mod budget;
mod narrow;
mod rate;
mod unit;
mod weights;
mod what;
mod who;
mod window;

pub use self::action::{Action, Unpriced, WhenDown};
pub use self::budget::{Budget, Period, TimeZoneError};
pub use self::rate::{Rate, RateError};
pub use self::unit::Unit;
pub use self::weights::Weights;
pub(crate) use self::what::Subject;
pub use self::who::Scope;
pub(crate) use self::who::Subjects;
pub use self::window::Window;

/// So much of something, in so much time or at a time, for each of somebody.
///
/// A limit is for everybody and every call unless it is narrowed, and each user has a bucket of their own unless
/// another [`Scope`] is set.
///
/// ```
/// use attach_quota::{Action, Budget, Limit, Period, Rate, Scope};
///
/// let limit = Limit::tokens("per-app", Rate::per_minute(60_000)).burst(10_000).each(Scope::Client);
/// assert_eq!((limit.id(), limit.capacity()), ("per-app", 10_000));
///
/// let money = Limit::micro_usd("budget", Budget::new(500_000_000, Period::Month)).action(Action::Cut);
/// let parallel = Limit::concurrent("at-a-time", 8).models(["gpt-4*".parse()?]);
/// # let _ = (money, parallel);
/// # Ok::<(), attach_core::call::ModelGlobError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    id: Arc<str>,
    bucket: Arc<str>,
    /// Of the bucket's name and the unit, in this process.
    fingerprint: u128,
    unit: Unit,
    window: Window,
    weights: Weights,
    scope: Scope,
    who: Subjects,
    what: Subject,
    action: Action,
    when_down: Option<WhenDown>,
    unpriced: Unpriced,
    fair: bool,
}

/// How much a limit gives: a [`Rate`] or a [`Budget`].
pub trait Amount {
    /// The window of a limit of this amount.
    fn window(self) -> Window;
}

impl Amount for Rate {
    fn window(self) -> Window {
        Window::Rate { rate: self, burst: self.amount() }
    }
}

impl Amount for Budget {
    fn window(self) -> Window {
        Window::Budget(self)
    }
}

impl Limit {
    /// A limit on input and output tokens together.
    ///
    /// The `id` is what answers and the audit trail call the limit, so it should not change, and no two limits
    /// should share one.
    #[must_use]
    pub fn tokens(id: impl Into<Arc<str>>, amount: impl Amount) -> Self {
        Self::new(id, Unit::Tokens, amount.window())
    }

    /// A limit on input tokens.
    #[must_use]
    pub fn input_tokens(id: impl Into<Arc<str>>, amount: impl Amount) -> Self {
        Self::new(id, Unit::InputTokens, amount.window())
    }

    /// A limit on output tokens.
    #[must_use]
    pub fn output_tokens(id: impl Into<Arc<str>>, amount: impl Amount) -> Self {
        Self::new(id, Unit::OutputTokens, amount.window())
    }

    /// A limit on the number of requests.
    #[must_use]
    pub fn requests(id: impl Into<Arc<str>>, amount: impl Amount) -> Self {
        Self::new(id, Unit::Requests, amount.window())
    }

    /// A limit on money, in millionths of a US dollar.
    #[must_use]
    pub fn micro_usd(id: impl Into<Arc<str>>, amount: impl Amount) -> Self {
        Self::new(id, Unit::MicroUsd, amount.window())
    }

    /// A limit on the requests that run at the same time. An answer counts until its last byte is sent.
    #[must_use]
    pub fn concurrent(id: impl Into<Arc<str>>, at_a_time: u64) -> Self {
        Self::new(id, Unit::Concurrent, Window::Level(at_a_time))
    }

    fn new(id: impl Into<Arc<str>>, unit: Unit, window: Window) -> Self {
        let id = id.into();
        Self {
            bucket: Arc::clone(&id),
            fingerprint: 0,
            id,
            unit,
            window,
            weights: Weights::default(),
            scope: Scope::User,
            who: Subjects::default(),
            what: Subject::default(),
            action: Action::Refuse,
            when_down: None,
            unpriced: Unpriced::Refuse,
            fair: false,
        }
        .drawing_from(None)
    }

    /// How much may be used at once after a pause; what the rate gives in one period unless set, and at least one.
    /// Only rates have a burst.
    #[must_use]
    pub fn burst(mut self, most: u64) -> Self {
        if let Window::Rate { burst, .. } = &mut self.window {
            *burst = most.max(1);
        }
        self
    }

    /// What tokens of each kind count; one each unless set.
    #[must_use]
    pub fn weights(mut self, weights: Weights) -> Self {
        self.weights = weights;
        self
    }

    /// What happens when there is no room; calls are refused unless set.
    #[must_use]
    pub fn action(mut self, action: Action) -> Self {
        self.action = action;
        self
    }

    /// What happens while a store that nodes share cannot be asked. Unless set, limits on money are closed and others
    /// are local.
    #[must_use]
    pub fn when_store_down(mut self, when_down: WhenDown) -> Self {
        self.when_down = Some(when_down);
        self
    }

    /// What a limit on money does with a model that has no price; calls are refused unless set. In shadow a limit
    /// refuses nobody, and such a model is free.
    #[must_use]
    pub fn unpriced(mut self, unpriced: Unpriced) -> Self {
        self.unpriced = unpriced;
        self
    }

    /// Whoever has used more than an equal share of what many draw from is refused first, so that a quarter of it is kept
    /// for those who have used less. Only what a group, a claim's value, a directory or everyone shares has shares; it
    /// changes nothing about other limits.
    #[must_use]
    pub fn fair(mut self) -> Self {
        self.fair = true;
        self
    }

    /// Whether those who share are to have equal shares.
    #[must_use]
    pub fn is_fair(&self) -> bool {
        self.fair && self.scope.is_shared()
    }

    /// The limit's name in answers and in the audit trail.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What is counted.
    #[must_use]
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// How much, and when there is more.
    #[must_use]
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// The most that can be used at once.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.window.capacity()
    }

    /// Who has a bucket of their own.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// What happens when there is no room.
    #[must_use]
    pub fn on_exceed(&self) -> Action {
        self.action
    }

    /// What happens while a store that nodes share cannot be asked.
    #[must_use]
    pub fn when_down(&self) -> WhenDown {
        self.when_down.unwrap_or(match self.unit {
            Unit::MicroUsd => WhenDown::Closed,
            _ => WhenDown::Local,
        })
    }

    /// What a limit on money does with a model that has no price.
    #[must_use]
    pub fn on_unpriced(&self) -> Unpriced {
        self.unpriced
    }

    /// Whether a call to a model without a price is refused. A limit in shadow is there to learn from, and refuses nobody.
    pub(crate) fn refuses_unpriced(&self) -> bool {
        self.unpriced == Unpriced::Refuse && self.action != Action::Shadow
    }

    pub(crate) fn shared_id(&self) -> &Arc<str> {
        &self.id
    }

    pub(crate) fn token_weights(&self) -> Weights {
        self.weights
    }

    pub(crate) fn who(&self) -> &Subjects {
        &self.who
    }

    pub(crate) fn what(&self) -> &Subject {
        &self.what
    }

    pub(crate) fn reads_body(&self) -> bool {
        self.unit.is_metered() || self.what.reads_body()
    }
}
