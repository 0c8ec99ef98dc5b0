use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread;

use tokio::sync::oneshot;

use super::backend::{Backend, Batch, Feed, Lost, Snapshot};
use super::log::Log;
use super::{Change, CommitError};

mod database;
mod writer;

use self::database::Database;
use self::writer::{Request, Writer};

/// The file's name in its directory.
const FILE: &str = "state.db";

/// Rows in a file of this node's, `state.db` in a directory.
///
/// A commit is on the disk before it is acknowledged (`synchronous=FULL`). One process at a time holds the file: a
/// second one is refused. A file that cannot be read, or that has become empty, is an error and never "no rows".
/// All file access is on one thread of its own; commits that wait for it share one write to the disk.
///
/// Clones share the file.
#[derive(Clone)]
pub struct Sqlite {
    path: PathBuf,
    requests: mpsc::Sender<Request>,
    log: Arc<Log>,
}

impl Sqlite {
    /// Opens the file in `directory`; makes both where there is nothing yet, for this user only.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened, is damaged, is not ours, or is held by another process.
    pub async fn open(directory: impl AsRef<Path>) -> Result<Self, Lost> {
        let directory = directory.as_ref().to_owned();
        let path = directory.join(FILE);
        let (requests, inbox) = mpsc::channel();
        let (opened, wait) = oneshot::channel();
        let work = move || match Database::open(&directory, FILE) {
            Ok((database, seq)) => {
                let log = Arc::new(Log::new(seq));
                if opened.send(Ok(Arc::clone(&log))).is_ok() {
                    Writer::new(database, log).run(&inbox);
                }
            }
            Err(lost) => drop(opened.send(Err(lost))),
        };
        let failed = |error: std::io::Error| Lost::Unreachable(error.to_string().into());
        thread::Builder::new().name("attach-state".into()).spawn(work).map_err(failed)?;
        let log = wait.await.map_err(|_| gone())??;
        Ok(Self { path, requests, log })
    }

    fn ask<T: Send + 'static>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> Request,
    ) -> Feed<Result<T, Lost>> {
        let (reply, wait) = oneshot::channel();
        let sent = self.requests.send(request(reply)).map_err(|_| gone());
        Box::pin(async move {
            sent?;
            wait.await.map_err(|_| gone())
        })
    }
}

fn gone() -> Lost {
    Lost::Unreachable("its thread is gone".into())
}

impl Backend for Sqlite {
    fn load(&self) -> Feed<Result<Snapshot, Lost>> {
        let loaded = self.ask(Request::Load);
        Box::pin(async move { loaded.await? })
    }

    fn commit(&self, changes: Vec<Change>) -> Feed<Result<u64, CommitError>> {
        let committed = self.ask(|reply| Request::Commit(changes, reply));
        Box::pin(
            async move { committed.await.map_err(|lost| CommitError::Unavailable(lost.to_string().into()))? },
        )
    }

    fn follow(&self, after: u64) -> Feed<Result<Vec<Batch>, Lost>> {
        self.log.follow(after)
    }

    fn is_watched(&self) -> bool {
        false
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").field("path", &self.path).finish_non_exhaustive()
    }
}
