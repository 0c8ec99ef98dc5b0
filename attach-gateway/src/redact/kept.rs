use attach_redact::Redactor;

use super::{Pool, builder, wrong};
use crate::config::{Config, ConfigError};

/// A redactor and its threads; `None` inside if redaction is switched off. Clones are the same.
#[derive(Clone)]
pub(crate) struct Redaction {
    pub(crate) redactor: Option<Redactor>,
    pub(crate) pool: Pool,
}

impl Redaction {
    /// What `config` describes; `key` is the one of placeholders if it names none.
    pub(crate) fn new(config: &Config, key: &[u8]) -> Result<Self, ConfigError> {
        Ok(Self { redactor: redactor(config, key)?, pool: Pool::new(config.redact.budget) })
    }

    /// The same for a configuration that takes the place of `before`. What is as it was there is kept: tables take time to
    /// build, a model that finds names takes seconds.
    pub(crate) fn after(&self, before: &Config, config: &Config, key: &[u8]) -> Result<Self, ConfigError> {
        let mut kept = self.clone();
        if before.redact != config.redact {
            kept.redactor = redactor(config, key)?;
        }
        if before.redact.budget != config.redact.budget {
            kept.pool = Pool::new(config.redact.budget);
        }
        Ok(kept)
    }
}

fn redactor(config: &Config, key: &[u8]) -> Result<Option<Redactor>, ConfigError> {
    let config = &config.redact;
    if !config.enabled {
        return Ok(None);
    }
    let builder = builder(config)?;
    let builder = if config.key.is_none() { builder.key(key) } else { builder };
    builder.build().map(Some).map_err(|why| wrong("redact", &why))
}
