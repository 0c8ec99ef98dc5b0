use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};

use attach_audit::read::Entry;

use super::super::{csv, plain, table};
use super::Format;
use super::row::{self, Row};

/// What is printed, at once or, if only the last ones are wanted, at the end.
pub(super) struct Output<'a, W> {
    out: &'a mut W,
    format: Format,
    limit: Option<usize>,
    kept: VecDeque<Vec<u8>>,
    begun: bool,
    /// Nothing is for a program to read: callers' text must not be orders.
    terminal: bool,
}

impl<'a, W: Write> Output<'a, W> {
    pub(super) fn new(out: &'a mut W, format: Format, limit: Option<usize>) -> Self {
        let terminal = io::stdout().is_terminal();
        Self { out, format, limit, kept: VecDeque::new(), begun: false, terminal }
    }

    /// One record, or a request by the record of how it ended.
    pub(super) fn one(&mut self, entry: &Entry<'_>, line: &[u8]) -> io::Result<()> {
        self.put(&Row::of(entry), &[line])
    }

    /// A request whose process died.
    pub(super) fn crashed(
        &mut self,
        intent: &Entry<'_>,
        orphan: &Entry<'_>,
        lines: [&[u8]; 2],
    ) -> io::Result<()> {
        self.put(&Row::of(intent).ended_by(orphan), &lines)
    }

    fn put(&mut self, row: &Row, lines: &[&[u8]]) -> io::Result<()> {
        let mut text = Vec::new();
        match self.format {
            Format::Table => table::line(&mut text, &row::TABLE, row.table())?,
            Format::Csv => csv::line(&mut text, row.csv())?,
            Format::Json => lines.iter().for_each(|line| text.extend([line, &b"\n"[..]].concat())),
        }
        if self.terminal {
            let shown = String::from_utf8_lossy(&text);
            text = match self.format {
                Format::Json => plain::escaped(&shown).into_bytes(),
                Format::Table | Format::Csv => plain::plain(&shown).into_bytes(),
            };
        }
        let Some(limit) = self.limit else {
            self.begin()?;
            return self.out.write_all(&text);
        };
        self.kept.push_back(text);
        if self.kept.len() > limit {
            self.kept.pop_front();
        }
        Ok(())
    }

    fn begin(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        match self.format {
            Format::Table => table::names(self.out, &row::TABLE),
            Format::Csv => csv::names(self.out, &row::CSV),
            Format::Json => Ok(()),
        }
    }

    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.begin()?;
        self.kept.iter().try_for_each(|text| self.out.write_all(text))
    }
}
