//! What every backend promises, and what each promises besides.

mod common;
#[cfg(feature = "redis")]
mod loss;
#[cfg(feature = "redis")]
mod nodes;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::time::Duration;

#[cfg(feature = "redis")]
use attach_auth::state::Health;
use attach_auth::state::{Backend, Row, State, Table};
use tokio::task::JoinHandle;

/// A state that follows its backend.
struct Node {
    state: State,
    task: JoinHandle<()>,
}

impl Node {
    async fn of(backend: impl Backend) -> Self {
        let state = State::open(backend, Vec::new()).await.expect("the backend is there");
        let running = state.clone();
        let task = tokio::spawn(async move { running.run(tokio::time::sleep).await });
        Self { state, task }
    }

    #[cfg(feature = "redis")]
    fn is_up(&self) -> bool {
        self.state.health() == Health::Up
    }

    fn has(&self, key: &str) -> bool {
        self.state.get(Table::KEYS, key).is_some()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn key(name: impl Into<std::sync::Arc<str>>) -> Row {
    Row::new(Table::KEYS, name, "{}")
}

/// Waits until something is so; says how long it took.
async fn until(limit: Duration, what: &str, so: impl Fn() -> bool) -> Duration {
    let start = std::time::Instant::now();
    while !so() {
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    start.elapsed()
}
