use std::sync::{Arc, mpsc};

use tokio::sync::oneshot;

use super::super::backend::{Batch, Lost, Snapshot};
use super::super::log::Log;
use super::super::{Change, CommitError};
use super::database::Database;

/// Commits that share one write to the disk.
const GROUP: usize = 128;

/// What the thread is asked for.
pub(super) enum Request {
    Load(oneshot::Sender<Result<Snapshot, Lost>>),
    Commit(Vec<Change>, oneshot::Sender<Result<u64, CommitError>>),
}

/// The only one that touches the file.
pub(super) struct Writer {
    database: Database,
    log: Arc<Log>,
}

type Waiting = (Vec<Change>, oneshot::Sender<Result<u64, CommitError>>);

impl Writer {
    pub(super) fn new(database: Database, log: Arc<Log>) -> Self {
        Self { database, log }
    }

    /// Works until nobody can ask any more.
    pub(super) fn run(mut self, inbox: &mpsc::Receiver<Request>) {
        while let Ok(first) = inbox.recv() {
            let mut group = Vec::new();
            for request in std::iter::once(first).chain(inbox.try_iter().take(GROUP)) {
                match request {
                    Request::Commit(changes, reply) => group.push((changes, reply)),
                    Request::Load(reply) => {
                        self.commit(std::mem::take(&mut group));
                        self.load(reply);
                    }
                }
            }
            self.commit(group);
        }
    }

    fn load(&mut self, reply: oneshot::Sender<Result<Snapshot, Lost>>) {
        let loaded = self.database.load();
        if let Ok(snapshot) = &loaded {
            self.log.resume(snapshot.seq);
        }
        let _ = reply.send(loaded);
    }

    fn commit(&mut self, group: Vec<Waiting>) {
        if group.is_empty() {
            return;
        }
        let (changes, replies): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        match self.database.commit(&changes) {
            Ok(results) => {
                for ((changes, reply), result) in changes.into_iter().zip(replies).zip(results) {
                    if let Ok(seq) = result {
                        self.log.push(Batch { seq, changes });
                    }
                    let _ = reply.send(result);
                }
            }
            Err(error) => {
                // What reached the disk is unknown; only what is read back from it counts.
                tracing::error!(%error, "state could not be written");
                self.log.interrupt();
                let why: Box<str> = error.to_string().into();
                for reply in replies {
                    let _ = reply.send(Err(CommitError::Unavailable(why.clone())));
                }
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.log.close();
    }
}
