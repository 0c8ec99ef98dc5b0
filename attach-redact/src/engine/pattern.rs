//! A compiled pattern, run inside a window of a text.

use std::ops::Range;

use fancy_regex::{Regex, RegexBuilder, RegexInput};

/// Steps a search may take before it is given up and its window counts as found.
const BACKTRACK_LIMIT: usize = 10_000;

#[derive(Debug)]
pub(crate) struct Pattern {
    regex: Regex,
    /// The group that holds the finding: 1 if there is one, else the whole match.
    group: usize,
}

/// What became of a window.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Match {
    /// This is a match.
    At(Range<usize>),
    /// The search was given up: the whole window is to be taken for one.
    GivenUp,
}

impl Pattern {
    /// Compiles a pattern of our own: ASCII classes spelled out, quantifiers bounded.
    pub(crate) fn new(pattern: &str) -> Result<Self, Box<str>> {
        Self::build(RegexBuilder::new(pattern).seek(true).backtrack_limit(BACKTRACK_LIMIT))
    }

    /// Compiles a pattern that is run on all of a text, however long it takes.
    #[cfg(test)]
    pub(crate) fn patient(pattern: &str) -> Result<Self, Box<str>> {
        Self::build(RegexBuilder::new(pattern).backtrack_limit(10_000_000))
    }

    /// Compiles somebody's own pattern as one that takes all of a text or nothing.
    pub(crate) fn foreign_all(pattern: &str) -> Result<Self, Box<str>> {
        Self::bounded(&format!(r"\A(?:{pattern})\z"))
    }

    /// Whether it matches somewhere in `text`; not if the search is given up.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text).unwrap_or(false)
    }

    /// Compiles somebody's own pattern, under limits of size.
    pub(crate) fn foreign(pattern: &str) -> Result<Self, Box<str>> {
        const MAX_LENGTH: usize = 1024;
        if pattern.len() > MAX_LENGTH {
            return Err(format!("longer than {MAX_LENGTH} bytes").into());
        }
        let pattern = Self::bounded(pattern)?;
        match pattern.regex.is_match("") {
            Ok(false) => Ok(pattern),
            _ => Err("matches the empty string".into()),
        }
    }

    fn bounded(pattern: &str) -> Result<Self, Box<str>> {
        const MAX_COMPILED: usize = 1 << 20;
        let mut builder = RegexBuilder::new(pattern);
        builder.seek(true).backtrack_limit(BACKTRACK_LIMIT).delegate_size_limit(MAX_COMPILED);
        Self::build(&mut builder)
    }

    fn build(builder: &mut RegexBuilder) -> Result<Self, Box<str>> {
        let regex = builder.build().map_err(|error| error.to_string())?;
        let group = usize::from(regex.captures_len() > 1);
        Ok(Self { regex, group })
    }

    /// Calls `accept` with every match that begins and ends in `window`, from left to right, none overlapping one
    /// that was accepted. Look-around sees the text beyond the window's beginning.
    pub(crate) fn scan(&self, text: &str, window: Range<usize>, mut accept: impl FnMut(Match) -> bool) {
        let mut from = floor(text, window.start);
        let end = ceil(text, window.end);
        while from < end {
            let input = RegexInput::new(text).range(from..end);
            match self.find(input) {
                Ok(None) => return,
                Ok(Some((whole, finding))) => {
                    let accepted = accept(Match::At(finding));
                    from = if accepted { whole.end.max(from + 1) } else { whole.start + 1 };
                    from = ceil(text, from);
                }
                Err(_) => {
                    accept(Match::GivenUp);
                    return;
                }
            }
        }
    }

    /// Calls `next` with every match in `text`, from left to right, none overlapping another, as long as it says to go
    /// on.
    pub(crate) fn search(&self, text: &str, mut next: impl FnMut(Match) -> bool) {
        let mut from = 0;
        while from < text.len() {
            let (end, found) = match self.find(RegexInput::new(text).range(from..text.len())) {
                Ok(None) => return,
                Ok(Some((whole, finding))) => (ceil(text, whole.end.max(from + 1)), Match::At(finding)),
                Err(_) => (text.len(), Match::GivenUp),
            };
            if !next(found) {
                return;
            }
            from = end;
        }
    }

    #[expect(clippy::type_complexity, reason = "two ranges: of the match, and of the finding in it")]
    fn find(
        &self,
        input: RegexInput<'_, str>,
    ) -> Result<Option<(Range<usize>, Range<usize>)>, Box<fancy_regex::Error>> {
        if self.group == 0 {
            let found = self.regex.find_input(input).map_err(Box::new)?;
            return Ok(found.map(|found| (found.range(), found.range())));
        }
        let Some(captures) = self.regex.captures_input(input).map_err(Box::new)? else { return Ok(None) };
        let whole = captures.get(0).map(|whole| whole.range()).unwrap_or_default();
        let finding = captures.get(self.group).map_or_else(|| whole.clone(), |group| group.range());
        Ok(Some((whole, finding)))
    }

    /// Whether all of `text` is one match.
    #[cfg(test)]
    pub(crate) fn is_all(&self, text: &str) -> bool {
        match self.find(RegexInput::new(text)) {
            Ok(found) => found.is_some_and(|(whole, _)| whole == (0..text.len())),
            Err(_) => true,
        }
    }
}

/// The last character boundary at or before `at`.
pub(crate) fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The first character boundary at or after `at`.
pub(crate) fn ceil(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(pattern: &str, text: &str) -> Vec<Match> {
        let mut found = Vec::new();
        Pattern::new(pattern).expect("compiles").scan(text, 0..text.len(), |one| {
            found.push(one);
            true
        });
        found
    }

    #[test]
    fn a_search_that_takes_too_long_is_given_up_not_passed_over() {
        let found = all(r"(?:a|aa){1,60}(?<=b)c", &format!("{}c", "a".repeat(60)));
        assert!(found.contains(&Match::GivenUp), "{found:?}");
    }

    #[test]
    fn the_group_is_the_finding() {
        assert_eq!(all(r"key=([a-z]{1,9})", "key=abc key=d"), [Match::At(4..7), Match::At(12..13)]);
    }

    #[test]
    fn somebody_elses_pattern_that_looks_around_is_not_given_up_on_a_long_text() {
        let text = "word some xylo 12 ".repeat(3000);
        for pattern in [r"(?<=a)b", r"x(?=[0-9]{3,9}z)", r"(?<![a-z])q[0-9]{3}(?!x)"] {
            Pattern::foreign(pattern)
                .expect("compiles")
                .search(&text, |found| panic!("{pattern}: {found:?}"));
        }
    }

    #[test]
    fn somebody_elses_pattern_is_bounded() {
        assert!(Pattern::foreign("a*").is_err());
        assert!(Pattern::foreign(&"a".repeat(2000)).is_err());
        assert!(Pattern::foreign(r"(?:[a-z]{1000}){1000}").is_err());
        assert!(Pattern::foreign(r"\bE[0-9]{6}\b").is_ok());
    }
}
