//! `attach-gateway audit …`: work with the audit log.

use std::process::ExitCode;

use clap::Subcommand;

use crate::cli;

mod checkpoint;
mod csv;
mod erase;
mod hold;
mod index;
mod key;
mod keygen;
mod open;
pub(super) mod place;
mod plain;
mod proof;
mod query;
mod shipped;
mod span;
mod table;
pub(super) mod trusted;
mod usage;
mod verify;

/// Work with the audit log.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Ends with 0 if all is well, 1 if not (something was tampered with, a proof does not hold, a text \
                        is not there), 2 on trouble."
)]
pub(crate) enum AuditCommand {
    /// Verify audit logs: that no record was changed, removed, added or moved. Ends with 1 if one was.
    Verify(verify::Verify),
    /// Print who did what, from this node's log or from collected ones.
    Query(Box<query::Query>),
    /// Build the index that `query --db` answers from, or bring it up to date.
    Index(index::IndexCommand),
    /// Print who used how much: for people, for a spreadsheet or for a metering service.
    Usage(usage::Usage),
    /// Print the newest signed checkpoint of each node, to be kept elsewhere.
    Checkpoint(checkpoint::Checkpoint),
    /// Print the key that the checkpoints of this gateway are verified with.
    Key(key::Key),
    /// Print a proof that one record is under a signed checkpoint, for somebody who does not have the log.
    Prove(proof::Prove),
    /// Verify a proof, without the log. Ends with 1 if it does not hold.
    VerifyProof(proof::VerifyProof),
    /// Print what one request asked and was answered, if it was kept.
    Open(open::Open),
    /// Make an auditor's key pair: prints the public key, for `auditors` in `[audit]`.
    Keygen(keygen::Keygen),
    /// Destroy a person's key, so that nobody can read what was sealed of theirs; while no gateway runs.
    Erase(erase::Erase),
    /// Place a legal hold: nothing of an audit log is deleted until it is released.
    Hold(hold::Hold),
    /// Wait until every receiver has what the log has now; before a node goes away for good. Ends with 1 if one has not.
    Shipped(shipped::Shipped),
    /// Release the legal hold on an audit log.
    Release(hold::Release),
}

impl AuditCommand {
    /// 0 is well, 1 is not, 2 is trouble.
    pub(crate) fn run(&self) -> ExitCode {
        match self {
            Self::Hold(hold) => hold.run(),
            Self::Release(release) => release.run(),
            Self::Shipped(shipped) => shipped.run(),
            Self::Verify(verify) => verify.run(),
            Self::Checkpoint(checkpoint) => checkpoint.run(),
            Self::Key(key) => key.run(),
            Self::Prove(prove) => prove.run(),
            Self::VerifyProof(verify) => verify.run(),
            Self::Open(open) => open.run(),
            Self::Erase(erase) => erase.run(),
            Self::Keygen(keygen) => keygen.run(),
            Self::Query(query) => done(query.run(cli::env)),
            Self::Index(index) => done(index.run(cli::env)),
            Self::Usage(usage) => done(usage.run(cli::env)),
        }
    }
}

fn done(result: Result<(), crate::run::StartError>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            cli::complain(&error);
            ExitCode::from(2)
        }
    }
}
