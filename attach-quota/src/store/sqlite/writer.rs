use std::sync::Arc;
use std::time::Duration;

use super::clock::Onward;
use super::database::Database;
use super::ledger::Ledger;

/// How long the writer rests after the first failure, and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// The only one that touches the file.
pub(super) struct Writer {
    pub(super) database: Database,
    pub(super) ledger: Arc<Ledger>,
    pub(super) clock: Onward,
}

impl Writer {
    /// Writes what is settled until nothing more can be. All that is settled during one write shares the next.
    pub(super) fn run(mut self) {
        let mut backoff = BACKOFF.0;
        while let Some(batch) = self.ledger.take() {
            match self.database.write(&batch, self.clock.second()) {
                Ok(()) => {
                    backoff = BACKOFF.0;
                    if self.ledger.written(&batch) {
                        tracing::info!("budgets are written to the disk again");
                    }
                }
                Err(error) => {
                    if self.ledger.failed(&batch) {
                        tracing::error!(%error, "budgets cannot be written to the disk");
                    }
                    if self.ledger.is_closed() {
                        return;
                    }
                    self.ledger.pause(backoff);
                    backoff = (backoff * 2).min(BACKOFF.1);
                }
            }
        }
    }
}

/// However it ends: nobody waits for what will not come.
impl Drop for Writer {
    fn drop(&mut self) {
        self.ledger.abandoned();
    }
}
