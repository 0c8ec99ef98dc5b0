//! `attach-gateway usage`: who used how much, from the audit log, for a spreadsheet or a metering service.
//!
//! Nothing is counted a second time: what is printed is what the log's `outcome` records say, and each line or event
//! has the record's own id, so whatever is imported twice can be told.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use attach_quota::Prices;
use clap::{Args, ValueEnum};

use crate::cli;
use crate::config::ConfigError;
use crate::moment;
use crate::run::StartError;

mod csv;
mod events;
mod read;
mod record;
mod sum;

use self::record::Used;

/// What is to be printed.
#[derive(Debug, Args)]
pub(crate) struct Usage {
    /// Folder of the audit log; the one in the state directory unless given.
    #[arg(long, value_name = "FOLDER")]
    log: Option<PathBuf>,
    /// Only calls that ended at this time or later, as in 2026-11-01 or 2026-11-01T08:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = moment_of)]
    since: Option<SystemTime>,
    /// Only calls that ended before this time.
    #[arg(long, value_name = "TIME", value_parser = moment_of)]
    until: Option<SystemTime>,
    /// What to print.
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    /// One line for each day and caller, client, model and upstream instead of one for each call.
    #[arg(long, conflicts_with = "format")]
    sum: bool,
    /// Configuration file, for the prices and the state directory.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Comma-separated values (RFC 4180) with a line of names.
    Csv,
    /// CloudEvents 1.0, a line of JSON each: one for the input and one for the output of a call, as OpenMeter takes them.
    Cloudevents,
}

fn moment_of(text: &str) -> Result<SystemTime, String> {
    moment::parse(text)
        .ok_or_else(|| format!("{text:?} is no time; write 2026-11-01 or 2026-11-01T08:00:00Z"))
}

impl Usage {
    /// Prints what was used.
    ///
    /// # Errors
    ///
    /// When the configuration makes no sense or the log cannot be read.
    pub(crate) fn run(&self, env: fn(&str) -> Option<String>) -> Result<(), StartError> {
        let failed = |error| StartError::Io("usage", error);
        if self.since.zip(self.until).is_some_and(|(since, until)| since >= until) {
            return Err(
                ConfigError::new("--since is not before --until: there is nothing between them").into()
            );
        }
        let (folder, prices) = self.sources(env)?;
        let mut out = BufWriter::new(io::stdout().lock());
        match self.print(&folder, &prices, &mut out).and_then(|()| out.flush()) {
            // Whoever reads has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other.map_err(failed),
        }
    }

    fn sources(&self, env: fn(&str) -> Option<String>) -> Result<(PathBuf, Prices), StartError> {
        let configured =
            self.config.is_some() || ["ATTACH_CONFIG", "OIDC_ISSUER"].iter().any(|name| env(name).is_some());
        let (place, prices) = match (&self.log, configured) {
            (Some(_), false) => (None, Prices::new()),
            // Whoever configures nothing has the log where a gateway puts it that nobody tells otherwise.
            (None, false) => (env("ATTACH_STATE_DIR").map(PathBuf::from), Prices::new()),
            (_, true) => {
                let config = cli::configuration(self.config.as_deref(), env)?;
                (config.state_dir, config.quota.prices)
            }
        };
        let folder = || crate::state::StateDir::place(place.as_deref()).join("audit");
        Ok((self.log.clone().unwrap_or_else(folder), prices))
    }

    fn print(&self, folder: &Path, prices: &Prices, out: &mut impl Write) -> io::Result<()> {
        let wanted = |used: &Used<'_>| {
            used.at.is_some_and(|at| {
                self.since.is_none_or(|since| since <= at) && self.until.is_none_or(|until| at < until)
            })
        };
        match (self.format, self.sum) {
            (Format::Csv, false) => {
                csv::names(out, &csv::CALL)?;
                read::each(folder, |used| if wanted(&used) { csv::call(out, &used, prices) } else { Ok(()) })
            }
            (Format::Csv, true) => {
                let mut sums = sum::Sums::default();
                read::each(folder, |used| {
                    if wanted(&used) {
                        sums.add(&used, prices);
                    }
                    Ok(())
                })?;
                csv::names(out, &csv::SUM)?;
                sums.each(|line| csv::line(out, line))
            }
            (Format::Cloudevents, _) => {
                read::each(folder, |used| if wanted(&used) { events::call(out, &used) } else { Ok(()) })
            }
        }
    }
}
