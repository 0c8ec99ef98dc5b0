//! `attach-gateway audit query`: who did what.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use attach_audit::read::Records;
use clap::{Args, ValueEnum};

use super::place::Place;
use super::span::Span;
use crate::run::StartError;

mod filter;
mod indexed;
mod join;
mod output;
mod row;

use self::filter::Filter;
use self::join::Join;
use self::output::Output;

/// What is to be found.
#[derive(Debug, Args)]
pub(crate) struct Query {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    span: Span,
    #[command(flatten)]
    filter: Filter,
    /// Answer from this index, brought up to date first; made if there is none.
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Only the last so many.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// How to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a terminal of 120 columns.
    Table,
    /// The records themselves, a line of JSON each.
    Json,
    /// Comma-separated values (RFC 4180) with a line of names.
    Csv,
}

impl Query {
    /// Prints what was found.
    ///
    /// # Errors
    ///
    /// When the configuration makes no sense or a log cannot be read.
    pub(crate) fn run(&self, env: fn(&str) -> Option<String>) -> Result<(), StartError> {
        let window = self.span.window()?;
        let mut out = BufWriter::new(io::stdout().lock());
        let output = Output::new(&mut out, self.format, self.limit);
        let found = match &self.db {
            Some(file) => {
                let paths = self.place.paths(env)?;
                let mut search = self.filter.search();
                (search.since, search.until, search.limit) = (window.since, window.until, self.limit);
                indexed::answer(file, &paths, &search, output)
            }
            None => {
                let records = self.place.records(env)?;
                let mut join = Join::new(&self.filter, window, output);
                search(records, &mut join).and_then(|()| join.finish())
            }
        };
        match found.and_then(|()| out.flush()) {
            // Whoever reads has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other.map_err(|error| StartError::Io("audit query", error)),
        }
    }
}

fn search(mut records: Records, join: &mut Join<'_, impl Write>) -> io::Result<()> {
    while let Some(line) = records.next()? {
        if join.may_matter(line.bytes)
            && let Some(entry) = line.entry()
        {
            join.add(&entry, line.bytes)?;
        }
    }
    Ok(())
}
