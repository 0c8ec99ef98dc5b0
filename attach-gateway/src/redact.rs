//! From the `[redact]` section to a redactor.

use attach_core::call::Modality;
use attach_redact::{Action, Builder, Entity, Redactor, Uninspectable};
use sha2::{Digest, Sha256};

use crate::config::{ConfigError, Redact, RedactPattern, nearest};
use crate::hex::hex;

mod engine;
mod kept;
mod ner;
mod pool;

pub(crate) use self::kept::Redaction;
use self::pool::Pool;

/// The redactor `config` describes; `None` if redaction is switched off.
pub(crate) fn build(config: &Redact) -> Result<Option<Redactor>, ConfigError> {
    if !config.enabled {
        return Ok(None);
    }
    builder(config)?.build().map(Some).map_err(|why| wrong("redact", &why))
}

/// The same, to be changed before it is built.
pub(crate) fn builder(config: &Redact) -> Result<Builder, ConfigError> {
    let mut builder = Redactor::builder().ruleset(ruleset(config));
    // Without a file, on the command line, nobody waits but who asked.
    if !config.budget.is_zero() {
        builder = builder.budget(config.budget);
    }
    if let Some(key) = &config.key {
        builder = builder.key(key.expose().as_bytes());
    }
    if let Some(action) = &config.default_action {
        builder = builder.default_action(parse_action("redact.default", action)?);
    }
    builder = builder.private_addresses(config.private_addresses).exempt(&config.exempt);
    for pattern in &config.exempt_patterns {
        builder = builder.exempt_pattern(pattern).map_err(|why| wrong("redact.exempt_patterns", &why))?;
    }
    builder = entities(builder, config)?;
    for pattern in &config.patterns {
        let RedactPattern { entity: name, regex, score, words } = pattern;
        builder = builder
            .pattern_with(entity("redact.pattern", name)?, regex, score.unwrap_or(1.0), words)
            .map_err(|why| wrong("redact.pattern", &why))?;
    }
    if let Some(regions) = &config.regions {
        builder = builder.regions(regions).map_err(|why| wrong("redact.regions", &why))?;
    }
    builder = builder
        .external_tools(config.external_tools.iter().map(String::as_str))
        .restore_system(!config.hide_system)
        .inspect_signed(config.inspect_signed);
    for (name, terms) in &config.terms {
        builder = builder.terms(entity("redact.terms", name)?, terms);
    }
    if let Some(ner) = &config.ner {
        builder = ner::add(builder, ner)?;
    }
    for (name, action) in &config.uninspectable {
        let at = format!("redact.uninspectable.{name}");
        builder = builder.uninspectable(modality(&at, name)?, uninspectable(&at, action)?);
    }
    for settings in &config.engines {
        builder = engine::add(builder, settings).map_err(|why| wrong("redact.engine", &why))?;
    }
    Ok(builder)
}

/// A digest of the section, terms included: it changes when the rules do.
fn ruleset(config: &Redact) -> String {
    hex(&Sha256::digest(format!("{config:?}"))[..8])
}

/// An error if nothing finds the entity `name`: it is misspelt, and what it stands for would leave.
fn check_found(config: &Redact, at: &str, name: &str) -> Result<(), ConfigError> {
    let mut own =
        config.patterns.iter().map(|pattern| &pattern.entity).chain(config.terms.iter().map(|t| &t.0));
    let by_others = config.ner.is_some() || !config.engines.is_empty();
    if by_others || !matches!(entity(at, name)?, Entity::Custom(_)) || own.any(|own| own == name) {
        return Ok(());
    }
    let known = nearest(name, Entity::BUILT_IN.iter().map(Entity::name));
    let hint = known.map(|known| format!("; did you mean {known}?")).unwrap_or_default();
    Err(wrong(at, &format!("nothing finds it: neither a pattern nor terms have this name{hint}")))
}

/// What is said about single entities.
fn entities(mut builder: Builder, config: &Redact) -> Result<Builder, ConfigError> {
    for (name, action, lexicon) in &config.entities {
        let at = format!("redact.entities.{name}");
        check_found(config, &at, name)?;
        // What is named is looked for, whatever is said about it.
        let action = action.as_deref().or(config.default_action.as_deref());
        let action = action.map(|action| parse_action(&at, action)).transpose()?.unwrap_or_default();
        builder = builder.entity(entity(&at, name)?, action);
        if let Some(lexicon) = lexicon {
            if name != "PERSON" {
                return Err(wrong(&at, &"only PERSON has a lexicon"));
            }
            builder = builder.lexicon(*lexicon);
        }
    }
    for (name, score) in &config.thresholds {
        let at = format!("redact.entities.{name}");
        if !(0.0..=1.0).contains(score) {
            return Err(wrong(&at, &format!("threshold = {score} is not from 0 to 1")));
        }
        builder = builder.threshold(entity(&at, name)?, *score);
    }
    for (name, words) in &config.words {
        let at = format!("redact.entities.{name}");
        builder = builder.naming_words(&entity(&at, name)?, words).map_err(|why| wrong(&at, &why))?;
    }
    for (upstream, name, action) in &config.toward {
        let at = format!("redact.for.entities.{name}");
        check_found(config, &at, name)?;
        builder = builder.entity_for(upstream, entity(&at, name)?, parse_action(&at, action)?);
    }
    Ok(builder)
}

fn entity(at: &str, name: &str) -> Result<Entity, ConfigError> {
    name.parse().map_err(|why: attach_redact::ConfigError| wrong(at, &why))
}

fn parse_action(at: &str, text: &str) -> Result<Action, ConfigError> {
    text.parse().map_err(|why: attach_redact::ConfigError| wrong(at, &why))
}

fn uninspectable(at: &str, text: &str) -> Result<Uninspectable, ConfigError> {
    match text {
        "block" => Ok(Uninspectable::Block),
        "allow" => Ok(Uninspectable::Allow),
        _ => Err(wrong(at, &format!("{text:?} is neither \"block\" nor \"allow\""))),
    }
}

fn modality(at: &str, name: &str) -> Result<Modality, ConfigError> {
    match name {
        "images" => Ok(Modality::Image),
        "audio" => Ok(Modality::Audio),
        "videos" => Ok(Modality::Video),
        "files" => Ok(Modality::File),
        "token_ids" => Ok(Modality::TokenIds),
        "encrypted" => Ok(Modality::Encrypted),
        "unknown" => Ok(Modality::Unknown),
        _ => Err(wrong(at, &"not one of images, audio, videos, files, token_ids, encrypted, unknown")),
    }
}

fn wrong(at: &str, why: &dyn std::fmt::Display) -> ConfigError {
    ConfigError::new(format!("{at}: {why}"))
}

#[cfg(test)]
mod tests;
