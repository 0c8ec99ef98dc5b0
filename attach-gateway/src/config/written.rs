//! A file as it is written: for commands that need one setting of it and none of its secrets.

use std::path::Path;

use toml::{Table, Value};

use super::{ConfigError, keys, read_table, read_text};

/// The tables of the file at `path`. Every key is known; nothing is resolved, and no secret is read.
///
/// # Errors
///
/// When the file cannot be read, is no TOML, or has a key that is unknown.
pub(crate) fn tables(path: &Path) -> Result<Table, ConfigError> {
    let table = read_table(&read_text(path)?)?;
    keys::check(&table)?;
    Ok(table)
}

/// What stands at `keys`, one below the other.
pub(crate) fn value<'t>(table: &'t Table, keys: &[&str]) -> Option<&'t Value> {
    let (first, rest) = keys.split_first()?;
    rest.iter().try_fold(table.get(*first)?, |value, key| value.get(key))
}

/// The text that stands there.
pub(crate) fn text<'t>(table: &'t Table, keys: &[&str]) -> Option<&'t str> {
    value(table, keys)?.as_str()
}
