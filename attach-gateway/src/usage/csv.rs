//! Comma-separated values (RFC 4180).

use std::io::{self, Write};

use attach_quota::Prices;

use super::record::Used;
use crate::dollars;

/// The columns of a line for each call.
pub(super) const CALL: [&str; 16] = [
    "ended_at",
    "id",
    "directory",
    "user",
    "client",
    "model_requested",
    "upstream",
    "model",
    "stream",
    "end",
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "reasoning_tokens",
    "source",
    "cost_usd",
];

/// The columns of a line for many calls.
pub(super) const SUM: [&str; 12] = [
    "day",
    "directory",
    "user",
    "client",
    "model",
    "upstream",
    "requests",
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "reasoning_tokens",
    "cost_usd",
];

pub(super) fn names(out: &mut impl Write, names: &[&str]) -> io::Result<()> {
    write!(out, "{}\r\n", names.join(","))
}

/// A line for one call.
pub(super) fn call(out: &mut impl Write, used: &Used<'_>, prices: &Prices) -> io::Result<()> {
    let (line, usage) = (&used.line, used.usage());
    let model = line.model.as_ref();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    self::line(
        out,
        [
            line.ts.clone().into_owned(),
            line.req_id.clone().into_owned(),
            text(line.actor.directory.as_deref()),
            used.user().to_owned(),
            text(line.actor.client_id.as_deref()),
            text(model.and_then(|model| model.requested.as_deref())),
            used.upstream().to_owned(),
            used.model().to_owned(),
            model.is_some_and(|model| model.stream).to_string(),
            text(line.end.as_deref()),
            usage.input.to_string(),
            usage.output.to_string(),
            usage.cache_read.to_string(),
            usage.reasoning.to_string(),
            used.source().to_owned(),
            used.cost(prices).map(dollars::exact).unwrap_or_default(),
        ],
    )
}

pub(super) fn line(out: &mut impl Write, fields: impl IntoIterator<Item = String>) -> io::Result<()> {
    for (index, field) in fields.into_iter().enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        out.write_all(quoted(&field).as_bytes())?;
    }
    out.write_all(b"\r\n")
}

/// A caller chooses the model's name: what a spreadsheet would take for a formula is written as text.
fn quoted(field: &str) -> String {
    let formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let field = if formula { format!("'{field}") } else { field.to_owned() };
    if field.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_quoted_where_it_has_to_be_and_is_never_a_formula() {
        for (field, written) in [
            ("gpt-4o", "gpt-4o"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("@cmd", "'@cmd"),
        ] {
            assert_eq!(quoted(field), written);
        }
    }
}
