use std::sync::Arc;

use attach_core::Rejection;
use http::StatusCode;
use tokio::sync::oneshot;

/// Work for [`Offload`].
pub type Job = Box<dyn FnOnce() + Send>;

/// Runs long work somewhere else than on the threads that serve requests, for example with tokio's `spawn_blocking`.
///
/// An implementation bounds how many jobs run at a time; closures are implementations.
pub trait Offload: Send + Sync + 'static {
    /// Runs `job` soon. A job that is dropped instead is answered 503.
    fn run(&self, job: Job);
}

impl<F: Fn(Job) + Send + Sync + 'static> Offload for F {
    fn run(&self, job: Job) {
        self(job);
    }
}

/// From this size on a body is worked on elsewhere: on one core it is some milliseconds of work.
pub(crate) const LARGE: usize = 64 << 10;

/// Does `work`, elsewhere if there is an elsewhere. Work that nobody waits for any more is not begun.
pub(crate) async fn perform<T: Send + 'static>(
    elsewhere: Option<&Arc<dyn Offload>>,
    work: impl FnOnce() -> Result<T, Rejection> + Send + 'static,
) -> Result<T, Rejection> {
    let Some(elsewhere) = elsewhere else { return work() };
    let (sender, receiver) = oneshot::channel();
    elsewhere.run(Box::new(move || {
        if !sender.is_closed() {
            let _ = sender.send(work());
        }
    }));
    receiver.await.unwrap_or_else(|_| {
        let message = "the request could not be inspected, so it was not forwarded";
        let rejection = Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "redaction_failed", message);
        Err(rejection.with_reason("the job was dropped"))
    })
}
