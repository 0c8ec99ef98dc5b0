//! `attach-gateway audit …`: work with the audit log.

use std::process::ExitCode;

use clap::Subcommand;

mod verify;

/// Work with the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Verify the hash chain of an audit log: a folder, or one of its segments.
    Verify(verify::Verify),
}

impl AuditCommand {
    /// 0 is well, 1 is not, 2 is trouble.
    pub(crate) fn run(&self) -> ExitCode {
        match self {
            Self::Verify(verify) => verify.run(),
        }
    }
}
