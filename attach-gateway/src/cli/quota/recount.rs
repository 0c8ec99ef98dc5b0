use std::time::{Duration, SystemTime};

use attach_audit::Timestamp;
use attach_audit::read::Records;
use attach_audit::verify::{Trust, VerifyError, verify_all};
use clap::Args;
use http::{Method, StatusCode};
use serde_json::json;

use super::order::Told;
use super::sums::Sums;
use crate::cli::audit::place::Place;
use crate::cli::audit::trusted;
use crate::cli::env;
use crate::cli::keys::server::{Refused, Server};

/// Where the admin listener takes it.
const PATH: &str = "/admin/v1/quotas/recount";

/// What ended later is left for the next time: Redis may hear of a call a moment after the log has it, and it would be
/// counted twice.
const SETTLED: Duration = Duration::from_secs(5);

/// So many buckets go into one order.
const BATCH: usize = 200;

#[derive(Debug, Args)]
pub(in crate::cli) struct Recount {
    #[command(flatten)]
    place: Place,
    /// Print what would be put back, and put back nothing.
    #[arg(long)]
    dry_run: bool,
    /// A key that may have signed checkpoints, as `audit key` prints it, or a file of keys. Others are not accepted then.
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    #[command(flatten)]
    server: Server,
}

impl Recount {
    /// What the logs say was used of budgets whose period goes on.
    pub(super) fn sums(&self) -> Result<Sums, Refused> {
        let trouble = |error: &dyn std::fmt::Display| Refused::Trouble(error.to_string());
        let keys = trusted::keys(&self.key).map_err(|error| trouble(&error))?;
        let folders = self.place.folders(env).map_err(|error| trouble(&error))?;
        // What counts is looked at before the log is verified, so that nothing counts that was not.
        let now = SystemTime::now();
        let mut sums =
            Sums::until(&Timestamp::from(now.checked_sub(SETTLED).unwrap_or(now)).to_string(), now);
        verify_all(&folders, &keys.into_iter().fold(Trust::new(), Trust::key)).map_err(
            |error| match error {
                VerifyError::Tampered(_) => Refused::No(StatusCode::CONFLICT, error.to_string()),
                other => trouble(&other),
            },
        )?;
        let mut records = Records::of_folders(&folders).map_err(|error| trouble(&error))?;
        while let Some(line) = records.next().map_err(|error| trouble(&error))? {
            sums.add(line.bytes).map_err(|error| {
                Refused::Trouble(format!("{}:{}: {error}", line.path.display(), line.number))
            })?;
        }
        Ok(sums)
    }

    /// Has the gateway put back what it misses, and says what that was.
    pub(super) async fn order(&self, sums: &Sums) -> Result<String, Refused> {
        let mut told = Told::new(self.dry_run, sums.records());
        let counts: Vec<_> = sums.counts().collect();
        // Without any, the gateway says which limits a log is not needed for.
        let batches = if counts.is_empty() { vec![&counts[..]] } else { counts.chunks(BATCH).collect() };
        for batch in batches {
            let order = json!({"dry_run": self.dry_run, "counts": batch});
            let answer = self.server.ask(Method::POST, PATH, Some(&order)).await?;
            told.add(&answer).ok_or(Refused::NotAGateway)?;
        }
        Ok(told.to_string())
    }
}
