//! `quota`: what nodes count together, put right.

use std::process::ExitCode;

use clap::Subcommand;

use super::keys::server::Refused;
use super::{complain, print, runtime};

mod order;
mod recount;
mod sums;

use self::recount::Recount;

#[derive(Debug, Subcommand)]
pub(super) enum QuotaCommand {
    /// After a loss of counts in Redis: put back what the audit log says was used of budgets. Never lowers a count.
    Recount(Recount),
}

impl QuotaCommand {
    /// 0 is done, 1 is refused or the log is not what was written, 2 is trouble, 3 says that somebody has to log in.
    pub(super) fn run(&self) -> ExitCode {
        let Self::Recount(recount) = self;
        let done = recount.sums().and_then(|sums| {
            let runtime = runtime().map_err(|error| Refused::Trouble(error.to_string()))?;
            runtime.block_on(recount.order(&sums))
        });
        match done {
            Ok(text) => {
                print(&text);
                ExitCode::SUCCESS
            }
            Err(refused) => {
                complain(&refused);
                refused.exit_code()
            }
        }
    }
}
