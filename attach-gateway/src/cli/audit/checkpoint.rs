use std::process::ExitCode;

use attach_audit::checkpoint::newest;
use clap::Args;

use super::place::Place;
use super::trusted::trouble;
use crate::cli::{env, print};

#[derive(Debug, Args)]
pub(crate) struct Checkpoint {
    #[command(flatten)]
    place: Place,
}

impl Checkpoint {
    pub(super) fn run(&self) -> ExitCode {
        let paths = match self.place.folders(env) {
            Ok(paths) => paths,
            Err(error) => return trouble(&error),
        };
        let mut notes = Vec::new();
        for path in paths {
            match newest(&path) {
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
