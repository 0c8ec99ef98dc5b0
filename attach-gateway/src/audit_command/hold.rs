//! `attach-gateway audit hold` and `audit release`: nothing is deleted while a legal hold lasts.

use std::path::PathBuf;
use std::process::ExitCode;

use attach_audit::retention;
use clap::Args;

use crate::cli::{complain, print};
use crate::state::StateDir;

#[derive(Debug, Args)]
pub(crate) struct Hold {
    #[command(flatten)]
    place: Place,
    /// Why; it goes on record, so no personal data.
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct Release {
    #[command(flatten)]
    place: Place,
    /// Why; it goes on record, so no personal data.
    #[arg(long)]
    reason: String,
}

/// Which log.
#[derive(Debug, Args)]
struct Place {
    /// Folder of the audit log; the one in the state directory (`ATTACH_STATE_DIR`) unless given.
    #[arg(long)]
    log: Option<PathBuf>,
}

impl Place {
    fn folder(&self) -> Result<PathBuf, Missing> {
        let state = || std::env::var_os("ATTACH_STATE_DIR").map(PathBuf::from);
        let folder = self.log.clone().unwrap_or_else(|| StateDir::place(state().as_deref()).join("audit"));
        if folder.is_dir() { Ok(folder) } else { Err(Missing(folder)) }
    }
}

/// There is no log where one was looked for.
#[derive(Debug)]
struct Missing(PathBuf);

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: there is no audit log; name the folder with --log", self.0.display())
    }
}

impl std::error::Error for Missing {}

impl Hold {
    pub(super) fn run(&self) -> ExitCode {
        done(self.place.folder().map_err(Into::into).and_then(|folder| {
            let hold = retention::Hold::place(&folder, &self.reason, &account())?;
            Ok(format!("held since {}: nothing in {} is deleted\n", hold.since, folder.display()))
        }))
    }
}

impl Release {
    pub(super) fn run(&self) -> ExitCode {
        done(self.place.folder().map_err(Into::into).and_then(|folder| {
            Ok(match retention::Hold::release(&folder, &self.reason, &account())? {
                Some(hold) => format!("released; it was held since {}: {}\n", hold.since, hold.reason),
                None => "there was no hold\n".into(),
            })
        }))
    }
}

fn done(result: Result<String, Box<dyn std::error::Error>>) -> ExitCode {
    match result {
        Ok(text) => {
            print(&text);
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&*error);
            ExitCode::from(2)
        }
    }
}

/// The account's name, as the environment has it: a note, no proof.
fn account() -> String {
    let names = ["SUDO_USER", "USER", "LOGNAME"].into_iter();
    names.filter_map(|name| std::env::var(name).ok()).find(|name| !name.is_empty()).unwrap_or_default()
}
