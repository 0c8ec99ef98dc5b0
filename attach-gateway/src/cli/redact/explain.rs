//! What was found where, why, and what becomes of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use attach_redact::{Finding, Redactor, Scope};

use super::refused;

/// Prints one line for each finding in `text`; the values only if `show` says so.
pub(super) fn table(redactor: &Redactor, text: &str, show: bool, out: &mut impl Write) -> io::Result<bool> {
    let found = match redactor.try_find(text) {
        Ok(found) => found,
        Err(fault) => return refused(&attach_redact::RedactError::Fault(fault)),
    };
    let mut rows = vec![["place", "entity", "score", "rests on", "action", "becomes"].map(str::to_owned)];
    let mut place = Place::default();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in &found {
        *counts.entry(finding.entity.name()).or_default() += 1;
        rows.push(row(redactor, text, finding, &mut place));
    }
    let mut values = found.iter().map(|finding| text.get(finding.range.clone()).unwrap_or_default());
    let widths = [0, 1, 2, 3, 4].map(|column| widest(&rows, column));
    for (number, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        let value = if number == 0 { Some("value".into()) } else { values.next().map(|v| format!("{v:?}")) };
        line.push_str(&row[5]);
        if let Some(value) = value.filter(|_| show) {
            let _ = write!(line, "  {value}");
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    let counts: Vec<_> = counts.iter().map(|(entity, count)| format!("{entity} {count}")).collect();
    let list = if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") };
    writeln!(out, "found: {list}")?;
    Ok(true)
}

fn row(redactor: &Redactor, text: &str, finding: &Finding, place: &mut Place) -> [String; 6] {
    let value = text.get(finding.range.clone()).unwrap_or_default();
    let becomes = redactor.substitute(&Scope::anonymous(), &finding.entity, value);
    place.advance(text, finding.range.start);
    [
        format!("{}:{}", place.line, place.column),
        finding.entity.name().to_owned(),
        format!("{:.2}", finding.score),
        finding.basis().to_string(),
        redactor.action(&finding.entity).to_string(),
        becomes.unwrap_or_else(|| "-".to_owned()),
    ]
}

fn widest(rows: &[[String; 6]], column: usize) -> usize {
    rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or_default()
}

/// A line and a column, both from 1 on; columns are characters.
#[derive(Debug)]
struct Place {
    byte: usize,
    line: usize,
    column: usize,
}

impl Default for Place {
    fn default() -> Self {
        Self { byte: 0, line: 1, column: 1 }
    }
}

impl Place {
    /// Goes on to `byte`, which is not before the last one.
    fn advance(&mut self, text: &str, byte: usize) {
        let passed = text.get(self.byte..byte).unwrap_or_default();
        if let Some((before, last)) = passed.rsplit_once('\n') {
            self.line += before.matches('\n').count() + 1;
            self.column = last.chars().count() + 1;
        } else {
            self.column += passed.chars().count();
        }
        self.byte = byte;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_lines_and_characters() {
        let text = "é\n\nab c\nd";
        let mut place = Place::default();
        for (byte, line, column) in [(2, 1, 2), (4, 3, 1), (7, 3, 4), (9, 4, 1)] {
            place.advance(text, byte);
            assert_eq!((place.line, place.column), (line, column), "{byte}");
        }
    }
}
