//! The threads that large bodies are worked on by.

use std::time::Duration;

use attach_redact::{Job, Offload, Scope, Shares};
use tokio::runtime::Handle;

/// As many threads as there are cores, shared by all callers: none has more than half of them.
#[derive(Clone)]
pub(crate) struct Pool {
    shares: Shares,
    patience: Duration,
}

impl Pool {
    /// A pool in which nothing waits for longer than `patience`.
    pub(crate) fn new(patience: Duration) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { shares: Shares::new(cores, in_a_thread).patience(patience), patience }
    }
}

/// A job is dropped where there is no runtime any longer.
fn in_a_thread(job: Job) {
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn_blocking(job);
    }
}

impl Offload for Pool {
    fn run(&self, job: Job) {
        self.shares.run(job);
    }

    fn run_for(&self, whose: &Scope, bytes: usize, job: Job) {
        self.shares.run_for(whose, bytes, job);
        let (shares, patience) = (self.shares.clone(), self.patience);
        tokio::spawn(async move {
            tokio::time::sleep(patience).await;
            shares.drop_late();
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tokio::sync::oneshot;

    use super::*;

    /// A job that says that it began, and one end of what it waits for.
    fn gated() -> (Job, oneshot::Receiver<()>, mpsc::Sender<()>) {
        let (begun, begins) = oneshot::channel();
        let (gate, opens) = mpsc::channel();
        let job = move || {
            let _ = begun.send(());
            let _ = opens.recv();
        };
        (Box::new(job), begins, gate)
    }

    #[tokio::test]
    async fn a_job_that_waits_too_long_is_dropped_without_anybody_else_coming_or_going() {
        let shares = Shares::new(1, in_a_thread).patience(Duration::from_millis(20));
        let pool = Pool { shares, patience: Duration::from_millis(20) };
        let (job, begun, gate) = gated();
        pool.run_for(&Scope::new("acme", "alice"), 1, job);
        begun.await.expect("it runs");
        let (job, begun, _gate) = gated();
        pool.run_for(&Scope::new("acme", "bob"), 1, job);
        assert!(begun.await.is_err(), "it was dropped");
        drop(gate);
    }
}
