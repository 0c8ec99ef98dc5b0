//! `attach-gateway state`: an operator's decisions about the state store while no gateway runs.

use attach_auth::state::{Backend, Change, CommitError, Lost, Redis, Sqlite, State};

use crate::config::{Config, ConfigError};
use crate::rights;
use crate::run::StartError;
use crate::state::StateDir;

/// How many rows go into one commit.
const BATCH: usize = 200;

/// Takes the Redis of `config` as it is, whatever it has forgotten.
pub(crate) async fn adopt(config: &Config) -> Result<String, StartError> {
    let dir = open(config)?;
    let redis = shared(config, &dir)?;
    redis.adopt().await.map_err(lost)?;
    Ok("the store is taken as it is; nodes that knew another have to be told so too\n".into())
}

/// Copies the state of this node's own file into the Redis of `config`, and puts the file aside.
pub(crate) async fn import(config: &Config) -> Result<String, StartError> {
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
    let (copied, changes) = (rows.len(), rows.into_iter().map(Change::put).collect::<Vec<_>>());
    for batch in changes.chunks(BATCH) {
        commit(&state, batch.to_vec()).await?;
    }
    let aside = dir.path().join(format!("{}.imported", rights::FILE));
    std::fs::rename(&file, &aside).map_err(|error| StartError::Io("putting the file aside", error))?;
    Ok(format!("{copied} rows copied; the file is {} now\n", aside.display()))
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
