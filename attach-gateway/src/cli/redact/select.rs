//! Which entities are looked for.

use std::convert::Infallible;
use std::str::FromStr;

use attach_redact::{Action, Builder, Entity};

use crate::config::{ConfigError, Redact, Secret, nearest};

/// What a finding has to score whose entity was asked for: check digits of tables have that much without a word.
const ASKED_FOR: f32 = 0.3;

/// What is to be looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entities {
    Default,
    All,
    Named(Vec<String>),
}

impl FromStr for Entities {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "default" => Self::Default,
            "all" => Self::All,
            names => {
                let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
                Self::Named(names.map(str::to_owned).collect())
            }
        })
    }
}

impl Entities {
    /// Whether addresses were asked for, not taken along.
    pub(super) fn names_addresses(&self) -> bool {
        match self {
            Self::Default => false,
            Self::All => true,
            Self::Named(names) => names.iter().any(|name| name == Entity::IpAddress.name()),
        }
    }

    /// `builder` with what is looked for switched on, and the rest off.
    pub(super) fn apply(
        &self,
        builder: Builder,
        config: &Redact,
        threshold: Option<f32>,
    ) -> Result<Builder, ConfigError> {
        let known = known(config)?;
        let asked = |builder, entity: &Entity| ask(builder, entity, config, threshold.unwrap_or(ASKED_FOR));
        match self {
            Self::Default => Ok(match threshold {
                Some(score) => {
                    known.into_iter().fold(builder, |builder, entity| builder.threshold(entity, score))
                }
                None => builder,
            }),
            Self::All => Ok(known.iter().fold(builder, asked)),
            Self::Named(names) => {
                let named = names.iter().map(|name| find(name, &known)).collect::<Result<Vec<_>, _>>()?;
                let rest = known.iter().filter(|entity| !named.contains(entity));
                let builder =
                    rest.fold(builder, |builder, entity| builder.entity(entity.clone(), Action::Allow));
                Ok(named.into_iter().fold(builder, asked))
            }
        }
    }
}

/// What is said on the command line counts for more than what the file allows, but not for more than what it blocks.
fn ask(builder: Builder, entity: &Entity, config: &Redact, threshold: f32) -> Builder {
    let written = config.entities.iter().find(|(name, ..)| name == entity.name());
    let written = written.and_then(|(_, action, _)| action.as_deref()).or(config.default_action.as_deref());
    let action = written.and_then(|action| action.parse().ok()).unwrap_or_default();
    let action = if action == Action::Allow { Action::Replace } else { action };
    builder.entity(entity.clone(), action).threshold(entity.clone(), threshold)
}

/// Every entity there is, the configured ones included.
fn known(config: &Redact) -> Result<Vec<Entity>, ConfigError> {
    let mut known = Entity::BUILT_IN.to_vec();
    let configured = config.entities.iter().map(|(name, ..)| name);
    let patterns = config.patterns.iter().map(|pattern| &pattern.entity);
    let terms = config.terms.iter().map(|(name, _)| name);
    for name in configured.chain(patterns).chain(terms) {
        let entity = name.parse().map_err(|why| ConfigError::new(format!("redact: {why}")))?;
        if !known.contains(&entity) {
            known.push(entity);
        }
    }
    Ok(known)
}

fn find<'k>(name: &str, known: &'k [Entity]) -> Result<&'k Entity, ConfigError> {
    known.iter().find(|entity| entity.name() == name).ok_or_else(|| {
        let nearest = nearest(name, known.iter().map(Entity::name)).unwrap_or_default();
        ConfigError::new(format!("--entities: there is no {name:?}; did you mean {nearest:?}?"))
    })
}

/// The settings of somebody who has no file: every default, and the key of the environment if it has one.
pub(super) fn without_a_file(env: fn(&str) -> Option<String>) -> Result<Redact, ConfigError> {
    let mut config = Redact { enabled: true, ..Redact::default() };
    config.key = env("ATTACH_REDACT_KEY").and_then(|key| Secret::new(&key));
    if config.key.is_none() {
        let mut random = [0; 32];
        aws_lc_rs::rand::fill(&mut random)
            .map_err(|_| ConfigError::new("the system gave no random bytes for a key"))?;
        config.key = Secret::new(&crate::hex::hex(&random));
    }
    Ok(config)
}
