//! Logs: structured, on standard error, with no personal data in them.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// Starts logging. `filter` is `RUST_LOG`'s value; people get text, everything else gets JSON.
pub(crate) fn start(filter: Option<&str>) {
    let filter = filter.map_or_else(|| EnvFilter::new("info"), EnvFilter::new);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // A second start, as tests do it, keeps the first subscriber.
    let _ = if io::stderr().is_terminal() { builder.try_init() } else { builder.json().try_init() };
}
