//! All that a text may be to its readers.

use std::collections::HashMap;
use std::ops::Range;

use super::Opened;
use crate::{Entity, Finding};

/// So many times a text is opened again: JSON within JSON within JSON.
const DEPTH: usize = 3;

/// Who may read a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Reads {
    /// People and models. They open what hides something: the code of a character, or the end of a line or a tab right
    /// before a word.
    #[default]
    Text,
    /// Readers of JSON as well, be they as lenient as they may.
    Json,
}

impl Reads {
    /// Who may read `text`, by how it begins.
    pub(crate) fn of(text: &str) -> Self {
        let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}');
        if text.starts_with(['{', '[']) { Self::Json } else { Self::Text }
    }
}

/// What a text with escapes reads as, besides what is written.
#[derive(Debug)]
pub(crate) struct Readings {
    /// Each of these is the one before, opened once more.
    strict: Vec<Opened>,
    /// What is left open by those, by readers of more than JSON.
    loose: Option<Opened>,
}

impl Readings {
    /// The readings of `text`; `None` if it is what it looks like, as most texts are.
    pub(crate) fn of(text: &str, reads: Reads) -> Option<Self> {
        memchr::memchr(b'\\', text.as_bytes())?;
        if reads == Reads::Text && !hides(text) {
            return None;
        }
        let mut strict: Vec<Opened> = Vec::new();
        while strict.len() < DEPTH {
            let Some(next) = Opened::strict(strict.last().map_or(text, |last| &last.text)) else { break };
            strict.push(next);
        }
        let last = strict.last().map_or(text, |last| &last.text);
        let loose = last.contains('\\').then(|| Opened::loose(text)).flatten();
        (!strict.is_empty() || loose.is_some()).then_some(Self { strict, loose })
    }

    /// The texts that are read.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.strict.iter().chain(&self.loose).map(|opened| opened.text.as_str())
    }

    /// Where `range` of the text at `index` is written.
    pub(crate) fn written(&self, index: usize, range: &Range<usize>) -> Range<usize> {
        match (self.strict.get(..=index), &self.loose) {
            (Some(opened), _) => {
                opened.iter().rev().fold(range.clone(), |range, opened| opened.written(&range))
            }
            (None, Some(loose)) => loose.written(range),
            (None, None) => range.clone(),
        }
    }

    /// What is found in `written`, the text as it stands, and in its readings, `opened`, by where it is written.
    ///
    /// Nothing begins or ends inside an escape: what would be left is none. A finding that does is another, if that is all
    /// of it but letters of escapes (`nbob@example.org` of `\nbob@example.org`), and otherwise all of the escape.
    pub(crate) fn union(&self, written: Vec<Finding>, opened: Vec<Finding>) -> Vec<Finding> {
        let mut all = Vec::with_capacity(written.len() + opened.len());
        let covers = Covers::of(&opened);
        for mut finding in written {
            let around = |at| self.strict.first().and_then(|opened| opened.around(at));
            let (first, last) = (around(finding.range.start), around(finding.range.end));
            if first.is_none() && last.is_none() {
                all.push(finding);
                continue;
            }
            let inner = first.as_ref().map_or(finding.range.start, |escape| escape.end)
                ..last.as_ref().map_or(finding.range.end, |escape| escape.start);
            if !inner.is_empty() && covers.has(&finding.entity, &inner) {
                continue;
            }
            finding.range = first.map_or(finding.range.start, |escape| escape.start)
                ..last.map_or(finding.range.end, |escape| escape.end);
            all.push(finding);
        }
        all.extend(opened);
        all
    }
}

/// Which parts of a text findings cover: a text may have as many as it has words, so each is looked up and none compared
/// with all.
struct Covers<'f>(HashMap<&'f Entity, Vec<Range<usize>>>);

impl<'f> Covers<'f> {
    fn of(findings: &'f [Finding]) -> Self {
        let mut covers: HashMap<&Entity, Vec<Range<usize>>> = HashMap::new();
        for finding in findings {
            covers.entry(&finding.entity).or_default().push(finding.range.clone());
        }
        for ranges in covers.values_mut() {
            ranges.sort_unstable_by_key(|range| range.start);
            // Each ends where the longest up to it does.
            let mut end = 0;
            ranges.iter_mut().for_each(|range| {
                end = end.max(range.end);
                range.end = end;
            });
        }
        Self(covers)
    }

    /// Whether one of `entity` has all of `range`.
    fn has(&self, entity: &Entity, range: &Range<usize>) -> bool {
        let Some(ranges) = self.0.get(entity) else { return false };
        let before = ranges.partition_point(|other| other.start <= range.start);
        before.checked_sub(1).and_then(|last| ranges.get(last)).is_some_and(|other| range.end <= other.end)
    }
}

/// Whether `text` has the code of a character in it (`\u0040`, `\x40`, `\u{40}`), or an escape whose letter runs into a word (`\n4111`).
fn hides(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |range| {
        bytes.get::<Range<usize>>(range).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    memchr::memchr_iter(b'\\', bytes).any(|at| match bytes.get(at + 1) {
        Some(b'u') if bytes.get(at + 2) == Some(&b'{') => true,
        Some(b'u') => digits(at + 2..at + 6),
        Some(b'x') => digits(at + 2..at + 4),
        Some(b'n' | b'r' | b't') => {
            bytes.get(at + 2).is_some_and(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Entity;

    fn read(text: &str, reads: Reads) -> Vec<String> {
        Readings::of(text, reads).map_or_else(Vec::new, |all| all.texts().map(str::to_owned).collect())
    }

    #[test]
    fn a_text_is_opened_as_often_as_json_may_stand_in_json() {
        assert_eq!(read(r"a\u005cu0040b", Reads::Text), [r"a\u0040b", "a@b"]);
        assert_eq!(read(r"\\\\u0040", Reads::Json), [r"\\u0040", r"\u0040", "@"]);
        let deep = format!("{}u0040", "\\".repeat(64));
        assert_eq!(read(&deep, Reads::Json).last().map(String::as_str), Some("@"));
        assert_eq!(read(&deep, Reads::Json).len(), DEPTH + 1);
    }

    #[test]
    fn what_only_looks_like_an_escape_is_read_by_the_loose() {
        assert_eq!(read(r"a\x40b\n", Reads::Json), ["a\\x40b\n", "a@b\n"]);
        assert_eq!(read(r"a\@b", Reads::Json), ["a@b"]);
        assert_eq!(read(r"\", Reads::Json), [""; 0]);
    }

    #[test]
    fn a_plain_text_is_read_once_unless_something_hides_in_it() {
        for text in ["plain", r"C:\new\users", r"\frac{1}{2}\nu", r"a\nb", r"a\n", r"\u00"] {
            assert!(Readings::of(text, Reads::Text).is_none(), "{text}");
        }
        assert_eq!(read(r"a\nb", Reads::Json), ["a\nb"]);
        assert_eq!(read(r"a\n4111", Reads::Text), ["a\n4111"]);
        assert_eq!(read(r"a\tAKIA", Reads::Text), ["a\tAKIA"]);
    }

    #[test]
    fn a_code_of_another_language_hides_as_much() {
        assert_eq!(read(r"bob\x40example.org", Reads::Text), ["bob@example.org"]);
        assert_eq!(read(r"\u{62}ob\u{40}example.org", Reads::Text), ["bob@example.org"]);
    }

    #[test]
    fn what_is_covered_is_found_among_many() {
        let found = |range| Finding::new(range, Entity::Email, 1.0);
        let all = [found(0..30), found(5..9), found(40..50)];
        let covers = Covers::of(&all);
        for (range, is) in [(0..30, true), (8..20, true), (29..31, false), (40..50, true), (39..41, false)] {
            assert_eq!(covers.has(&Entity::Email, &range), is, "{range:?}");
        }
        assert!(!covers.has(&Entity::Secret, &(5..9)));
    }

    #[test]
    fn what_begins_as_json_does_may_be_read_as_such() {
        for text in ["{\"a\"", " \n[1", "\u{FEFF}{"] {
            assert_eq!(Reads::of(text), Reads::Json, "{text}");
        }
        for text in ["", "a {", "\"{\""] {
            assert_eq!(Reads::of(text), Reads::Text, "{text}");
        }
    }

    #[test]
    fn a_place_in_the_last_reading_leads_back_through_all() {
        let text = r"x\\\u0075\u0030040y\q";
        let readings = Readings::of(text, Reads::Json).expect("has escapes");
        let texts: Vec<_> = readings.texts().collect();
        assert_eq!(texts, [r"x\u0040y\q", r"x@y\q", "xu0040yq"]);
        assert_eq!(&text[readings.written(1, &(1..2))], r"\\\u0075\u0030040");
        assert_eq!(&text[readings.written(2, &(7..8))], r"\q");
    }

    #[test]
    fn a_finding_that_begins_in_an_escape_is_another_or_has_all_of_it() {
        let text = r"\nbob@x.org\n";
        let readings = Readings::of(text, Reads::Json).expect("has escapes");
        let found = |range, entity| Finding::new(range, entity, 1.0);
        let inner = || found(2..11, Entity::Email);
        let ranges = |written, opened| {
            let all = readings.union(written, opened);
            all.into_iter().map(|finding| (finding.range.start, finding.range.end)).collect::<Vec<_>>()
        };
        assert_eq!(ranges(vec![found(1..11, Entity::Email)], vec![inner()]), [(2, 11)]);
        assert_eq!(ranges(vec![found(1..11, Entity::Secret)], vec![inner()]), [(0, 11), (2, 11)]);
        assert_eq!(ranges(vec![found(1..12, Entity::Email)], vec![]), [(0, 13)]);
        assert_eq!(ranges(vec![found(3..5, Entity::Email)], vec![inner()]), [(3, 5), (2, 11)]);
    }
}
