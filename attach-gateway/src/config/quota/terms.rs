//! How a limit is kept: its burst, what tokens count, and what happens when it cannot be.

use attach_quota::{Action, Limit, Unit, Unpriced, Weights, WhenDown, Window};
use toml::Value;

use super::amount::places;
use super::{Quota, shape};
use crate::config::ConfigError;
use crate::config::decimal::exactly;

/// More than anybody can mean by a weight, in thousandths.
const MOST_WEIGHT: u32 = 1_000_000;

impl Quota {
    pub(super) fn terms(&self, mut limit: Limit) -> Result<Limit, ConfigError> {
        if let Some(value) = &self.burst {
            limit = self.burst(limit, value)?;
        }
        if let Some(weights) = &self.weights {
            limit = self.weigh(limit, weights)?;
        }
        if let Some(name) = &self.when_store_down {
            let known = [WhenDown::Closed, WhenDown::Local, WhenDown::Open];
            let when = known.into_iter().find(|when| when.as_str() == name);
            limit = limit.when_store_down(when.ok_or_else(|| {
                self.wrong("when_store_down", format!("{name:?} is not one of closed, local, open"))
            })?);
        }
        if self.fair {
            limit = self.fair(limit)?;
        }
        let action = self.action(limit.unit())?;
        let unpriced = self.unpriced(limit.unit(), action)?;
        Ok(limit.action(action).unpriced(unpriced))
    }

    fn fair(&self, limit: Limit) -> Result<Limit, ConfigError> {
        if limit.scope().is_shared() {
            return Ok(limit.fair());
        }
        let why = format!(
            "each {} has a bucket of their own, and shares are of what many draw from; write shared = true, or each = \
             \"group\", \"directory\" or \"claim:NAME\"",
            limit.scope().as_str()
        );
        Err(self.wrong("fair", why))
    }

    fn burst(&self, limit: Limit, value: &Value) -> Result<Limit, ConfigError> {
        let why = match limit.window() {
            Window::Rate { .. } => match exactly(value, places(limit.unit())) {
                Ok(0) => "0 would let nothing pass; leave it out".to_owned(),
                Ok(burst) => return Ok(limit.burst(burst)),
                Err(why) => why,
            },
            Window::Budget(_) => {
                "only what is given each second, minute or hour has one: a budget may be used at once; leave it out"
                    .to_owned()
            }
            _ => "there are never more than concurrent says; leave it out".to_owned(),
        };
        Err(self.wrong("burst", why))
    }

    fn weigh(&self, limit: Limit, from: &shape::Weights) -> Result<Limit, ConfigError> {
        if limit.unit() != Unit::Tokens {
            let why =
                format!("only a limit on tokens has them, and this one counts {}", limit.unit().as_str());
            return Err(self.wrong("weights", why));
        }
        let weights = Weights {
            input: self.weight("weights.input", from.input.as_ref())?,
            cached_input: self
                .weight("weights.cached_input", from.cached_input.as_ref().or(from.input.as_ref()))?,
            output: self.weight("weights.output", from.output.as_ref())?,
        };
        if weights.input == 0 && weights.output == 0 && weights.cached_input == 0 {
            return Err(self.wrong("weights", "all of them are 0, so nothing would be counted"));
        }
        Ok(limit.weights(weights))
    }

    fn weight(&self, key: &str, value: Option<&Value>) -> Result<u32, ConfigError> {
        let Some(value) = value else { return Ok(1000) };
        let weight = exactly(value, 3).map_err(|why| self.wrong(key, why))?;
        let weight = u32::try_from(weight).ok().filter(|weight| *weight <= MOST_WEIGHT);
        weight.ok_or_else(|| self.wrong(key, "a token counts a thousand at most"))
    }

    fn action(&self, unit: Unit) -> Result<Action, ConfigError> {
        let Some(name) = self.action.as_deref() else { return Ok(Action::Refuse) };
        let known = [Action::Refuse, Action::Cut, Action::Clamp, Action::Shadow];
        let action = known.into_iter().find(|action| action.as_str() == name);
        let action = action.ok_or_else(|| {
            self.wrong("action", format!("{name:?} is not one of refuse, cut, clamp, shadow"))
        })?;
        let shortens = matches!(action, Action::Cut | Action::Clamp);
        if shortens && !matches!(unit, Unit::Tokens | Unit::OutputTokens | Unit::MicroUsd) {
            let why = format!(
                "{name} shortens an answer, which changes nothing about {}; write refuse or shadow",
                unit.as_str()
            );
            return Err(self.wrong("action", why));
        }
        Ok(action)
    }

    fn unpriced(&self, unit: Unit, action: Action) -> Result<Unpriced, ConfigError> {
        let Some(name) = self.unpriced.as_deref() else {
            // What is only watched refuses nothing.
            return Ok(if action == Action::Shadow { Unpriced::Free } else { Unpriced::Refuse });
        };
        if unit != Unit::MicroUsd {
            let why = format!("only a limit on usd needs prices, and this one counts {}", unit.as_str());
            return Err(self.wrong("unpriced", why));
        }
        match name {
            "refuse" if action == Action::Shadow => {
                Err(self.wrong("unpriced", "a limit with action = \"shadow\" refuses nothing; leave it out"))
            }
            "refuse" => Ok(Unpriced::Refuse),
            "free" => Ok(Unpriced::Free),
            other => Err(self.wrong("unpriced", format!("{other:?} is neither \"refuse\" nor \"free\""))),
        }
    }
}
