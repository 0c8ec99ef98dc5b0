//! `[[quota]]`: how much anybody may use.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use attach_quota::overrides::Override;
use attach_quota::{Limit, Prices, Unit};
use toml::Value;

use self::amount::{Given, UNITS, example};
use super::{ConfigError, Model, Upstream, model, price};

mod amount;
mod exception;
mod kinds;
mod shape;
mod summary;
mod terms;
#[cfg(test)]
mod tests;
mod who;

pub(super) use self::kinds::check;
pub(super) use self::shape::Quota;

/// What the rest of the file says that limits refer to.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) directories: &'a [Arc<str>],
    pub(super) upstreams: &'a [Arc<Upstream>],
    pub(super) models: &'a [Model],
    /// The same models as they are written.
    pub(super) written: &'a [model::Entry],
}

/// What goes with the limits.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Terms {
    /// Who may use more or less than a limit says.
    pub overrides: Vec<Override>,
    /// What models cost.
    pub prices: Prices,
    /// Limits, overrides and prices in a sentence each, for `check`.
    pub summary: Vec<String>,
    /// What limits cannot do as they are written, for `check` and the start message.
    pub warnings: Vec<String>,
}

/// What all `[[quota]]` and `[[price]]` mean.
pub(super) fn resolve(
    from: &[Quota],
    prices: &[price::Entry],
    context: Context<'_>,
) -> Result<(Vec<Limit>, Terms), ConfigError> {
    let (limits, mut terms) = limits(from, context)?;
    let price = price::resolve(prices, context)?;
    terms.warnings = price.held_against(&limits, context)?;
    terms.prices = price.prices;
    terms.summary.extend(price.summary);
    Ok((limits, terms))
}

fn limits(from: &[Quota], context: Context<'_>) -> Result<(Vec<Limit>, Terms), ConfigError> {
    let (mut limits, mut terms) = (Vec::with_capacity(from.len()), Terms::default());
    let mut ids = HashSet::new();
    for (place, quota) in from.iter().enumerate() {
        if quota.id.trim().is_empty() {
            let why = "every limit needs a name of its own, such as id = \"tokens-per-user\"";
            return Err(ConfigError::new(format!("quota: number {} has no id: {why}", place + 1)));
        }
        if !ids.insert(quota.id.as_str()) {
            return Err(
                quota.wrong("id", "two limits are called that; answers and records tell them apart by it")
            );
        }
        let limit = quota.limit(context)?;
        terms.summary.push(summary::of(quota, &limit));
        for (number, one) in quota.overrides.iter().enumerate() {
            let exception = exception::resolve(quota, &limit, one, number, context)?;
            terms.summary.push(exception::summary(&limit, &exception));
            terms.overrides.push(exception);
        }
        limits.push(limit);
    }
    Ok((limits, terms))
}

impl Quota {
    /// So many tokens a minute for each user.
    pub(super) fn tokens_per_minute(id: &str, tokens: u64) -> Self {
        Self { id: id.into(), tokens: Some(Value::String(format!("{tokens}/min"))), ..Self::default() }
    }

    fn limit(&self, context: Context<'_>) -> Result<Limit, ConfigError> {
        let (unit, value) = self.unit()?;
        let mut given = Given::read(unit, value).map_err(|why| self.wrong(unit.as_str(), why))?;
        if let Some(zone) = &self.timezone {
            given = given.in_time_zone(zone).map_err(|why| self.wrong("timezone", why))?;
        }
        let limit = self.subjects(given.limit(&self.id, unit), context)?;
        self.terms(self.objects(limit, context)?)
    }

    /// The one thing that is counted, and what stands behind its key.
    fn unit(&self) -> Result<(Unit, &Value), ConfigError> {
        let written = UNITS.into_iter().filter_map(|unit| Some((unit, self.written(unit)?)));
        match written.collect::<Vec<_>>().as_slice() {
            [one] => Ok(*one),
            [] => Err(self.error(format!(
                "says nothing to count: write one of {}, such as {}",
                UNITS.map(Unit::as_str).join(", "),
                example(Unit::Tokens)
            ))),
            [(first, _), (second, _), ..] => {
                let why = format!(
                    "{} is there as well; a limit counts one thing, write another [[quota]]",
                    first.as_str()
                );
                Err(self.wrong(second.as_str(), why))
            }
        }
    }

    fn written(&self, unit: Unit) -> Option<&Value> {
        match unit {
            Unit::Tokens => self.tokens.as_ref(),
            Unit::InputTokens => self.input_tokens.as_ref(),
            Unit::OutputTokens => self.output_tokens.as_ref(),
            Unit::Requests => self.requests.as_ref(),
            Unit::MicroUsd => self.usd.as_ref(),
            Unit::Concurrent => self.concurrent.as_ref(),
            _ => None,
        }
    }

    fn wrong(&self, key: &str, why: impl fmt::Display) -> ConfigError {
        self.error(format!("{key}: {why}"))
    }

    fn error(&self, why: impl fmt::Display) -> ConfigError {
        ConfigError::new(format!("quota {:?}: {why}", self.id))
    }
}
