//! The threads that encode and encrypt: it takes too long for a request's own thread and for the log's writer.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{Builder, available_parallelism};

use tokio::sync::{OwnedSemaphorePermit, watch};

use super::capture::Parcel;
use super::line;
use super::{Contents, Keep};
use crate::chain::Hash;
use crate::record::Said;

type Job = Box<dyn FnOnce(&Contents) + Send>;

/// Makes lines of parcels, one after another on each of a few threads, which begin with the first.
pub(crate) struct Packer {
    contents: Contents,
    jobs: OnceLock<Option<Sender<Job>>>,
    /// How many jobs are not done.
    pending: Arc<watch::Sender<usize>>,
}

/// A parcel as it is written.
pub(crate) struct Packed {
    /// What the record says of it.
    pub(crate) said: Said,
    /// The line for the log; nothing if there could be none.
    pub(crate) line: Option<String>,
    /// To be held until the line is durable.
    pub(crate) room: Option<OwnedSemaphorePermit>,
}

impl Packer {
    pub(super) fn new(contents: Contents) -> Self {
        Self { contents, jobs: OnceLock::new(), pending: Arc::new(watch::Sender::new(0)) }
    }

    pub(crate) fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Makes a line of `parcel` and hands it to `then`, both on another thread.
    pub(crate) fn pack(&self, parcel: Parcel, then: impl FnOnce(Packed) + Send + 'static) {
        self.run(move |contents| then(pack(parcel, contents)));
    }

    /// Does `job` on one of the threads. It is dropped if there is none.
    pub(super) fn run(&self, job: impl FnOnce(&Contents) + Send + 'static) {
        let Some(jobs) = self.jobs.get_or_init(|| self.start()) else { return };
        self.pending.send_modify(|pending| *pending += 1);
        if jobs.send(Box::new(job)).is_err() {
            self.pending.send_modify(|pending| *pending -= 1);
        }
    }

    /// Ready when every job is done.
    pub(crate) async fn idle(&self) {
        // The sender is ours, so the channel is not closed.
        let _ = self.pending.subscribe().wait_for(|pending| *pending == 0).await;
    }

    fn start(&self) -> Option<Sender<Job>> {
        let (sender, receiver) = channel();
        let receiver = Arc::new(Mutex::new(receiver));
        let threads = available_parallelism().map_or(1, |n| n.get().div_ceil(2)).min(4);
        let mut any = false;
        for _ in 0..threads {
            let (jobs, contents) = (Arc::clone(&receiver), self.contents.clone());
            let pending = Arc::clone(&self.pending);
            let thread = Builder::new()
                .name("attach-audit-pack".into())
                .spawn(move || work(&jobs, &contents, &pending));
            any |= thread.inspect_err(|error| tracing::error!(%error, "no thread to keep content")).is_ok();
        }
        any.then_some(sender)
    }
}

fn work(jobs: &Mutex<Receiver<Job>>, contents: &Contents, pending: &watch::Sender<usize>) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // A job that panics lets go of its ack, which tells who waits that there is no record.
        if catch_unwind(AssertUnwindSafe(|| job(contents))).is_err() {
            tracing::error!("keeping content panicked");
        }
        pending.send_modify(|pending| *pending -= 1);
    }
}

fn pack(parcel: Parcel, contents: &Contents) -> Packed {
    if parcel.said.truncated.is_some() {
        contents.count_truncated();
    }
    match line_of(&parcel, contents) {
        Ok((id, line)) => {
            let sha256 = Some(Hash::of(line.as_bytes()));
            let said = Said { reference: Some(id), sha256, ..parcel.said };
            Packed { said, line: Some(line + "\n"), room: parcel.room }
        }
        Err(error) => {
            tracing::error!(%error, "content that was to be kept could not be");
            let said = Said { kept: None, truncated: None, withheld: Some("unavailable"), ..parcel.said };
            Packed { said, line: None, room: None }
        }
    }
}

fn line_of(parcel: &Parcel, contents: &Contents) -> io::Result<(Box<str>, String)> {
    let request = parcel.exchange.id().to_string();
    if parcel.keep != Keep::Sealed {
        return line::write(&request, "redacted", None, [&parcel.request, &parcel.answer]);
    }
    let people = contents.people.as_ref().ok_or_else(|| io::Error::other("there are no auditors"))?;
    let identity = parcel.exchange.identity();
    let (key, texts) =
        people.seal(identity.map(|identity| &**identity), [&parcel.request, &parcel.answer])?;
    line::write(&request, "sealed", key.as_deref(), [&texts[0], &texts[1]])
}

impl fmt::Debug for Packer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packer").field("contents", &self.contents).finish_non_exhaustive()
    }
}
