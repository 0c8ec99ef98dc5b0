use std::path::PathBuf;
use std::sync::Arc;

use attach_auth::policy::Rules;
use toml::Table;

use super::{Config, ConfigError, Source, access, keys, read_table, read_text, resolve};

/// The settings of `[access]` that are rules; a reload may change them.
const RULES: [&str; 4] = ["default", "shadow", "allow", "deny"];

/// What is needed to take the rules, and nothing else, from the file as it is now.
#[derive(Debug)]
pub(crate) struct Reread {
    path: Option<PathBuf>,
    beside_rules: Table,
    directories: Vec<Arc<str>>,
}

/// The file but for its rules.
pub(super) fn beside_rules(mut file: Table) -> Table {
    if let Some(access) = file.get_mut("access").and_then(toml::Value::as_table_mut) {
        access.retain(|key, _| !RULES.contains(&key));
        if access.is_empty() {
            file.remove("access");
        }
    }
    file
}

impl Reread {
    pub(crate) fn of(config: &Config) -> Self {
        let path = match &config.source {
            Source::File(path) => Some(path.clone()),
            Source::Environment | Source::Embedded => None,
        };
        let directories = resolve::directories(&config.issuers);
        Self { path, beside_rules: config.beside_rules.clone(), directories }
    }

    /// The rules as they stand in the file now, and a sentence about each. Blocks while the file is read.
    ///
    /// # Errors
    ///
    /// When there is no file, it makes no sense, or something beside its rules has changed.
    pub(crate) fn rules(&self) -> Result<(Rules, Vec<String>), ConfigError> {
        let path = self
            .path
            .as_ref()
            .ok_or_else(|| ConfigError::new("configured without a file: there is nothing to read again"))?;
        let table = read_table(&read_text(path)?)?;
        keys::check(&table)?;
        let section = table.get("access").cloned();
        self.only_rules_changed(&beside_rules(table))?;
        let section = section.map(toml::Value::try_into).transpose();
        let section = section.map_err(|error: toml::de::Error| ConfigError::new(error.to_string()))?;
        let resolved = access::resolve(&section.unwrap_or_default(), self.directories.clone())?;
        Ok((resolved.rules, resolved.summary))
    }

    fn only_rules_changed(&self, now: &Table) -> Result<(), ConfigError> {
        let before = &self.beside_rules;
        let mut changed: Vec<&str> = before
            .keys()
            .chain(now.keys())
            .filter(|key| before.get(*key) != now.get(*key))
            .map(String::as_str)
            .collect();
        changed.sort_unstable();
        changed.dedup();
        if changed.is_empty() {
            return Ok(());
        }
        Err(ConfigError::new(format!(
            "[{}] changed as well, which needs a restart: only the rules of [access] can be replaced while the gateway \
             runs",
            changed.join("], [")
        )))
    }
}
