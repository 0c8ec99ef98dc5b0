//! `attach-gateway redact`: the redactor alone, on a file or standard input.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;

use attach_redact::{RedactError, Redactor};
use clap::Args;

use crate::cli;
use crate::config::ConfigError;
use crate::run::StartError;

mod characters;
mod explain;
mod jsonl;
mod lines;
mod select;
mod spans;

use self::select::Entities;

/// What is to be redacted, and how it is told.
#[derive(Debug, Args)]
pub(crate) struct RedactCommand {
    /// What to read; standard input unless given.
    file: Option<PathBuf>,
    /// Read lines {"id","text"} and report what is found in each as {"id","text","spans"}; offsets are in characters.
    #[arg(long, conflicts_with_all = ["json", "explain"])]
    jsonl: bool,
    /// Read one JSON document and redact its strings, keys and long numbers.
    #[arg(long, conflicts_with = "explain")]
    json: bool,
    /// Print what is found where, what that rests on and what becomes of it.
    #[arg(long)]
    explain: bool,
    /// Show the values that were found, too.
    #[arg(long, requires = "explain")]
    show_values: bool,
    /// What to look for: `default`, `all` (what is off by default and private addresses, too) or names, as in
    /// PERSON,UK_NHS. What is asked for by name or by `all` counts from a score of 0.3 on: a check digit is enough.
    #[arg(long, value_name = "LIST", default_value = "default")]
    entities: Entities,
    /// What a finding has to score, from 0 to 1.
    #[arg(long, value_name = "SCORE", value_parser = threshold)]
    threshold: Option<f32>,
    /// Private, loopback and documentation addresses count as well.
    #[arg(long)]
    private_addresses: bool,
    /// Configuration file, for its [redact] section; without one, every default, and placeholders that differ from run
    /// to run unless ATTACH_REDACT_KEY has a key.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

fn threshold(text: &str) -> Result<f32, String> {
    let score = text.parse::<f32>().ok().filter(|score| (0.0..=1.0).contains(score));
    score.ok_or_else(|| format!("{text:?} is no number from 0 to 1"))
}

impl RedactCommand {
    /// Whether all that was read was answered.
    ///
    /// # Errors
    ///
    /// When the configuration makes no sense or something cannot be read or written.
    pub(crate) fn run(&self, env: fn(&str) -> Option<String>) -> Result<bool, StartError> {
        let redactor = self.redactor(env)?;
        let input = self.input().map_err(|error| StartError::Io("input", error))?;
        let mut out = BufWriter::new(io::stdout().lock());
        match self.answer(&redactor, input, &mut out).and_then(|whole| out.flush().map(|()| whole)) {
            // Whoever reads has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(true),
            other => other.map_err(|error| StartError::Io("redact", error)),
        }
    }

    fn answer(
        &self,
        redactor: &Redactor,
        mut input: Box<dyn BufRead>,
        out: &mut impl Write,
    ) -> io::Result<bool> {
        if self.jsonl {
            return jsonl::report(redactor, &mut input, out);
        }
        let mut bytes = Vec::new();
        input.read_to_end(&mut bytes)?;
        if self.json {
            return match redactor.json(&bytes) {
                Ok(redacted) => out.write_all(redacted.bytes()).map(|()| true),
                Err(error) => refused(&error),
            };
        }
        let text = String::from_utf8(bytes).map_err(|_| io::Error::other("the input is not UTF-8"))?;
        if self.explain {
            return explain::table(redactor, &text, self.show_values, out);
        }
        match redactor.redact(&text) {
            Ok(redacted) => out.write_all(redacted.text().as_bytes()).map(|()| true),
            Err(error) => refused(&error),
        }
    }

    fn input(&self) -> io::Result<Box<dyn BufRead>> {
        Ok(match &self.file {
            Some(path) if path.as_os_str() != "-" => Box::new(BufReader::new(File::open(path)?)),
            _ => Box::new(BufReader::new(io::stdin())),
        })
    }

    fn redactor(&self, env: fn(&str) -> Option<String>) -> Result<Redactor, StartError> {
        let config = match &self.config {
            Some(path) => cli::configuration(Some(path), env)?.redact,
            None => select::without_a_file(env)?,
        };
        let mut builder = crate::redact::builder(&config)?;
        builder = self.entities.apply(builder, &config, self.threshold)?;
        if self.private_addresses || self.entities.names_addresses() {
            builder = builder.private_addresses(true);
        }
        builder.build().map_err(|why| ConfigError::new(format!("redact: {why}")).into())
    }
}

/// Says why nothing is printed, without a value.
fn refused(error: &RedactError) -> io::Result<bool> {
    writeln!(io::stderr(), "attach-gateway: {error}")?;
    Ok(false)
}
