//! From the `[redact]` section to a redactor.

use attach_core::call::Modality;
use attach_redact::{Action, Entity, Redactor, Uninspectable};

use crate::config::{ConfigError, Redact};

mod engine;
mod ner;

/// The redactor `config` describes; `None` if redaction is switched off.
pub(crate) fn build(config: &Redact) -> Result<Option<Redactor>, ConfigError> {
    if !config.enabled {
        return Ok(None);
    }
    let mut builder = Redactor::builder();
    if let Some(key) = &config.key {
        builder = builder.key(key.expose().as_bytes());
    }
    if let Some(action) = &config.default_action {
        builder = builder.default_action(parse_action("redact.default", action)?);
    }
    for (name, action, lexicon) in &config.entities {
        let at = format!("redact.entities.{name}");
        if let Some(action) = action {
            builder = builder.entity(entity(&at, name)?, parse_action(&at, action)?);
        }
        if let Some(lexicon) = lexicon {
            if name != "PERSON" {
                return Err(wrong(&at, &"only PERSON has a lexicon"));
            }
            builder = builder.lexicon(*lexicon);
        }
    }
    for (name, regex) in &config.patterns {
        builder = builder
            .pattern(entity("redact.pattern", name)?, regex)
            .map_err(|why| wrong("redact.pattern", &why))?;
    }
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
    builder.build().map(Some).map_err(|why| wrong("redact", &why))
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
