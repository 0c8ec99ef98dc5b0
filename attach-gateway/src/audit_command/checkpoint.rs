use std::path::PathBuf;
use std::process::ExitCode;

use attach_audit::checkpoint::newest;
use clap::Args;

use super::trusted::trouble;
use crate::cli::print;

#[derive(Debug, Args)]
pub(crate) struct Checkpoint {
    /// Folders with the segments of any number of nodes; the gateway may be running.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
}

impl Checkpoint {
    pub(super) fn run(&self) -> ExitCode {
        let mut notes = Vec::new();
        for path in &self.paths {
            match newest(path) {
                Ok(found) => notes.extend(found),
                Err(error) => return trouble(&error),
            }
        }
        if notes.is_empty() {
            return trouble(&*Box::<dyn std::error::Error>::from("there is no checkpoint yet"));
        }
        print(&notes.join("\n"));
        ExitCode::SUCCESS
    }
}
