//! Comma-separated values (RFC 4180).

use std::io::{self, Write};

/// The line of names.
pub(super) fn names(out: &mut impl Write, names: &[&str]) -> io::Result<()> {
    write!(out, "{}\r\n", names.join(","))
}

/// A line of values.
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
