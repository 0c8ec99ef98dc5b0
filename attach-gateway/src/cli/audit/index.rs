//! `attach-gateway audit index`: builds the index that `audit query --db` answers from.

use std::io;
use std::path::PathBuf;

use attach_audit::index::Index;
use clap::Args;

use super::place::Place;
use crate::config::ConfigError;
use crate::run::StartError;
use crate::trail::INDEX;

/// What is indexed, and where.
#[derive(Debug, Args)]
pub(crate) struct IndexCommand {
    #[command(flatten)]
    place: Place,
    /// The index; audit-index.db in the state directory unless paths are given.
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Build it from the beginning, whatever there is.
    #[arg(long)]
    rebuild: bool,
}

impl IndexCommand {
    /// Builds the index, or brings it up to date.
    ///
    /// # Errors
    ///
    /// When the configuration makes no sense, a log cannot be read or the index cannot be written.
    pub(crate) fn run(&self, env: fn(&str) -> Option<String>) -> Result<(), StartError> {
        let (paths, state) = (self.place.paths(env)?, self.place.own_state(env)?);
        let file = match (&self.db, state) {
            (Some(file), _) => file.clone(),
            (None, Some(state)) => state.join(INDEX),
            (None, None) => return Err(ConfigError::new("say with --db where the index of these is").into()),
        };
        let trouble = |error: io::Error| StartError::Io("audit index", error);
        let mut index = Index::open(&file).map_err(trouble)?;
        let updated = if self.rebuild { index.rebuild(&paths) } else { index.update(&paths) };
        let updated = updated.map_err(trouble)?;
        let how = if updated.rebuilt { "built" } else { "up to date" };
        println!("{}: {how}, {} new records", file.display(), updated.records);
        for (segment, bytes) in index.reaches().map_err(trouble)? {
            println!("reaches {segment}:{bytes}");
        }
        Ok(())
    }
}
