use std::path::PathBuf;
use std::process::ExitCode;

use attach_audit::checkpoint::{Proof, ProofError};
use attach_audit::verify::VerifyError;
use clap::Args;

use super::place::Place;
use super::trusted::{keys, read, trouble};
use crate::cli::{complain, env, print};

#[derive(Debug, Args)]
pub(crate) struct Prove {
    /// The record's number, `seq`.
    seq: u64,
    #[command(flatten)]
    place: Place,
    /// The record's chain, if several have a record of this number.
    #[arg(long, value_name = "CHAIN")]
    chain: Option<String>,
}

impl Prove {
    pub(super) fn run(&self) -> ExitCode {
        let paths = match self.place.folders(env) {
            Ok(paths) => paths,
            Err(error) => return trouble(&error),
        };
        match Proof::make(&paths, self.chain.as_deref(), self.seq) {
            Ok(proof) => {
                print(&format!("{proof}\n"));
                ExitCode::SUCCESS
            }
            Err(error @ ProofError::Log(VerifyError::Tampered(_))) => {
                complain(&error);
                ExitCode::FAILURE
            }
            Err(error @ ProofError::NoRecord(_)) => {
                let chain = self.chain.as_ref().map(|chain| format!(" of chain {chain}")).unwrap_or_default();
                trouble(&*Box::<dyn std::error::Error>::from(format!("{error}{chain}")))
            }
            Err(error) => trouble(&error),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct VerifyProof {
    /// The proof, as `audit prove` prints it.
    file: PathBuf,
    /// A key that may have signed the checkpoint, as `audit key` prints it, or a file of keys.
    #[arg(long, value_name = "KEY", required = true)]
    key: Vec<String>,
}

impl VerifyProof {
    pub(super) fn run(&self) -> ExitCode {
        let (keys, text) = match keys(&self.key).and_then(|keys| Ok((keys, read(&self.file)?))) {
            Ok(given) => given,
            Err(error) => return trouble(&*error),
        };
        match Proof::parse(&text).and_then(|proof| proof.verify(&keys)) {
            Ok(proved) => {
                print(&format!(
                    "ok: record {} of chain {} is under the checkpoint over {} records signed by {}\n{}\n",
                    proved.seq, proved.chain, proved.size, proved.by, proved.record
                ));
                ExitCode::SUCCESS
            }
            Err(error @ ProofError::Malformed) => trouble(&error),
            Err(error) => {
                complain(&error);
                ExitCode::FAILURE
            }
        }
    }
}
