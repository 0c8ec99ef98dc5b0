//! What a call would cost at a place, and which limits refuse it there because nobody knows.

use std::fmt::Write as _;
use std::time::SystemTime;

use attach_core::call::ModelGlob;
use attach_core::destination::Candidate;
use attach_core::exchange::Route;
use attach_core::{Api, Usage};
use attach_quota::{Action, Allowance, Unit, Unpriced};

use crate::config::Config;
use crate::dollars;

/// So many tokens each way are an example that everybody can multiply.
const EXAMPLE: u64 = 1_000;

/// A line below the place; none where money plays no part.
pub(super) fn lines(
    out: &mut String,
    config: &Config,
    (asked, api): (&str, Api),
    place: &Candidate,
    limits: &[Allowance],
) {
    let route = Route::new(place.upstream.clone(), place.model.clone());
    let mut usage = Usage::default();
    (usage.input, usage.output) = (EXAMPLE, EXAMPLE);
    if let Some(cost) = config.quota.prices.cost(asked, Some(&route), &usage, SystemTime::now()) {
        let cost = dollars::amount(cost);
        let _ = writeln!(out, "  {EXAMPLE} tokens in and {EXAMPLE} tokens out cost {cost} USD");
        return;
    }
    let counts = |one: &&Allowance| {
        let limit = one.limit();
        limit.unit() == Unit::MicroUsd && one.window().is_some() && is_for(one, (asked, api), place)
    };
    for one in limits.iter().filter(counts) {
        let limit = one.limit();
        let refuses = limit.on_unpriced() == Unpriced::Refuse && limit.on_exceed() != Action::Shadow;
        let then = if refuses { "refuses the call: 403 price_unknown" } else { "counts nothing" };
        let _ = writeln!(out, "  it has no price, so the limit {} {then}", limit.id());
    }
}

fn is_for(one: &Allowance, (asked, api): (&str, Api), place: &Candidate) -> bool {
    let covers = |pattern: &str| pattern.parse::<ModelGlob>().is_ok_and(|glob| glob.covers(asked));
    none_or_one(one.models().map(covers))
        && none_or_one(one.apis().map(|name| name == api.as_str()))
        && none_or_one(one.upstreams().map(|name| name == &*place.upstream))
}

/// Of a list that is empty, everything is in it.
fn none_or_one(mut fits: impl Iterator<Item = bool>) -> bool {
    fits.next().is_none_or(|first| first || fits.any(|fits| fits))
}
