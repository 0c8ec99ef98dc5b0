//! `attach-gateway audit shipped`: wait until every receiver has what the log has now.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use attach_audit::egress::{end_of, reached};
use clap::Args;

use super::place::LOG;
use crate::cli::{complain, configuration, env, print};
use crate::config::Config;
use crate::run::StartError;
use crate::state::StateDir;

/// Cursors are stored each second.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub(crate) struct Shipped {
    /// Configuration file of the gateway, as it is started with.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How long to wait.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = humantime::parse_duration)]
    within: Duration,
}

impl Shipped {
    pub(super) fn run(&self) -> ExitCode {
        match self.wait() {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::from(1),
            Err(error) => {
                complain(&error);
                ExitCode::from(2)
            }
        }
    }

    fn wait(&self) -> Result<bool, StartError> {
        let until = Instant::now() + self.within;
        let config = configuration(self.config.as_deref(), env)?;
        let log = StateDir::place(config.state_dir.as_deref()).join(LOG);
        let unreadable = |error| StartError::Io("audit log", error);
        let Some(end) = end_of(&log).map_err(unreadable)? else { return Ok(true) };
        loop {
            let mut behind = Vec::new();
            for target in targets(&config) {
                if reached(&log, target).map_err(unreadable)?.is_none_or(|reached| reached < end) {
                    behind.push(target);
                }
            }
            if behind.is_empty() || Instant::now() >= until {
                print(&said(&config, &log, &behind));
                return Ok(behind.is_empty());
            }
            thread::sleep(PAUSE);
        }
    }
}

fn targets(config: &Config) -> impl Iterator<Item = &str> {
    config.audit.egress.iter().map(|egress| egress.name.as_str())
}

fn said(config: &Config, log: &Path, behind: &[&str]) -> String {
    let mut text = String::new();
    for target in targets(config) {
        let how = if behind.contains(&target) { "has not all of it yet" } else { "has all of it" };
        let _ = writeln!(text, "{target} {how}");
    }
    if text.is_empty() {
        let _ = writeln!(text, "no [[audit.egress]]: {} is nowhere else", log.display());
    }
    text
}
