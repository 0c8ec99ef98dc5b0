use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use attach_core::Rejection;
use http::StatusCode;
use tokio::sync::oneshot;

use crate::Scope;

/// Work for [`Offload`].
pub type Job = Box<dyn FnOnce() + Send>;

/// Runs long work somewhere else than on the threads that serve requests, for example with tokio's `spawn_blocking`.
///
/// An implementation bounds how many jobs run at a time; closures are implementations. [`Shares`](crate::Shares) around
/// one does so, and keeps one caller's jobs from being in the way of all others'.
pub trait Offload: Send + Sync + 'static {
    /// Runs `job` soon. A job that is dropped instead is answered 503 with `Retry-After`.
    fn run(&self, job: Job);

    /// Runs a `job` of the caller `whose`, over a body of so many `bytes`, soon.
    fn run_for(&self, whose: &Scope, bytes: usize, job: Job) {
        let _ = (whose, bytes);
        self.run(job);
    }
}

impl<F: Fn(Job) + Send + Sync + 'static> Offload for F {
    fn run(&self, job: Job) {
        self(job);
    }
}

/// From this size on a body is worked on elsewhere: on one core it is some milliseconds of work.
pub(crate) const LARGE: usize = 64 << 10;

/// Where one body is worked on.
pub(crate) struct Elsewhere<'a> {
    pub(crate) offload: &'a Arc<dyn Offload>,
    pub(crate) whose: &'a Scope,
    pub(crate) bytes: usize,
}

/// Does `work`, elsewhere if there is an elsewhere. Work that nobody waits for any more is not begun.
pub(crate) async fn perform<T: Send + 'static>(
    elsewhere: Option<&Elsewhere<'_>>,
    work: impl FnOnce() -> Result<T, Rejection> + Send + 'static,
) -> Result<T, Rejection> {
    let Some(Elsewhere { offload, whose, bytes }) = elsewhere else { return work() };
    let (sender, receiver) = oneshot::channel();
    let begun = Arc::new(AtomicBool::new(false));
    let begins = Arc::clone(&begun);
    let job = move || {
        begins.store(true, Ordering::Release);
        if !sender.is_closed() {
            let _ = sender.send(work());
        }
    };
    offload.run_for(whose, *bytes, Box::new(job));
    receiver.await.unwrap_or_else(|_| Err(dropped(begun.load(Ordering::Acquire))))
}

/// 503 `redaction_failed` for a job without a result.
fn dropped(begun: bool) -> Rejection {
    let unavailable =
        |message: &'static str| Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "redaction_failed", message);
    if begun {
        let rejection = unavailable("the request could not be inspected, so it was not forwarded");
        return rejection.with_reason("the job ended without a result");
    }
    let message = "too many requests wait to be inspected, so this one was not forwarded";
    unavailable(message).with_retry_after(1).with_reason("the job was dropped before it began")
}
