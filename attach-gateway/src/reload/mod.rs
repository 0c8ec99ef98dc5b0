//! The configuration file, read again: on SIGHUP, and when it or a file it names has changed.
//!
//! The whole file is read, checked and built beside what is in force, which it replaces at once or not at all. Requests
//! that run go on as they began.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use attach_auth::Event;

use crate::config::{ConfigError, Source};
use crate::run::{Current, Lasting};
use crate::server::ReloadSignal;

mod draft;
mod looser;
mod models;
mod restart;
mod slips;
mod terms;
mod watch;
mod written;

use self::draft::Draft;
use self::watch::Watch;

/// How long the keys of new issuers are waited for before the configuration comes into force all the same.
const KEYS: Duration = Duration::from_secs(1);

/// What a record tells at most of one thing, in characters.
const SHORT: usize = 2000;

/// Waits for a reason to read the file again.
#[derive(Debug)]
pub(crate) struct Reload {
    signal: ReloadSignal,
}

impl Reload {
    /// Listens from now on: a signal that comes early does not end the program.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self { signal: ReloadSignal::listen()? })
    }

    /// Never ends.
    pub(crate) async fn run(mut self, current: &Current, lasting: &Arc<Lasting>) {
        let Source::File(path) = current.load().config.source.clone() else {
            return self.nothing_to_read(lasting).await;
        };
        let mut watch = Watch::new(path, &current.load().config.written).await;
        loop {
            let by = tokio::select! {
                () = self.signal.next() => "SIGHUP",
                () = watch.changed() => "file",
            };
            // What changes while the file is read is looked at again.
            watch.note().await;
            match replace(by, current, lasting).await {
                Ok(()) => watch.follow(&current.load().config.written).await,
                Err(error) => refuse(by, &error, lasting).await,
            }
        }
    }

    async fn nothing_to_read(&mut self, lasting: &Lasting) {
        loop {
            self.signal.next().await;
            let error = ConfigError::new("configured without a file: there is nothing to read again");
            refuse("SIGHUP", &error, lasting).await;
        }
    }
}

/// Reads the file and puts it in force, once that is on record.
async fn replace(by: &'static str, current: &Current, lasting: &Arc<Lasting>) -> Result<(), ConfigError> {
    let (began, before, parts) = (Instant::now(), current.load(), Arc::clone(lasting));
    let reading = {
        let before = Arc::clone(&before);
        tokio::task::spawn_blocking(move || Draft::read(&before, &parts))
    };
    let draft = reading.await.map_err(|error| ConfigError::new(error.to_string()))??;
    let Draft { assembly, changed, looser } = draft;
    let took = began.elapsed();
    // Fetched while nobody waits for them; without them their issuer's first tokens are answered 503.
    let _ = tokio::time::timeout(KEYS, assembly.refresh()).await;
    let (changed, looser) = (changed.join(", "), looser.join("; "));
    let rules = assembly.config.access_summary.clone();
    let event = Event::new("config.reload", by)
        .detail("before", &*before.hash)
        .detail("after", &*assembly.hash)
        .detail("changed", shortened(&changed))
        .detail("looser", shortened(&looser))
        .detail("rules", shortened(&rules.join("; ")));
    lasting.witness.witness(event).await.map_err(|error| ConfigError::new(error.to_string()))?;
    let config = Arc::clone(&assembly.config);
    current.replace(assembly, lasting);
    tracing::info!(by, changed, ?rules, took_ms = took.as_secs_f64() * 1e3, "configuration reloaded");
    if !looser.is_empty() {
        tracing::warn!(looser, "the configuration is looser than the one before");
    }
    crate::quotas::warn(&config);
    Ok(())
}

async fn refuse(by: &'static str, error: &ConfigError, lasting: &Lasting) {
    tracing::error!(by, %error, "configuration not reloaded; the one in force stays");
    lasting.telemetry.reloaded(None);
    // Further lines quote the file.
    let why = error.to_string().lines().next().map(shortened).unwrap_or_default();
    let event = Event::new("config.reload_refused", by).detail("why", why);
    if let Err(error) = lasting.witness.witness(event).await {
        tracing::error!(%error, "that the configuration was not reloaded is not on record");
    }
}

/// Enough for an auditor to tell what it was; the file itself has the rest.
fn shortened(text: &str) -> String {
    text.chars().take(SHORT).collect()
}
