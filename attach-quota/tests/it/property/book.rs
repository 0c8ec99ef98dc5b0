//! The model's word on who pays how much under which limits.

use attach_quota::{Grant, Scope, Unit};

use super::scene::{
    Ask, Caller, GROUPS, Kind, LimitPlan, MODELS, PricePlan, Scene, USERS, WindowPlan, named,
};

/// Whose bucket: its name, the scope's, the directory and the id.
pub(super) type Place = (String, &'static str, Option<&'static str>, Option<&'static str>);

/// A limit that applies to a call, of alternatives the most generous.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Applied {
    pub(super) limit: usize,
    pub(super) window: WindowPlan,
    pub(super) place: Place,
}

/// Tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Used {
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) cached: u64,
}

pub(super) fn applied(scene: &Scene, caller: &Caller, ask: &Ask) -> Vec<Applied> {
    let mut applied: Vec<(Applied, (bool, u64, u64))> = Vec::new();
    for (index, limit) in scene.limits.iter().enumerate() {
        let of_call = match (ask.kind, limit.model) {
            (Kind::List, model) => model.is_none() && !metered(limit.unit),
            (_, Some(model)) => model == ask.model,
            (_, None) => true,
        };
        let member = |which| {
            GROUPS.iter().zip(limit.groups).any(|(name, is)| is && named(which).any(|own| own == *name))
        };
        let (own, withheld) = (member(caller.groups), member(caller.withheld));
        let everybodys = limit.groups == [false; 3];
        if !of_call || !(everybodys || own || withheld) {
            continue;
        }
        let window = excepted(scene, index, limit, caller);
        for place in places(index, limit, caller) {
            // What a caller is in but has no right by gives nothing that another group does not give.
            let generosity = (
                everybodys || own,
                window.map_or(u64::MAX, amount_of),
                window.map_or(u64::MAX, WindowPlan::capacity),
            );
            let one = Applied { limit: index, window: window.unwrap_or(UNLIMITED), place };
            match applied.iter_mut().find(|(other, _)| other.place == one.place) {
                Some((_, known)) if *known >= generosity => {}
                Some(worse) => *worse = (one, generosity),
                None => applied.push((one, generosity)),
            }
        }
    }
    applied.into_iter().map(|(one, _)| one).filter(|one| one.window != UNLIMITED).collect()
}

/// Stands for no window at all.
const UNLIMITED: WindowPlan = WindowPlan::Level(u64::MAX);

fn amount_of(window: WindowPlan) -> u64 {
    match window {
        WindowPlan::Rate(amount, ..) | WindowPlan::Budget(amount, ..) | WindowPlan::Level(amount) => amount,
    }
}

impl WindowPlan {
    pub(super) fn capacity(self) -> u64 {
        match self {
            Self::Rate(_, _, burst) => burst,
            other => amount_of(other),
        }
    }

    fn with(self, new: u64) -> Self {
        match self {
            Self::Rate(amount, period, burst) => Self::Rate(new, period, (burst * new / amount).max(1)),
            Self::Budget(_, period, tokyo) => Self::Budget(new, period, tokyo),
            Self::Level(_) => Self::Level(new),
        }
    }
}

/// The window with the exceptions for the caller; `None` if there is no limit for them.
fn excepted(scene: &Scene, index: usize, limit: &LimitPlan, caller: &Caller) -> Option<WindowPlan> {
    let tier = |person: bool, at_run_time: bool| {
        let of = move |whom: Result<usize, usize>| match whom {
            Ok(user) => person && user == caller.user,
            Err(group) => !person && caller.groups[group],
        };
        let all =
            scene.exceptions.iter().filter(move |one| one.limit == index && one.at_run_time == at_run_time);
        all.filter(move |one| of(one.whom) && !caller.partner).map(|one| one.grant)
    };
    let tiers = [(true, true), (true, false), (false, true), (false, false)];
    let extra: u64 = tiers
        .iter()
        .flat_map(|(person, at)| tier(*person, *at))
        .map(|grant| if let Grant::Extra(more) = grant { more } else { 0 })
        .sum();
    let amounts = |(person, at): &(bool, bool)| {
        let amount = |grant| match grant {
            Grant::Unlimited => Some(u64::MAX),
            Grant::Amount(amount) => Some(amount),
            _ => None,
        };
        tier(*person, *at).filter_map(amount).max()
    };
    match tiers.iter().find_map(amounts) {
        Some(u64::MAX) => None,
        Some(amount) => Some(limit.window.with(amount + extra)),
        None if extra > 0 => Some(limit.window.with(amount_of(limit.window) + extra)),
        None => Some(limit.window),
    }
}

fn places(index: usize, limit: &LimitPlan, caller: &Caller) -> Vec<Place> {
    let (directory, name) = (Some(caller.directory()), format!("limit-{index}"));
    let user = || (name.clone(), "user", directory, Some(USERS[caller.user]));
    match limit.scope {
        Scope::Client if caller.client => vec![(name, "client", directory, Some("cli"))],
        Scope::Key if caller.key => vec![(name, "key", directory, Some("key-1"))],
        Scope::GroupMember => {
            let period = limit.window.window().period_name().unwrap_or_default();
            let elsewhere = matches!(limit.window, WindowPlan::Budget(.., true));
            let allowance = format!("{} {period} {elsewhere} {:?}", limit.unit.as_str(), limit.model);
            vec![(allowance, "member", directory, Some(USERS[caller.user]))]
        }
        Scope::Group => {
            let in_it =
                |index: usize| limit.groups[index] && (caller.groups[index] || caller.withheld[index]);
            // A group is one of its own directory, whoever is in it.
            (0..3)
                .filter(|group| in_it(*group))
                .map(|group| (name.clone(), "group", Some("acme"), Some(GROUPS[group])))
                .collect()
        }
        Scope::Directory => vec![(name, "directory", directory, None)],
        Scope::Everyone => vec![(name, "everyone", None, None)],
        _ => vec![user()],
    }
}

pub(super) fn metered(unit: Unit) -> bool {
    !matches!(unit, Unit::Requests | Unit::Concurrent)
}

/// What a call costs under a limit; `None` if nobody knows the price.
pub(super) fn amount(scene: &Scene, limit: &LimitPlan, ask: &Ask, used: Used) -> Option<u64> {
    let Used { input, output, cached } = used;
    Some(match limit.unit {
        Unit::Tokens => {
            let weights = limit.weights;
            let sum = (input - cached) * u64::from(weights.input)
                + cached * u64::from(weights.cached_input)
                + output * u64::from(weights.output);
            sum.div_ceil(1000)
        }
        Unit::InputTokens => input,
        Unit::OutputTokens => output,
        Unit::MicroUsd => match MODELS[ask.model] {
            "unknown" => return None,
            "free" => 0,
            _ => {
                let PricePlan(fresh, out, read) = scene.prices[ask.model];
                ((input - cached) * fresh + cached * read + output * out).div_ceil(1_000_000)
            }
        },
        _ => 1,
    })
}
