use std::sync::Arc;

use attach_auth::policy::Live;

use super::{looser, restart, slips};
use crate::cli::env;
use crate::config::{Config, ConfigError, Source};
use crate::run::{Assembly, Lasting, StartError};
use crate::trail;

/// A configuration that could come into force.
pub(super) struct Draft {
    pub(super) assembly: Assembly,
    /// The sections that are not as they were.
    pub(super) changed: Vec<String>,
    /// What it allows that the one before did not.
    pub(super) looser: Vec<String>,
}

impl Draft {
    /// Reads and builds it. Blocks.
    ///
    /// # Errors
    ///
    /// When it makes no sense, changes what can only be changed by a restart, or is looser without saying so.
    pub(super) fn read(before: &Assembly, lasting: &Lasting) -> Result<Self, ConfigError> {
        let Source::File(path) = &before.config.source else {
            return Err(ConfigError::new("there is no file"));
        };
        let mut config = Config::from_file(path, env)?;
        // The command line may have said another one, which stays.
        config.server.listen = before.config.server.listen.clone();
        let (was, is) = (&before.config.written, &config.written);
        only_what_can_change(&restart::needed(was, is))?;
        says_what_it_means(&slips::found(was, is))?;
        let rules = Live::new(Arc::clone(&before.config.rules)).replace(Arc::clone(&config.rules));
        rules.map_err(|error| ConfigError::new(format!("access: {error}")))?;
        let changed = restart::changed(was, is);
        let looser = looser::found(&before.config, &config);
        trail::check(&config.audit).map_err(told)?;
        let assembly = before.next(Arc::new(config), lasting).map_err(told)?;
        Ok(Self { assembly, changed, looser })
    }
}

fn told(error: StartError) -> ConfigError {
    match error {
        StartError::Config(error) => error,
        other => ConfigError::new(other.to_string()),
    }
}

fn only_what_can_change(needed: &[String]) -> Result<(), ConfigError> {
    if needed.is_empty() {
        return Ok(());
    }
    Err(ConfigError::new(format!(
        "{} changed, which needs a restart; nothing of the file is in force until then",
        needed.join(", ")
    )))
}

fn says_what_it_means(slips: &[String]) -> Result<(), ConfigError> {
    if slips.is_empty() {
        return Ok(());
    }
    Err(ConfigError::new(format!(
        "the file is looser without saying so: {}; what is left out may be a slip, an empty value is meant",
        slips.join("; ")
    )))
}
