//! What a case is made of: limits, callers, calls, and what happens to them.

use std::sync::Arc;
use std::time::Duration;

use attach_core::Identity;
use attach_core::identity::Group;
use attach_quota::overrides::{Override, Whom};
use attach_quota::{
    Action, Budget, Grant, Limit, Overrides, Period, Price, Prices, Rate, Scope, Unit, Unpriced, Weights,
    Window,
};

pub(super) const GROUPS: [&str; 3] = ["eng", "staff", "guests"];
pub(super) const USERS: [&str; 2] = ["alice", "bob"];
/// Both have a price, nobody has said what the third costs, and the last is free of charge.
pub(super) const MODELS: [&str; 4] = ["large", "small", "unknown", "free"];

#[derive(Debug, Clone)]
pub(super) struct Scene {
    /// Seconds since the epoch when the store's clock stands at zero.
    pub(super) epoch: u64,
    pub(super) limits: Vec<LimitPlan>,
    pub(super) exceptions: Vec<Exception>,
    pub(super) prices: [PricePlan; 2],
    pub(super) callers: Vec<Caller>,
    pub(super) steps: Vec<Step>,
}

#[derive(Debug, Clone)]
pub(super) struct LimitPlan {
    pub(super) unit: Unit,
    pub(super) window: WindowPlan,
    pub(super) scope: Scope,
    /// For members of these; for everybody if it is none.
    pub(super) groups: [bool; 3],
    pub(super) model: Option<usize>,
    pub(super) weights: Weights,
    pub(super) shadow: bool,
    pub(super) unpriced_free: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WindowPlan {
    /// Amount, seconds of the period, burst.
    Rate(u64, u64, u64),
    /// Amount, period, and whether it begins at midnight in Tokyo, which knows no summer time.
    Budget(u64, Period, bool),
    Level(u64),
}

#[derive(Debug, Clone)]
pub(super) struct Exception {
    pub(super) limit: usize,
    /// A user, else a group.
    pub(super) whom: Result<usize, usize>,
    pub(super) grant: Grant,
    pub(super) at_run_time: bool,
}

/// Input, output, cached input: millionths of a US dollar for a million tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct PricePlan(pub(super) u64, pub(super) u64, pub(super) u64);

/// Somebody as they call: two of one user may be in different groups, as when a directory changes.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) user: usize,
    pub(super) partner: bool,
    pub(super) groups: [bool; 3],
    pub(super) withheld: [bool; 3],
    pub(super) client: bool,
    pub(super) key: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) kind: Kind,
    pub(super) model: usize,
    pub(super) text: usize,
    pub(super) cap: Option<u64>,
    /// The store takes its time to decide.
    pub(super) slow: bool,
    /// Waits as long as a refusal says, and asks again.
    pub(super) patient: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Chat,
    Stream,
    Embed,
    /// No inference: counts as a request.
    List,
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    Call(usize, Ask),
    Act(usize, Act),
    Pass(Duration),
    /// To so many nanoseconds before or after midnight UTC.
    Midnight(i64),
    Sweep,
}

/// What happens to a call that was admitted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    /// More of the answer passes: so many tokens.
    Grow(u64),
    /// The answer is whole, and the upstream says what it used: input, output, cached input.
    Finish(Option<(u64, u64, u64)>),
    /// The upstream fails.
    Fail,
    /// The upstream answers with an error.
    Error,
    /// A layer further in refuses.
    Reject,
    /// The client is gone.
    Leave,
    /// The process is gone: nobody settles, and the store has what it has.
    Crash,
}

impl WindowPlan {
    pub(super) fn window(self) -> Window {
        match self {
            Self::Rate(amount, period, burst) => {
                let rate = match period {
                    1 => Rate::per_second(amount),
                    60 => Rate::per_minute(amount),
                    _ => Rate::per_hour(amount),
                };
                Window::Rate { rate, burst }
            }
            Self::Budget(amount, period, tokyo) => {
                let budget = Budget::new(amount, period);
                let zone = if tokyo { "Asia/Tokyo" } else { "UTC" };
                Window::Budget(budget.in_time_zone(zone).expect("a zone"))
            }
            Self::Level(amount) => Window::Level(amount),
        }
    }
}

impl attach_quota::Amount for WindowPlan {
    fn window(self) -> Window {
        self.window()
    }
}

impl LimitPlan {
    pub(super) fn limit(&self, id: &str) -> Limit {
        let limit = match (self.unit, self.window) {
            (Unit::Concurrent, WindowPlan::Level(amount)) => Limit::concurrent(id, amount),
            (Unit::Requests, window) => Limit::requests(id, window),
            (Unit::InputTokens, window) => Limit::input_tokens(id, window),
            (Unit::OutputTokens, window) => Limit::output_tokens(id, window),
            (Unit::MicroUsd, window) => Limit::micro_usd(id, window),
            (_, window) => Limit::tokens(id, window),
        };
        limit
            .each(self.scope.clone())
            .groups(named(self.groups).map(|name| Group::new("acme", name)))
            .models(self.model.map(|model| MODELS[model].parse().expect("a glob")))
            .weights(self.weights)
            .action(if self.shadow { Action::Shadow } else { Action::Refuse })
            .unpriced(if self.unpriced_free { Unpriced::Free } else { Unpriced::Refuse })
    }
}

impl Caller {
    pub(super) fn directory(&self) -> &'static str {
        if self.partner { "partner" } else { "acme" }
    }

    pub(super) fn identity(&self) -> Arc<Identity> {
        let mut identity = Identity::person(self.directory(), USERS[self.user]);
        let groups = |which| named(which).map(|name| Group::new("acme", name)).collect();
        identity.groups = groups(self.groups);
        identity.withheld = Some(Arc::new(groups(self.withheld)));
        identity.client_id = self.client.then(|| "cli".into());
        identity.key_id = self.key.then(|| "key-1".into());
        Arc::new(identity)
    }
}

pub(super) fn named(which: [bool; 3]) -> impl Iterator<Item = &'static str> {
    GROUPS.into_iter().zip(which).filter_map(|(name, is)| is.then_some(name))
}

impl Scene {
    pub(super) fn overrides(&self) -> Overrides {
        let overrides = Overrides::new();
        let one = |(id, exception): (usize, &Exception)| {
            let whom = match exception.whom {
                Ok(user) => Whom::User(USERS[user].into()),
                Err(group) => Whom::Group(GROUPS[group].into()),
            };
            let limit = format!("limit-{}", exception.limit);
            Override::new(id.to_string(), "acme", whom, limit, exception.grant)
        };
        let all = || self.exceptions.iter().enumerate();
        overrides.configure(all().filter(|(_, one)| !one.at_run_time).map(one));
        all().filter(|(_, one)| one.at_run_time).map(one).for_each(|one| overrides.put(one));
        overrides
    }

    pub(super) fn prices(&self) -> Prices {
        let [large, small] = self
            .prices
            .map(|PricePlan(input, output, cached)| Price::new(input, output).cached_input(cached));
        let model = |index: usize| MODELS[index].parse().expect("a glob");
        Prices::new().model(model(0), large).model(model(1), small).model(model(3), Price::new(0, 0))
    }
}
