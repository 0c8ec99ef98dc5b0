use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use attach_audit::verify::{Trust, VerifyError, verify_all};
use clap::Args;

use super::place::Place;
use super::trusted::{keys, read, trouble};
use crate::cli::{complain, env, print};

#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    place: Place,
    /// A file of checkpoints that were kept elsewhere.
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// A key that may have signed checkpoints, as `audit key` prints it, or a file of keys. Others are not accepted then.
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
}

impl Verify {
    pub(super) fn run(&self) -> ExitCode {
        let trust = match self.trust() {
            Ok(trust) => trust,
            Err(error) => return trouble(&*error),
        };
        let paths = match self.place.folders(env) {
            Ok(paths) => paths,
            Err(error) => return trouble(&error),
        };
        match verify_all(&paths, &trust) {
            Ok(report) => {
                print(&format!("{report}\n"));
                ExitCode::SUCCESS
            }
            Err(error @ VerifyError::Tampered(_)) => {
                complain(&error);
                ExitCode::FAILURE
            }
            Err(error) => trouble(&error),
        }
    }

    fn trust(&self) -> Result<Trust, Box<dyn Error>> {
        let mut trust = keys(&self.key)?.into_iter().fold(Trust::new(), Trust::key);
        for file in &self.checkpoint {
            let text = read(file)?;
            trust = trust.checkpoints(file, &text).map_err(|error| format!("{}: {error}", file.display()))?;
        }
        Ok(trust)
    }
}
