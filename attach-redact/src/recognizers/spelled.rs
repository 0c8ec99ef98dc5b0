//! E-mail addresses whose signs are spelled out or escaped: `bob [at] example [dot] org`, `bob%40example.org`,
//! `bob&#64;example.org`, `bob at example dot org`.

use std::ops::Range;

use super::email::{self, LABEL, LABELS, TOP};
use crate::engine::Hits;
use crate::{Entity, Finding};

/// The sign in URLs, in HTML, and in the escapes of programming languages.
const ESCAPED: [&str; 8] = ["%40", "%2540", "&#64;", "&#064;", "&#x40;", "&commat;", r"\u0040", r"\x40"];
/// The sign as people write it who don't want it to be read by machines.
const SPELLED: [&str; 7] = ["[at]", "(at)", "{at}", "<at>", "[@]", "(@)", "&lt;at&gt;"];
/// What stands for the dot where the sign is a plain one, or a word.
const DOTS: [&str; 8] = [" dot ", "[dot]", "(dot)", "{dot}", "[.]", "(.)", "%2e", "&period;"];

/// Dots within a domain, longest first.
const ALL_DOTS: [&str; 16] = [
    " [dot] ", " (dot) ", " {dot} ", "&period;", " dot ", "[dot]", "(dot)", "{dot}", " [.] ", "&#46;",
    "\\u002e", "[.]", "(.)", "%2e", "\\x2e", ".",
];

/// How sure an address is whose sign is escaped; written in brackets; a word.
const SURE: f32 = 0.95;
const LIKELY: f32 = 0.85;
const WORDED: f32 = 0.6;

/// Common top-level domains of three letters and more (IANA root zone); those of two are countries'. Prose and code have
/// other words after a dot.
const TOPS: [&str; 28] = [
    "com", "net", "org", "edu", "gov", "mil", "int", "info", "biz", "name", "pro", "app", "dev", "cloud",
    "email", "online", "site", "shop", "tech", "xyz", "agency", "company", "example", "test", "invalid",
    "coop", "museum", "local",
];

/// Words before "at" that are no part of an address.
const WORDS: [&str; 24] = [
    "look",
    "looks",
    "is",
    "are",
    "was",
    "were",
    "be",
    "it",
    "us",
    "me",
    "you",
    "them",
    "page",
    "site",
    "website",
    "here",
    "available",
    "hosted",
    "found",
    "online",
    "live",
    "and",
    "or",
    "read",
];
/// What a condition in brackets follows in code.
const KEYWORDS: [&str; 5] = ["if", "while", "for", "switch", "return"];

/// What is spelled otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// The sign, escaped.
    Escaped,
    /// The sign, in brackets.
    Bracketed,
    /// A dot.
    Dot,
}

/// The words that addresses are looked for around.
pub(crate) fn words() -> impl Iterator<Item = (&'static str, Sign)> {
    let escaped = ESCAPED.into_iter().map(|word| (word, Sign::Escaped));
    let bracketed = SPELLED.into_iter().map(|word| (word, Sign::Bracketed));
    escaped.chain(bracketed).chain(DOTS.into_iter().map(|word| (word, Sign::Dot)))
}

/// Looks at the address around `word`.
pub(crate) fn scan(hits: &mut Hits<'_>, sign: Sign, word: &Range<usize>) {
    match sign {
        Sign::Escaped => scan_escaped(hits, word),
        Sign::Bracketed => scan_bracketed(hits, word),
        Sign::Dot => scan_dot(hits, word),
    }
}

/// Looks at the escaped sign `sign`.
fn scan_escaped(hits: &mut Hits<'_>, sign: &Range<usize>) {
    let Some(start) = email::local(hits.text, sign.start) else { return };
    let local = hits.text.get(start..sign.start).unwrap_or_default();
    let start = start + after_escapes(local);
    let Some(domain) = domain(hits.text, sign.end).filter(|_| start < sign.start) else { return };
    if !domain.top.eq_ignore_ascii_case("js") {
        take(hits, start..domain.end, SURE);
    }
}

/// How far escapes in `local` go that are none of a sign of an address: `q%3Dbob`.
fn after_escapes(local: &str) -> usize {
    const OWN: [&str; 4] = ["2B", "2D", "2E", "5F"];
    let foreign = |at: &usize| {
        let code = local.get(at + 1..at + 3);
        code.is_some_and(|code| {
            code.bytes().all(|byte| byte.is_ascii_hexdigit())
                && !OWN.iter().any(|own| own.eq_ignore_ascii_case(code))
        })
    };
    memchr::memrchr_iter(b'%', local.as_bytes()).find(foreign).map_or(0, |at| at + 3)
}

/// Looks at the sign `sign` in brackets, with spaces around or without.
fn scan_bracketed(hits: &mut Hits<'_>, sign: &Range<usize>) {
    let text = hits.text;
    let spaced = text.get(..sign.start).is_some_and(|before| before.ends_with(' '));
    let Some(start) = email::local(text, sign.start - usize::from(spaced)) else { return };
    let after = sign.end + usize::from(text.get(sign.end..).is_some_and(|rest| rest.starts_with(' ')));
    let Some(domain) = domain(text, after) else { return };
    let local = text.get(start..sign.start).unwrap_or_default().trim_end();
    let is_code = spaced && KEYWORDS.contains(&local) || goes_on_as_code(text, domain.end);
    if is_usual(domain.top) && !is_code {
        take(hits, start..domain.end, LIKELY);
    }
}

/// Looks at the dot `dot`, before which a plain sign or " at " may stand.
fn scan_dot(hits: &mut Hits<'_>, dot: &Range<usize>) {
    let text = hits.text;
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let before = text.as_bytes().get(..dot.start).unwrap_or_default();
    let before = before.strip_suffix(b" ").unwrap_or(before);
    let label = before.iter().rev().take(LABEL).take_while(|byte| inside(byte)).count();
    let first = before.len() - label;
    let worded = ends_with_at(before.get(..first).unwrap_or_default());
    let sign = if worded { first - 4 } else { first.saturating_sub(1) };
    if label == 0 || !(worded || before.get(sign) == Some(&b'@')) {
        return;
    }
    let (Some(start), Some(domain)) = (email::local(text, sign), domain(text, first)) else { return };
    let local = text.get(start..sign).unwrap_or_default();
    let is_word = worded && WORDS.iter().any(|word| local.eq_ignore_ascii_case(word));
    if domain.end > dot.end && is_usual(domain.top) && !is_word {
        take(hits, start..domain.end, if worded { WORDED } else { LIKELY });
    }
}

fn ends_with_at(before: &[u8]) -> bool {
    before
        .len()
        .checked_sub(4)
        .and_then(|at| before.get(at..))
        .is_some_and(|end| end.eq_ignore_ascii_case(b" at "))
}

fn take(hits: &mut Hits<'_>, range: Range<usize>, score: f32) {
    if !email::is_userinfo(hits.text, range.start) {
        hits.push(Finding::new(range, Entity::Email, score));
    }
}

struct Domain<'t> {
    end: usize,
    top: &'t str,
}

/// The domain that begins at `start`, whose dots may be spelled out.
fn domain(text: &str, start: usize) -> Option<Domain<'_>> {
    let (mut at, mut found) = (start, None);
    for index in 0..LABELS {
        let rest = text.get(at..)?;
        let inside = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        let length = rest.bytes().take(LABEL + 1).take_while(inside).count();
        let label = rest.get(..length).filter(|label| length <= LABEL && !label.starts_with('-'))?;
        let is_top = (2..=TOP).contains(&length) && label.bytes().all(|byte| byte.is_ascii_alphabetic());
        if index > 0 && is_top {
            found = Some(Domain { end: at + length, top: label });
        }
        let Some(dot) = dot(rest.get(length..)?).filter(|_| length > 0) else { break };
        at += length + dot;
    }
    found.filter(|domain| !email::is_file(domain.top))
}

fn dot(rest: &str) -> Option<usize> {
    let starts = |dot: &&&str| rest.get(..dot.len()).is_some_and(|head| head.eq_ignore_ascii_case(dot));
    ALL_DOTS.iter().find(starts).map(|dot| dot.len())
}

fn is_usual(top: &str) -> bool {
    top.len() == 2 || TOPS.iter().any(|known| known.eq_ignore_ascii_case(top))
}

/// `(at) node.id = `, `(at) node.me()`
fn goes_on_as_code(text: &str, end: usize) -> bool {
    let rest = text.get(end..).unwrap_or_default();
    rest.starts_with(['(', '[', '_'])
        || rest.trim_start_matches(' ').starts_with(['=', '{', ';', '+', '&', '|'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(text: &str) -> Option<&str> {
        domain(text, 0).map(|domain| &text[..domain.end])
    }

    #[test]
    fn a_domain_ends_after_its_last_label_of_letters() {
        assert_eq!(end("example.org."), Some("example.org"));
        assert_eq!(end("mail [dot] example(DOT)org, or"), Some("mail [dot] example(DOT)org"));
        assert_eq!(end("example%2Eco%2Euk&x"), Some("example%2Eco%2Euk"));
        assert_eq!(end("1.2.3"), None);
        assert_eq!(end("x.png"), None);
        assert_eq!(end(""), None);
    }

    #[test]
    fn escapes_of_other_signs_end_before_an_address() {
        assert_eq!(after_escapes("q%3Dbob%2Bx"), 4);
        assert_eq!(after_escapes("100%bob"), 0);
        assert_eq!(after_escapes("%22"), 3);
    }
}
