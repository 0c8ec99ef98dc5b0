//! A quick look at whether a rule can match at all: what it looks like, without what may not stand around it.
//!
//! A pattern with look-around is tried at every byte; one without is read by an automaton.

use std::ops::Range;

use fancy_regex::Regex;

use crate::engine::{ceil, floor};

/// What [`whole!`] and [`number!`] put around a pattern.
const AROUND: [(&str, &str); 2] = [
    (r"(?<![A-Za-z0-9_])(?<![0-9][.\-])(?:", r")(?![A-Za-z0-9_])(?![.\-][0-9])"),
    (r"(?<![A-Za-z0-9_])(?:", r")(?![A-Za-z0-9_])"),
];

/// The quick look; none for patterns that have look-around of their own.
pub(super) struct Gate(Option<Regex>);

impl Gate {
    pub(super) fn of(pattern: &str) -> Self {
        let inner = AROUND
            .iter()
            .find_map(|(before, after)| pattern.strip_prefix(before)?.strip_suffix(after))
            .filter(|inner| !["(?=", "(?!", "(?<", "\\b", "^", "$"].iter().any(|sign| inner.contains(sign)));
        let end = "[^A-Za-z0-9_]";
        Self(inner.and_then(|inner| Regex::new(&format!("(?:^|{end})(?:{inner})(?:{end}|$)")).ok()))
    }

    /// Whether there may be a match that begins in `window` and ends at most two bytes behind it.
    pub(super) fn lets(&self, text: &str, window: &Range<usize>) -> bool {
        let Some(regex) = &self.0 else { return true };
        let (from, to) = (floor(text, window.start.saturating_sub(1)), ceil(text, window.end + 3));
        text.get(from..to).is_none_or(|window| regex.is_match(window).unwrap_or(true))
    }
}

#[cfg(test)]
mod tests {
    use super::super::TABLES;
    use super::*;

    #[test]
    fn most_rules_have_one() {
        let rules = || TABLES.iter().copied().flatten();
        let gated = rules().filter(|rule| Gate::of(rule.pattern).0.is_some()).count();
        assert!(gated * 2 > rules().count(), "{gated} of {}", rules().count());
    }

    #[test]
    fn it_lets_in_what_stands_alone_and_nothing_that_is_part_of_a_word() {
        let gate = Gate::of(whole!(r"[0-9]{4}[A-Z]"));
        for (text, lets) in [("1234A", true), ("é1234A.", true), ("x1234A", false), ("1234AB", false)] {
            assert_eq!(gate.lets(text, &(0..text.len())), lets, "{text}");
        }
        assert!(!gate.lets("x1234A", &(1..6)) && gate.lets(" 1234A ", &(1..6)));
    }
}
