//! `[[price]]` and `price` of a `[[model]]`: what calls cost, in US dollars for a million tokens.

use std::fmt;
use std::time::SystemTime;

use attach_core::call::ModelGlob;
use attach_quota::{Limit, Price, Prices, Unit, Unpriced};
use serde::Deserialize;
use toml::Value;

use super::ConfigError;
use super::access::OneOrMany;
use super::decimal::exactly;
use super::moment::{moment, written};
use super::quota::Context;
use crate::dollars::shortest;

/// A million dollars for a million tokens: nobody asks that much.
const MOST: u64 = 1_000_000_000_000;

/// A tenth of a cent for a million tokens: who writes less means the price of one token.
const LEAST: u64 = 1_000;

/// One `[[price]]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Entry {
    models: OneOrMany<String>,
    upstream: Option<String>,
    #[serde(flatten)]
    tokens: Tokens,
}

/// What tokens of each kind cost, and when.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Tokens {
    input: Option<Value>,
    output: Option<Value>,
    cached_input: Option<Value>,
    cache_write: Option<Value>,
    reasoning: Option<Value>,
    from: Option<Value>,
    until: Option<Value>,
}

/// What all prices mean.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    pub(super) prices: Prices,
    pub(super) summary: Vec<String>,
}

/// The prices of models come before those of the list: of several for a name the first in force counts.
pub(super) fn resolve(list: &[Entry], context: Context<'_>) -> Result<Resolved, ConfigError> {
    let mut resolved = Resolved::default();
    for model in context.written {
        let Some(tokens) = &model.price else { continue };
        let at = format!("model {:?}: price", model.name);
        let names = model.all_names();
        resolved.add(&at, &names, None, tokens)?;
    }
    for (number, entry) in list.iter().enumerate() {
        let names: Vec<&String> = entry.models.list().iter().collect();
        let at = match names.first() {
            Some(first) => format!("price of {first:?}"),
            None => {
                let why = "write the names it is for, such as models = [\"gpt-4o*\"]";
                return Err(ConfigError::new(format!("price number {}: models: {why}", number + 1)));
            }
        };
        let known = |name: &str| context.upstreams.iter().any(|one| *one.name == *name);
        if let Some(name) = entry.upstream.as_deref().filter(|name| !known(name)) {
            return Err(wrong(&at, "upstream", format!("there is no [[upstream]] named {name:?}")));
        }
        resolved.add(&at, &names, entry.upstream.as_deref(), &entry.tokens)?;
    }
    Ok(resolved)
}

impl Resolved {
    fn add(
        &mut self,
        at: &str,
        names: &[&String],
        upstream: Option<&str>,
        tokens: &Tokens,
    ) -> Result<(), ConfigError> {
        let price = tokens.price(at)?;
        for name in names {
            let glob: ModelGlob = name.parse().map_err(|why| wrong(at, "models", why))?;
            let prices = std::mem::take(&mut self.prices);
            self.prices = match upstream {
                Some(upstream) => prices.model_at(upstream, glob, price),
                None => prices.model(glob, price),
            };
        }
        let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
        let place = upstream.map(|upstream| format!(" at {upstream}")).unwrap_or_default();
        self.summary.push(format!("price {}{place}: {}", names.join(", "), tokens.described()));
        Ok(())
    }

    /// What limits on money cannot do with these prices.
    ///
    /// # Errors
    ///
    /// When one could let nothing pass, because there are no prices at all.
    pub(super) fn held_against(
        &self,
        limits: &[Limit],
        context: Context<'_>,
    ) -> Result<Vec<String>, ConfigError> {
        let mut money = limits.iter().filter(|limit| limit.unit() == Unit::MicroUsd).peekable();
        if money.peek().is_some() && !self.prices.is_empty() {
            return Ok(self.unpriced(context));
        }
        money.map(|limit| match limit.on_unpriced() {
            Unpriced::Free => Ok(format!("quota {:?}: there are no prices, so nothing is counted", limit.id())),
            _ => Err(ConfigError::new(format!(
                "quota {:?}: usd: there are no prices, so every call would be refused; write [[price]], or unpriced = \
                 \"free\"",
                limit.id()
            ))),
        }).collect()
    }

    /// Models that are configured and have no price now where they go. A pattern has one if all that it stands for has.
    fn unpriced(&self, context: Context<'_>) -> Vec<String> {
        let (mut warnings, now) = (Vec::new(), SystemTime::now());
        for model in context.models {
            for target in &model.targets {
                let Some(upstream) = context.upstreams.get(target.upstream) else { continue };
                let asked = model.names.iter().map(ModelGlob::as_str);
                let there = target.model.as_deref();
                let priced = |name: &str| self.prices.of(name, Some(&*upstream.name), now).is_some();
                if !there.is_some_and(priced) && !asked.clone().all(priced) {
                    let names: Vec<&str> = asked.collect();
                    warnings.push(format!(
                        "model {}: not every name it goes by has a price at {}; where a limit counts usd, such calls are \
                         refused, or free if the limit says so",
                        names.join(", "),
                        upstream.name
                    ));
                }
            }
        }
        warnings
    }
}

impl Tokens {
    fn price(&self, at: &str) -> Result<Price, ConfigError> {
        let part = |key: &str, value: Option<&Value>| value.map(|value| dollars(at, key, value)).transpose();
        let need = |key: &str, value: Option<&Value>| {
            let why = "write what a million tokens cost in US dollars, such as 2.5; 0 if they are free";
            part(key, value)?.ok_or_else(|| wrong(at, key, why))
        };
        let mut price =
            Price::new(need("input", self.input.as_ref())?, need("output", self.output.as_ref())?);
        if let Some(cached) = part("cached_input", self.cached_input.as_ref())? {
            price = price.cached_input(cached);
        }
        if let Some(written) = part("cache_write", self.cache_write.as_ref())? {
            price = price.cache_write(written);
        }
        if let Some(reasoning) = part("reasoning", self.reasoning.as_ref())? {
            price = price.reasoning(reasoning);
        }
        self.dated(at, price)
    }

    fn dated(&self, at: &str, mut price: Price) -> Result<Price, ConfigError> {
        let time = |key: &str, value: Option<&Value>| {
            value.map(moment).transpose().map_err(|why| wrong(at, key, why))
        };
        let (from, until) = (time("from", self.from.as_ref())?, time("until", self.until.as_ref())?);
        if let (Some(from), Some(until)) = (from, until)
            && until <= from
        {
            let why =
                format!("{} is not after {}, so the price is never in force", written(until), written(from));
            return Err(wrong(at, "until", why));
        }
        if let Some(from) = from {
            price = price.from(from);
        }
        if let Some(until) = until {
            price = price.until(until);
        }
        Ok(price)
    }

    /// Of what has been read without an error.
    fn described(&self) -> String {
        let parts = [
            ("input", &self.input),
            ("output", &self.output),
            ("cached_input", &self.cached_input),
            ("cache_write", &self.cache_write),
            ("reasoning", &self.reasoning),
        ];
        let parts = parts.iter().filter_map(|(name, value)| {
            Some(format!("{name} {}", shortest(exactly(value.as_ref()?, 6).ok()?)))
        });
        let mut text = format!("{} USD for a million tokens", parts.collect::<Vec<_>>().join(", "));
        for (name, value) in [("from", &self.from), ("until", &self.until)] {
            if let Some(time) = value.as_ref().and_then(|value| moment(value).ok()) {
                text.push_str(&format!(", {name} {}", written(time)));
            }
        }
        text
    }
}

fn dollars(at: &str, key: &str, value: &Value) -> Result<u64, ConfigError> {
    let price = exactly(value, 6)
        .map_err(|why| wrong(at, key, format!("{why}; prices are for a million tokens, not for one")))?;
    match price {
        0 | LEAST..=MOST => Ok(price),
        _ => {
            let why = format!(
                "{} USD for a million tokens cannot be meant; prices are for a million tokens, not for one",
                shortest(price)
            );
            Err(wrong(at, key, why))
        }
    }
}

fn wrong(at: &str, key: &str, why: impl fmt::Display) -> ConfigError {
    ConfigError::new(format!("{at}: {key}: {why}"))
}

#[cfg(test)]
mod tests;
