use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::{complain, print};

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The folder or file.
    path: PathBuf,
}

impl Verify {
    pub(super) fn run(&self) -> ExitCode {
        match attach_audit::verify::verify(&self.path) {
            Ok(report) => {
                print(&format!("{report}\n"));
                ExitCode::SUCCESS
            }
            Err(error) => {
                complain(&error);
                ExitCode::FAILURE
            }
        }
    }
}
