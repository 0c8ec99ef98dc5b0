//! Which log a command is about: the ones that are named, or this node's own.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use attach_audit::read::Records;
use attach_quota::Prices;
use clap::Args;

use crate::cli;
use crate::config::{Config, ConfigError};
use crate::run::StartError;
use crate::state::StateDir;

/// Which logs are read.
#[derive(Debug, Args)]
pub(in crate::cli) struct Place {
    /// Folders with the logs of any number of nodes, or single files; this node's own log unless given.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    node: Node,
}

/// Which folder, where it can be only one.
#[derive(Debug, Args)]
pub(super) struct Folder {
    /// Folder of the log; this node's own log unless given.
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
    #[command(flatten)]
    node: Node,
}

/// This node, by its configuration.
#[derive(Debug, Args)]
pub(super) struct Node {
    /// Configuration file of the gateway, for its state directory; else ATTACH_CONFIG, ATTACH_STATE_DIR, the default.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

type Env = fn(&str) -> Option<String>;

impl Place {
    /// What was named, else this node's own log.
    ///
    /// # Errors
    ///
    /// When the configuration makes no sense, or nothing was named and there is no log.
    pub(super) fn paths(&self, env: Env) -> Result<Vec<PathBuf>, StartError> {
        match self.paths.is_empty() {
            true => Ok(vec![there(self.node.state(env)?.join(LOG))?]),
            false => Ok(self.paths.clone()),
        }
    }

    /// The state directory, if no log was named.
    ///
    /// # Errors
    ///
    /// When the configuration makes no sense.
    pub(super) fn own_state(&self, env: Env) -> Result<Option<PathBuf>, ConfigError> {
        self.paths.is_empty().then(|| self.node.state(env)).transpose()
    }

    /// The same, but of a folder without segments the folders below that have some: a state directory, or one folder
    /// for each node.
    ///
    /// # Errors
    ///
    /// As [`paths`](Self::paths).
    pub(in crate::cli) fn folders(&self, env: Env) -> Result<Vec<PathBuf>, StartError> {
        let mut all = Vec::new();
        for path in self.paths(env)? {
            let before = all.len();
            below(&path, &mut all);
            // The error about it names it.
            if all.len() == before {
                all.push(path);
            }
        }
        Ok(all)
    }

    /// The records, by time.
    ///
    /// # Errors
    ///
    /// As [`paths`](Self::paths), and when a log cannot be read.
    pub(super) fn records(&self, env: Env) -> Result<Records, StartError> {
        let records = Records::open(self.paths(env)?).map_err(|error| StartError::Io("audit log", error))?;
        Ok(records.by_time())
    }

    /// The prices of the configuration, if there is one.
    ///
    /// # Errors
    ///
    /// When the configuration makes no sense.
    pub(super) fn prices(&self, env: Env) -> Result<Prices, ConfigError> {
        let configured =
            self.node.file(env).is_some() || env("OIDC_ISSUER").is_some_and(|issuer| !issuer.is_empty());
        let config = configured.then(|| cli::configuration(self.node.config.as_deref(), env)).transpose()?;
        Ok(config.map(|config| config.quota.prices).unwrap_or_default())
    }
}

impl Folder {
    /// What was named, else this node's own log.
    ///
    /// # Errors
    ///
    /// When the configuration makes no sense, or there is no such folder.
    pub(super) fn path(&self, env: Env) -> Result<PathBuf, StartError> {
        there(match &self.path {
            Some(path) => path.clone(),
            None => self.node.state(env)?.join(LOG),
        })
    }
}

impl Node {
    /// The state directory: whoever configures nothing has it where a gateway puts it that nobody tells otherwise.
    pub(super) fn state(&self, env: Env) -> Result<PathBuf, ConfigError> {
        let configured = match self.file(env) {
            Some(file) => Config::state_dir_of(&file)?,
            None => env("ATTACH_STATE_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from),
        };
        Ok(StateDir::place(configured.as_deref()))
    }

    fn file(&self, env: Env) -> Option<PathBuf> {
        let named = || env("ATTACH_CONFIG").filter(|file| !file.is_empty()).map(PathBuf::from);
        self.config.clone().or_else(named)
    }
}

/// The log's folder in the state directory.
pub(super) const LOG: &str = "audit";

fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries: Vec<_> = folder.read_dir().into_iter().flatten().flatten().collect();
    if entries.iter().any(|entry| is_segment(&entry.file_name())) {
        return found.push(folder.into());
    }
    // Links are not followed: they may lead in circles.
    let folders = entries.into_iter().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut folders: Vec<_> = folders.map(|entry| entry.path()).collect();
    folders.sort();
    folders.iter().for_each(|folder| below(folder, found));
}

fn is_segment(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with("audit-") && name.ends_with(".jsonl"))
}

fn there(folder: PathBuf) -> Result<PathBuf, StartError> {
    let why = match folder.metadata() {
        Ok(found) if found.is_dir() => return Ok(folder),
        Ok(_) => "this is no folder".into(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            "there is no audit log; name its folder".into()
        }
        Err(error) => error.to_string(),
    };
    Err(StartError::Io("audit log", io::Error::other(format!("{}: {why}", folder.display()))))
}
