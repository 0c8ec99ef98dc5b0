//! Lines of labelled texts in, what is found in each out: for measuring.

use std::borrow::Cow;
use std::io::{self, BufRead, Write};

use attach_redact::Redactor;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::lines::{self, LONGEST, Line};
use super::spans::{self, Span};

#[derive(Deserialize)]
struct Asked<'l> {
    #[serde(borrow, default)]
    id: Option<&'l RawValue>,
    #[serde(borrow)]
    text: &'l RawValue,
}

#[derive(Serialize)]
struct Answer<'l> {
    id: Option<&'l RawValue>,
    text: &'l RawValue,
    spans: Vec<Span>,
}

/// Answers every line. A line that cannot be answered is named by its number on standard error, and makes it `false`.
pub(super) fn report(
    redactor: &Redactor,
    input: &mut impl BufRead,
    out: &mut impl Write,
) -> io::Result<bool> {
    let mut line = Vec::new();
    let (mut number, mut whole) = (0_u64, true);
    loop {
        let read = lines::next(input, &mut line, LONGEST)?;
        number += 1;
        let answer = match read {
            Line::End => return Ok(whole),
            Line::TooLong => Err(format!("longer than {LONGEST} bytes").into()),
            Line::Whole => answer(redactor, &line, number == 1, out),
        };
        if let Err(why) = answer {
            let why = why.downcast::<io::Error>().map_or_else(Ok, |error| Err(*error))?;
            writeln!(io::stderr(), "attach-gateway: line {number}: {why}")?;
            whole = false;
        }
        out.flush()?;
    }
}

type Failure = Box<dyn std::error::Error>;

fn answer(redactor: &Redactor, line: &[u8], first: bool, out: &mut impl Write) -> Result<(), Failure> {
    let line = if first { line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line) } else { line };
    if line.trim_ascii().is_empty() {
        return Ok(());
    }
    // The messages of the parser have places, never values.
    let asked: Asked<'_> = serde_json::from_slice(line).map_err(|error| said(&error))?;
    let text: Cow<'_, str> =
        serde_json::from_str::<Text<'_>>(asked.text.get()).map_err(|error| said(&error))?.0;
    let spans = spans::of(redactor, &text)?;
    // As it was written, escapes and all.
    let mut json = serde_json::to_vec(&Answer { id: asked.id, text: asked.text, spans })
        .map_err(|error| said(&error))?;
    json.push(b'\n');
    Ok(out.write_all(&json)?)
}

/// Borrowed where the text has no escapes.
#[derive(Deserialize)]
struct Text<'t>(#[serde(borrow)] Cow<'t, str>);

/// What is wrong, without what may be quoted from the line.
fn said(error: &serde_json::Error) -> Failure {
    let what = match error.classify() {
        serde_json::error::Category::Data => "not an object with a string \"text\"",
        _ => "not JSON",
    };
    format!("{what} (column {})", error.column()).into()
}
