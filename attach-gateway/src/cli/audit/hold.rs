//! `attach-gateway audit hold` and `audit release`: nothing is deleted while a legal hold lasts. There may be several.

use std::process::ExitCode;

use attach_audit::retention;
use clap::Args;

use super::place::Folder;
use crate::cli::{complain, env, print};

#[derive(Debug, Args)]
pub(crate) struct Hold {
    #[command(flatten)]
    log: Folder,
    /// Which of several holds: ASCII letters, digits, - and _.
    #[arg(long, value_name = "NAME", default_value = "")]
    name: String,
    /// Why; it goes on record, so no personal data.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct Release {
    #[command(flatten)]
    log: Folder,
    /// Which of several holds; without it, the one that was given no name.
    #[arg(long, value_name = "NAME", default_value = "")]
    name: String,
    /// Why; it goes on record, so no personal data.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl Hold {
    pub(super) fn run(&self) -> ExitCode {
        done(self.log.path(env).map_err(Into::into).and_then(|folder| {
            let hold = retention::Hold::place(&folder, &self.name, &self.reason, &account())?;
            Ok(format!("held since {}: nothing in {} is deleted\n", hold.since, folder.display()))
        }))
    }
}

impl Release {
    pub(super) fn run(&self) -> ExitCode {
        done(self.log.path(env).map_err(Into::into).and_then(|folder| {
            let mut text = match retention::Hold::release(&folder, &self.name, &self.reason, &account())? {
                Some(hold) => format!("released; it was held since {}: {}\n", hold.since, hold.reason),
                None if self.name.is_empty() => "there was no hold without a name\n".into(),
                None => format!("there was no hold {}\n", self.name),
            };
            for hold in retention::Hold::all(&folder)? {
                let name = if hold.name.is_empty() { "without a name" } else { &hold.name };
                text += &format!("still held ({name}) since {}: {}\n", hold.since, hold.reason);
            }
            Ok(text)
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
