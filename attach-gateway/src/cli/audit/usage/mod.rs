//! `attach-gateway audit usage`: who used how much.
//!
//! Nothing is counted a second time: what is printed is what the log's `outcome` and `reject` records say, and each
//! line about a call and each event has the record's own id, so whatever is imported twice can be told.

use std::io::{self, BufWriter, Write};

use attach_audit::read::Records;
use attach_quota::Prices;
use clap::{Args, ValueEnum};

use super::csv;
use super::place::Place;
use super::span::{Span, Window};
use crate::config::ConfigError;
use crate::moment;
use crate::run::StartError;

mod by;
mod call;
mod events;
mod print;
mod record;
mod sum;

use self::by::By;
use self::record::Used;
use self::sum::Sums;

/// What is to be counted.
#[derive(Debug, Args)]
pub(crate) struct Usage {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    span: Span,
    /// By what; several, with commas between them, for each of their combinations.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "user")]
    by: Vec<By>,
    /// Each `day` or `month` by itself, or only one year, month or day, as in 2026-11 (UTC).
    #[arg(long, value_name = "PERIOD", value_parser = period_of)]
    period: Option<Period>,
    /// How to print; a table unless given, CSV for calls.
    #[arg(long, value_enum)]
    format: Option<Format>,
}

#[derive(Debug, Clone, Copy)]
enum Period {
    Each(By),
    Only(std::time::SystemTime, std::time::SystemTime),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// A line of JSON each.
    Json,
    /// Comma-separated values (RFC 4180) with a line of names.
    Csv,
    /// With `--by call`, CloudEvents 1.0, a line of JSON each: one for the input and one for the output of a call, as
    /// OpenMeter takes them.
    Cloudevents,
}

fn period_of(text: &str) -> Result<Period, String> {
    match text {
        "day" => Ok(Period::Each(By::Day)),
        "month" => Ok(Period::Each(By::Month)),
        _ => moment::period(text)
            .map(|(from, to)| Period::Only(from, to))
            .ok_or_else(|| format!("{text:?} is no period; write day, month, 2026, 2026-11 or 2026-11-22")),
    }
}

impl Usage {
    /// Prints what was used.
    ///
    /// # Errors
    ///
    /// When the options or the configuration make no sense, or a log cannot be read.
    pub(crate) fn run(&self, env: fn(&str) -> Option<String>) -> Result<(), StartError> {
        let by = self.by()?;
        let window = self.window()?;
        let (records, prices) = (self.place.records(env)?, self.place.prices(env)?);
        let mut out = BufWriter::new(io::stdout().lock());
        let printed = if by == [By::Call] {
            self.calls(records, &window, &prices, &mut out)
        } else {
            self.sums(&by, records, &window, &prices, &mut out)
        };
        match printed.and_then(|()| out.flush()) {
            // Whoever reads has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other.map_err(|error| StartError::Io("audit usage", error)),
        }
    }

    /// What is counted by, each once, the period first.
    fn by(&self) -> Result<Vec<By>, ConfigError> {
        let mut by = Vec::new();
        let each = match self.period {
            Some(Period::Each(each)) => Some(each),
            _ => None,
        };
        for one in each.iter().chain(&self.by) {
            if !by.contains(one) {
                by.push(*one);
            }
        }
        let calls = by.contains(&By::Call);
        match self.format {
            _ if calls && by.len() > 1 => Err(ConfigError::new("--by call goes with nothing else")),
            Some(Format::Table) if calls => {
                Err(ConfigError::new("calls are no table: --by call needs --format csv, json or cloudevents"))
            }
            Some(Format::Cloudevents) if !calls => {
                Err(ConfigError::new("--format cloudevents needs --by call: sums are no events"))
            }
            _ => Ok(by),
        }
    }

    fn window(&self) -> Result<Window, ConfigError> {
        let window = self.span.window()?;
        Ok(match self.period {
            Some(Period::Only(from, to)) => window.narrowed(Some(from), Some(to)),
            _ => window,
        })
    }

    fn calls(
        &self,
        records: Records,
        window: &Window,
        prices: &Prices,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let format = self.format.unwrap_or(Format::Csv);
        if format == Format::Csv {
            csv::names(out, &call::COLUMNS)?;
        }
        each(records, window, |used| match format {
            _ if !used.is_call() => Ok(()),
            Format::Cloudevents => events::call(out, used),
            Format::Json => {
                let fields = call::COLUMNS.into_iter().zip(call::fields(used, prices));
                let object: serde_json::Map<_, _> =
                    fields.map(|(name, value)| (name.to_owned(), value.into())).collect();
                writeln!(out, "{}", serde_json::Value::Object(object))
            }
            _ => csv::line(out, call::fields(used, prices)),
        })
    }

    fn sums(
        &self,
        by: &[By],
        records: Records,
        window: &Window,
        prices: &Prices,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let mut sums = Sums::new(by.to_vec());
        each(records, window, |used| {
            sums.add(used, prices);
            Ok(())
        })?;
        match self.format {
            Some(Format::Csv) => print::csv(out, by, &sums),
            Some(Format::Json) => print::json(out, by, &sums),
            _ => print::table(out, by, &sums),
        }
    }
}

/// Calls `with` for every record of the window that is about usage.
fn each(
    mut records: Records,
    window: &Window,
    mut with: impl FnMut(&Used<'_>) -> io::Result<()>,
) -> io::Result<()> {
    while let Some(line) = records.next()? {
        if !Used::may_matter(line.bytes) {
            continue;
        }
        match Used::parse(line.bytes) {
            Ok(Some(used)) if window.contains(&used.ts.0) => with(&used)?,
            Ok(_) => {}
            Err(error) => {
                let (file, line) = (line.path.display(), line.number);
                tracing::warn!(%file, line, %error, "a line that is no record is left out");
            }
        }
    }
    Ok(())
}
