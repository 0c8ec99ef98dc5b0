//! `attach-gateway state`: an operator's decisions about the state store while no gateway runs.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use attach_auth::state::{Backend, Change, CommitError, Lost, Redis, Sqlite, State};
use clap::Args;

use super::Serve;
use crate::config::{Config, ConfigError};
use crate::rights;
use crate::run::StartError;
use crate::state::StateDir;

mod file;

/// How many rows go into one commit.
const BATCH: usize = 200;

/// Where the state goes.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// The file; there must be none yet.
    file: PathBuf,
    #[command(flatten)]
    serve: Serve,
}

/// Where it comes from.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// A file of `export`. Without it: this node's own state.db.
    file: Option<PathBuf>,
    /// Into a state that has rows: add those that are missing, and leave the others as they are.
    #[arg(long, requires = "file")]
    merge: bool,
    #[command(flatten)]
    serve: Serve,
}

impl Export {
    pub(super) async fn run(&self) -> Result<String, StartError> {
        export(&self.serve.config()?, &self.file).await
    }
}

impl Import {
    pub(super) async fn run(&self) -> Result<String, StartError> {
        let config = self.serve.config()?;
        match &self.file {
            Some(file) => restore(&config, file, self.merge).await,
            None => import(&config).await,
        }
    }
}

/// Takes the Redis of `config` as it is, whatever it has forgotten.
pub(crate) async fn adopt(config: &Config) -> Result<String, StartError> {
    let dir = open(config)?;
    let redis = shared(config, &dir)?;
    redis.adopt().await.map_err(lost)?;
    Ok("the store is taken as it is; nodes that knew another have to be told so too\n".into())
}

/// Copies the state of this node's own file into the Redis of `config`, and puts the file aside.
async fn import(config: &Config) -> Result<String, StartError> {
    let dir = open(config)?;
    let redis = shared(config, &dir)?;
    let file = dir.path().join(rights::FILE);
    if !file.exists() {
        return Err(ConfigError::new(format!("{} is not there: nothing to import", file.display())).into());
    }
    let own = Sqlite::open(dir.path()).await.map_err(lost)?;
    let rows = own.load().await.map_err(lost)?.rows;
    drop(own);
    let state = State::open(redis, Vec::new()).await.map_err(lost)?;
    let copied = rows.len();
    write(&state, rows.into_iter().map(Change::put).collect()).await?;
    let aside = dir.path().join(format!("{}.imported", rights::FILE));
    std::fs::rename(&file, &aside).map_err(|error| StartError::Io("putting the file aside", error))?;
    Ok(format!("{copied} rows copied; the file is {} now\n", aside.display()))
}

/// Writes every row of the state into a new file.
async fn export(config: &Config, path: &Path) -> Result<String, StartError> {
    let dir = open(config)?;
    let rows = state(config, &dir).await?.rows();
    file::write(path, &rows).map_err(|error| StartError::Io("writing the export", error))?;
    Ok(format!(
        "{} rows written to {}; keep it as private as the state directory\n",
        rows.len(),
        path.display()
    ))
}

/// Writes the rows of a file of [`export`] into the state: an empty one, or `merge` those that are not there.
async fn restore(config: &Config, path: &Path, merge: bool) -> Result<String, StartError> {
    let rows = file::read(path).map_err(ConfigError::new)?;
    let dir = open(config)?;
    let state = state(config, &dir).await?;
    let there: HashSet<_> = state.rows().into_iter().map(|row| (row.table.as_str(), row.key)).collect();
    if !there.is_empty() && !merge {
        return Err(ConfigError::new(format!(
            "the state has {} rows already; --merge adds what is missing and changes none of them",
            there.len()
        ))
        .into());
    }
    // What is there is newer than a file: a key that was revoked since must not come back.
    let missing: Vec<_> =
        rows.into_iter().filter(|row| !there.contains(&(row.table.as_str(), row.key.clone()))).collect();
    let added = missing.len();
    write(&state, missing.into_iter().map(Change::insert).collect()).await?;
    Ok(format!("{added} rows added; {} were there\n", there.len()))
}

/// The state of the configuration: its Redis, else this node's own file.
async fn state(config: &Config, dir: &StateDir) -> Result<State, StartError> {
    match rights::redis(config, dir) {
        Some(redis) => State::open(redis, Vec::new()).await.map_err(lost),
        None => {
            let own = Sqlite::open(dir.path()).await.map_err(lost)?;
            State::open(own, Vec::new()).await.map_err(lost)
        }
    }
}

async fn write(state: &State, changes: Vec<Change>) -> Result<(), StartError> {
    for batch in changes.chunks(BATCH) {
        commit(state, batch.to_vec()).await?;
    }
    Ok(())
}

/// The feed is followed beside, for a commit is over when it has come back.
async fn commit(state: &State, changes: Vec<Change>) -> Result<(), StartError> {
    let wrong = |error: CommitError| StartError::State(error.to_string().into());
    tokio::select! {
        done = state.commit(changes) => done.map_err(wrong),
        () = state.run(async |time| tokio::time::sleep(time).await) => Ok(()),
    }
}

fn open(config: &Config) -> Result<StateDir, StartError> {
    StateDir::open(config.state_dir.as_deref()).map_err(|error| StartError::Io("state directory", error))
}

fn shared(config: &Config, dir: &StateDir) -> Result<Redis, StartError> {
    let none = || ConfigError::new("there is no state.redis: the state is this node's own file");
    Ok(rights::redis(config, dir).ok_or_else(none)?)
}

#[allow(clippy::needless_pass_by_value, reason = "what `map_err` gives")]
fn lost(lost: Lost) -> StartError {
    StartError::State(lost.to_string().into())
}
