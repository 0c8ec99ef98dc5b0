//! Tables for people, in plain text.

use std::io::{self, Write};

use super::plain;

/// A column: its name and how many characters it has. A negative width is aligned to the right.
pub(super) type Column = (&'static str, i8);

/// Writes the line of names.
pub(super) fn names(out: &mut impl Write, columns: &[Column]) -> io::Result<()> {
    let names = columns.iter().map(|(name, _)| name.to_uppercase());
    line(out, columns, names)
}

/// Writes one line. What is too long is cut.
pub(super) fn line(
    out: &mut impl Write,
    columns: &[Column],
    fields: impl IntoIterator<Item = String>,
) -> io::Result<()> {
    let mut text = String::new();
    for ((_, width), field) in columns.iter().zip(fields) {
        let (wide, field) =
            (usize::from(width.unsigned_abs()), shown(&field, usize::from(width.unsigned_abs())));
        if !text.is_empty() {
            text.push(' ');
        }
        text += &if *width < 0 { format!("{field:>wide$}") } else { format!("{field:<wide$}") };
    }
    writeln!(out, "{}", text.trim_end())
}

/// At most `width` characters, none of which a terminal would take for an order: callers choose the names of models.
fn shown(field: &str, width: usize) -> String {
    if field.chars().count() <= width {
        return field.chars().map(plain::shown).collect();
    }
    field.chars().take(width.saturating_sub(1)).map(plain::shown).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_cut_aligned_and_give_no_orders() {
        let mut out = Vec::new();
        let columns = [("user", 6), ("tokens", -7), ("model", 5)];
        names(&mut out, &columns).expect("written");
        let fields = ["00u1", "12", "gpt-4o-mini"].map(str::to_owned);
        line(&mut out, &columns, fields).expect("written");
        line(&mut out, &columns, ["\u{202e}a", "1", "\u{1b}[2J"].map(str::to_owned)).expect("written");
        let text = String::from_utf8(out).expect("text");
        assert_eq!(text, "USER    TOKENS MODEL\n00u1        12 gpt-…\n\u{fffd}a           1 \u{fffd}[2J\n");
    }
}
