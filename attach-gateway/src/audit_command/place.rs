use std::io;
use std::path::{Path, PathBuf};

use attach_audit::read::Records;
use attach_quota::Prices;
use clap::Args;

use crate::cli;
use crate::run::StartError;
use crate::state::StateDir;

/// Which logs are read.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// Folders with the logs of any number of nodes, or single files; the log in the state directory unless given.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Configuration file, for the state directory and the prices.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Place {
    /// The records, and the prices of the configuration.
    pub(super) fn open(&self, env: fn(&str) -> Option<String>) -> Result<(Records, Prices), StartError> {
        let (paths, prices) = self.sources(env)?;
        let hint = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => io::Error::new(error.kind(), format!("{error}; name its folder")),
            _ => error,
        };
        let records =
            Records::open(paths).map_err(hint).map_err(|error| StartError::Io("audit log", error))?;
        Ok((records.by_time(), prices))
    }

    /// The paths, and the state directory unless they were given.
    pub(super) fn paths(
        &self,
        env: fn(&str) -> Option<String>,
    ) -> Result<(Vec<PathBuf>, Option<PathBuf>), StartError> {
        let (paths, _) = self.sources(env)?;
        let state = paths.first().and_then(|log| log.parent()).filter(|_| self.paths.is_empty());
        let state = state.map(Path::to_path_buf);
        Ok((paths, state))
    }

    fn sources(&self, env: fn(&str) -> Option<String>) -> Result<(Vec<PathBuf>, Prices), StartError> {
        let configured =
            self.config.is_some() || ["ATTACH_CONFIG", "OIDC_ISSUER"].iter().any(|name| env(name).is_some());
        let (state, prices) = if configured {
            let config = cli::configuration(self.config.as_deref(), env)?;
            (config.state_dir, config.quota.prices)
        } else {
            // Whoever configures nothing has the log where a gateway puts it that nobody tells otherwise.
            (env("ATTACH_STATE_DIR").map(PathBuf::from), Prices::new())
        };
        if !self.paths.is_empty() {
            return Ok((self.paths.clone(), prices));
        }
        Ok((vec![StateDir::place(state.as_deref()).join("audit")], prices))
    }
}
