//! The access keys of the machine itself, for all who sign with them: obtained before the first request, renewed
//! before they expire.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use attach_core::aws::{Keys, Machine, MachineError, Obtained};
use attach_core::client::Client;
use tokio::time::Instant;

/// How long before its end a key is replaced: AWS has the next one five minutes before.
const AHEAD: Duration = Duration::from_secs(600);

/// How long a key is kept of which nobody said when it ends.
const UNSAID: Duration = Duration::from_secs(900);

/// How long nobody is asked after a failure: at first, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));

/// Whatever is in force or being put in force. A configuration that is read again finds the keys of the one before.
static KNOWN: Mutex<Vec<Arc<Source>>> = Mutex::new(Vec::new());

struct Source {
    machine: Machine,
    keys: Keys,
    /// Held while it is asked, so that one asks at a time.
    plan: tokio::sync::Mutex<Plan>,
}

/// When it is asked next.
#[derive(Default)]
struct Plan {
    due: Option<Instant>,
    pause: Option<Duration>,
}

/// The keys of `machine`. There are none before the next [`renew`].
pub(crate) fn keys(machine: &Machine) -> Keys {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(source) = known.iter().find(|source| source.machine == *machine) {
        return source.keys.clone();
    }
    let source = Source { machine: machine.clone(), keys: Keys::none(), plan: tokio::sync::Mutex::default() };
    let keys = source.keys.clone();
    known.push(Arc::new(source));
    keys
}

/// Obtains the keys that are due. Those that nobody signs with any more are forgotten.
pub(crate) async fn renew() {
    let known = {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|source| source.keys.is_shared());
        known.clone()
    };
    for source in known {
        source.renew().await;
    }
}

impl Source {
    async fn renew(&self) {
        let mut plan = self.plan.lock().await;
        if plan.due.is_some_and(|due| Instant::now() < due) {
            return;
        }
        match obtain(&self.machine).await {
            Ok(Obtained { key, until }) => {
                self.keys.set(key, until);
                let next = until.map_or(UNSAID, |until| lead(until, SystemTime::now()));
                if plan.pause.take().is_some() || plan.due.is_none() {
                    tracing::info!(from = %self.machine, next_in = ?next, "access keys of AWS were obtained");
                }
                plan.due = Some(Instant::now() + next);
            }
            Err(error) => {
                if plan.pause.is_none() {
                    let from = &self.machine;
                    tracing::warn!(%from, %error, "no access key of AWS; the last one is used until it expires");
                }
                let pause = plan.pause.map_or(PAUSE.0, |pause| (pause * 2).min(PAUSE.1));
                (plan.pause, plan.due) = (Some(pause), Some(Instant::now() + pause));
            }
        }
    }
}

/// How long a key that is good `until` is kept: shorter ones for half of their time.
fn lead(until: SystemTime, now: SystemTime) -> Duration {
    let left = until.duration_since(now).unwrap_or_default();
    left.saturating_sub(AHEAD).max(left / 2).max(PAUSE.0)
}

async fn obtain(machine: &Machine) -> Result<Obtained, String> {
    let file = machine.token_file().map(std::path::Path::to_path_buf);
    // Both read files.
    let prepared = tokio::task::spawn_blocking(move || {
        let client = Client::new().map_err(|error| format!("TLS: {error}"))?;
        let read = |path| std::fs::read_to_string(path).map_err(|error| format!("its token file: {error}"));
        Ok::<_, String>((client, file.map(read).transpose()?))
    });
    let (client, token) = prepared.await.map_err(|error| error.to_string())??;
    machine.obtain(token.as_deref(), &client).await.map_err(|error: MachineError| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_replaced_ten_minutes_early_and_a_short_one_at_half_its_time() {
        let now = SystemTime::now();
        let lead = |seconds| lead(now + Duration::from_secs(seconds), now).as_secs();
        assert_eq!((lead(3600), lead(900), lead(60), lead(2)), (3000, 450, 30, 5));
        assert_eq!(super::lead(now - Duration::from_secs(60), now), PAUSE.0);
    }
}
