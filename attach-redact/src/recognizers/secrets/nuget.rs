//! The password of a package source in NuGet's configuration (`nuget.config`, packageSourceCredentials).

use std::ops::Range;

use super::push;
use super::random::is_random;
use crate::engine::{Hits, floor};

/// The settings that hold one.
pub(super) const KEYS: &[&str] = &["key=\"cleartextpassword\"", "key=\"password\""];

/// Looks at the value of the setting at `word`.
pub(super) fn scan(hits: &mut Hits<'_>, word: Range<usize>) {
    if let Some(range) = value(hits.text, word.end) {
        push(hits, range, 0.9);
    }
}

fn value(text: &str, at: usize) -> Option<Range<usize>> {
    const VALUE: &str = "value=\"";
    let rest = text.get(at..floor(text, at.saturating_add(256)))?;
    let start = rest.len() - rest.trim_start().len() + VALUE.len();
    let value = rest.trim_start().strip_prefix(VALUE)?;
    let value = value.get(..value.find('"')?)?;
    let variable = value.starts_with('%') && value.ends_with('%');
    // The passwords of Microsoft's manual.
    let sample = matches!(value, "33f!!lloppa" | "hal+9ooo_da!sY");
    let made_up = value.len() >= 8 && !variable && !sample && is_random(value, 1.0);
    made_up.then_some(at + start..at + start + value.len())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_password_is_told_from_variables_and_samples() {
        let found = |value: &str| super::value(&format!(" value=\"{value}\" />"), 0);
        assert_eq!(found("Trq%Mzbpqelsx"), Some(8..21));
        for value in ["%SOURCE_PASSWORD%", "33f!!lloppa", "XXXXXXXXXXX", "short"] {
            assert_eq!(found(value), None, "{value}");
        }
    }
}
