//! What a limit is: who × what × unit × window × action.

use std::sync::Arc;

use attach_core::Api;
use attach_core::call::ModelGlob;
use attach_core::identity::{Group, Kind};

mod action;
mod budget;
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
use crate::store::fingerprint_of;

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

    /// Who has a bucket of their own; each user unless set.
    #[must_use]
    pub fn each(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Only for members of these groups.
    #[must_use]
    pub fn groups(mut self, groups: impl IntoIterator<Item = Group>) -> Self {
        self.who.groups.extend(groups);
        self
    }

    /// Only for callers of these stable ids.
    #[must_use]
    pub fn users<U: Into<Arc<str>>>(mut self, users: impl IntoIterator<Item = U>) -> Self {
        self.who.users.extend(users.into_iter().map(Into::into));
        self
    }

    /// Only for callers by these OAuth clients.
    #[must_use]
    pub fn clients<C: Into<Arc<str>>>(mut self, clients: impl IntoIterator<Item = C>) -> Self {
        self.who.clients.extend(clients.into_iter().map(Into::into));
        self
    }

    /// Only for people, or only for machines.
    #[must_use]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.who.kind = Some(kind);
        self
    }

    /// Only for calls that ask for these models.
    #[must_use]
    pub fn models(mut self, models: impl IntoIterator<Item = ModelGlob>) -> Self {
        self.what.models.extend(models);
        self
    }

    /// Only for these operations.
    #[must_use]
    pub fn apis(mut self, apis: impl IntoIterator<Item = Api>) -> Self {
        self.what.apis.extend(apis);
        self
    }

    /// Only for calls that go to these upstreams of the [`Destination`](attach_core::Destination). A call that may go to
    /// one of them reserves, and gets it back if it went elsewhere.
    #[must_use]
    pub fn upstreams<U: Into<Arc<str>>>(mut self, upstreams: impl IntoIterator<Item = U>) -> Self {
        self.what.upstreams.extend(upstreams.into_iter().map(Into::into));
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

    /// What a limit on money does with a model that has no price; calls are refused unless set.
    #[must_use]
    pub fn unpriced(mut self, unpriced: Unpriced) -> Self {
        self.unpriced = unpriced;
        self
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

    pub(crate) fn shared_id(&self) -> &Arc<str> {
        &self.id
    }

    /// What the buckets of this limit are named after: limits for group members that are alternatives share theirs, so
    /// that what somebody used stays used when their groups change.
    pub(crate) fn bucket(&self) -> &Arc<str> {
        &self.bucket
    }

    pub(crate) fn fingerprint(&self) -> u128 {
        self.fingerprint
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

    pub(crate) fn renamed(mut self, id: String) -> Self {
        self.id = id.into();
        let bucket = Arc::clone(&self.id);
        self.drawing_from(Some(bucket))
    }

    /// The limit with the name of its bucket, once it is known what it is for.
    pub(crate) fn settled(self) -> Self {
        let shared = (self.scope == Scope::GroupMember).then(|| self.allowance().into());
        self.drawing_from(shared)
    }

    fn drawing_from(mut self, bucket: Option<Arc<str>>) -> Self {
        self.bucket = bucket.unwrap_or(self.bucket);
        self.fingerprint = fingerprint_of(("bucket", &self.bucket, self.unit));
        self
    }

    /// Names the allowance that this limit is one amount of.
    fn allowance(&self) -> String {
        let mut what: Vec<_> = self.what.models.iter().map(|model| format!("model={model}")).collect();
        what.extend(self.what.apis.iter().map(|api| format!("api={}", api.as_str())));
        what.extend(self.what.upstreams.iter().map(|upstream| format!("upstream={upstream}")));
        what.sort_unstable();
        let (unit, period) = (self.unit.as_str(), self.window.period_name().unwrap_or("at-a-time"));
        format!("group-member {unit} {period} {}", what.join(" "))
    }
}
