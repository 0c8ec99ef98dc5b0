//! Keys and tokens by their documented shapes, from a table.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::engine::{Hits, Match, Pattern};
use crate::finding::Strength;
use crate::{Entity, Finding};

const TABLE: &str = include_str!("data/secrets.txt");

/// How far before its keyword, and how long in all, a shape can be.
const LEAD: usize = 64;
const LONGEST: usize = 12_000;
const SHORT: usize = 512;
/// In bits per character; less is a sample such as `XXXX`.
const ENTROPY: f64 = 2.2;

#[derive(Debug)]
pub(crate) struct Secrets {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    pattern: Pattern,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The shape begins with the keyword.
    Prefix,
    /// The same, and it may be regular.
    Regular,
    /// The keyword stands inside the shape.
    Inside,
    /// The shape is the value assigned to a name with the keyword in it.
    Assigned,
}

/// Which rules a keyword calls for.
pub(crate) type Keywords = BTreeMap<&'static str, Vec<usize>>;

impl Secrets {
    /// The rules, and which keyword calls for which.
    pub(crate) fn new() -> Result<(Self, Keywords), Box<str>> {
        let mut rules = Vec::new();
        let mut keywords = Keywords::new();
        for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (rule, words) = parse(line).ok_or_else(|| format!("secret rule {line:?}"))?;
            let rule = rule.map_err(|error| format!("secret rule {line:?}: {error}"))?;
            for word in words {
                keywords.entry(word).or_default().push(rules.len());
            }
            rules.push(rule);
        }
        Ok((Self { rules }, keywords))
    }

    /// Applies rule `index` to its keyword at `word`.
    pub(crate) fn scan(&self, hits: &mut Hits<'_>, index: usize, word: Range<usize>) {
        let Some(rule) = self.rules.get(index).filter(|_| !hits.is_secret(word.start)) else { return };
        match rule.kind {
            Kind::Assigned if is_cased_as_one(&hits.text[word.clone()]) => rule.assigned(hits, word.end),
            Kind::Assigned => {}
            Kind::Inside => rule.shape(hits, word.start.saturating_sub(LEAD), word.start),
            Kind::Prefix | Kind::Regular if crate::engine::is_word(before(hits.text, word.start)) => {}
            Kind::Prefix | Kind::Regular => rule.shape(hits, word.start, word.start),
        }
    }
}

#[cfg(test)]
impl Secrets {
    /// Tries every shape that needs no assignment at `at`, keyword or not.
    pub(crate) fn scan_everywhere(&self, hits: &mut Hits<'_>, at: usize) {
        if !crate::engine::is_word(before(hits.text, at)) {
            let shapes = self.rules.iter().filter(|rule| matches!(rule.kind, Kind::Prefix | Kind::Regular));
            shapes.for_each(|rule| rule.shape(hits, at, at));
        }
    }
}

/// `etsy`, `Etsy`, `ETSY`, but not the `etSy` of `SetSysctl`.
fn is_cased_as_one(word: &str) -> bool {
    word.len() > 6
        || !word.starts_with(|c: char| c.is_ascii_lowercase())
        || !word.bytes().any(|b| b.is_ascii_uppercase())
}

fn before(text: &str, at: usize) -> u8 {
    at.checked_sub(1).and_then(|at| text.as_bytes().get(at)).copied().unwrap_or(0)
}

type Parsed = (Result<Rule, Box<str>>, std::str::Split<'static, char>);

fn parse(line: &'static str) -> Option<Parsed> {
    let mut fields = line.splitn(2, char::is_whitespace);
    let (_, line) = (fields.next()?, fields.next()?.trim_start());
    let (kind, line) = line.split_once(char::is_whitespace)?;
    let (words, shape) = line.trim_start().split_once(char::is_whitespace)?;
    let kind = match kind {
        "p" => Kind::Prefix,
        "e" => Kind::Regular,
        "q" => Kind::Inside,
        "a" => Kind::Assigned,
        _ => return None,
    };
    let shape = shape.trim();
    let pattern = match kind {
        Kind::Assigned => Pattern::new(&format!(r"\A(?i:{shape})\z")),
        Kind::Prefix | Kind::Regular => Pattern::new(&format!(r"\A(?:{shape})")),
        Kind::Inside => Pattern::new(shape),
    };
    Some((pattern.map(|pattern| Rule { pattern, kind }), words.split(',')))
}

impl Rule {
    /// A word of this shape from `start` on, with the keyword at `word`.
    fn shape(&self, hits: &mut Hits<'_>, start: usize, word: usize) {
        let start = crate::engine::ceil(hits.text, start);
        // What begins at the keyword is as long as it is; what the keyword stands in is shorter.
        let longest = if self.kind == Kind::Inside { SHORT } else { LONGEST };
        let end = crate::engine::ceil(hits.text, word.saturating_add(longest));
        let Some(window) = hits.text.get(start..end) else { return };
        let mut found = None;
        self.pattern.scan(window, 0..window.len(), |one| {
            let range = match one {
                Match::At(range) => start + range.start..start + range.end,
                Match::GivenUp => start..end,
            };
            let alone = !is_key(before(hits.text, range.start)) && !is_key(after(hits.text, range.end));
            if alone && (self.kind == Kind::Regular || is_random(&hits.text[range.clone()])) {
                found = Some(range);
            }
            found.is_some()
        });
        if let Some(range) = found {
            hits.push_secret(Finding::strong(range, Entity::Secret, 0.95, Strength::Prefix));
        }
    }

    /// The value assigned to the name that goes on at `at`.
    fn assigned(&self, hits: &mut Hits<'_>, at: usize) {
        let Some(value) = assigned_value(hits.text.as_bytes(), at) else { return };
        let Some(written) = hits.text.get(value.clone()) else { return };
        if self.pattern.is_all(written) && is_random(written) {
            hits.push_secret(Finding::strong(value, Entity::Secret, 0.9, Strength::Prefix));
        }
    }
}

fn after(text: &str, at: usize) -> u8 {
    text.as_bytes().get(at).copied().unwrap_or(0)
}

fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// `…Token = "value"`, `: value`, `=> 'value'`, `>value<`, `, "value"`: where the value is, if the rest of a name and
/// an assignment follow at `at`.
fn assigned_value(text: &[u8], at: usize) -> Option<Range<usize>> {
    let count = |at: usize, most: usize, inside: fn(u8) -> bool| {
        text.get(at..).unwrap_or_default().iter().take(most).take_while(|byte| inside(**byte)).count()
    };
    let mut at = at;
    at += count(at, 24, |byte| byte.is_ascii_alphanumeric() || b"_.- \t".contains(&byte));
    at += count(at, 4, |byte| byte.is_ascii_whitespace() || b"'\"\\`)]".contains(&byte));
    let operator = count(at, 4, |byte| b"=>:|?,".contains(&byte));
    if operator == 0 {
        return None;
    }
    at += operator;
    at += count(at, 8, |byte| byte.is_ascii_whitespace() || b"'\"`=\\(".contains(&byte));
    let length = count(at, 512, |byte| byte.is_ascii_alphanumeric() || b"_-+/=.:|%~@#&*$!".contains(&byte));
    let ended =
        text.get(at + length).is_none_or(|byte| byte.is_ascii_whitespace() || b"'\"`;,)]}<\\".contains(byte));
    (length >= 8 && ended).then_some(at..at + length)
}

/// A bearer or basic credential whose scheme ends at `at`.
pub(crate) fn scan_authorization(hits: &mut Hits<'_>, at: usize) {
    let rest = hits.text.as_bytes().get(at..).unwrap_or_default();
    let length = rest
        .iter()
        .take(4096)
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte))
        .count();
    let range = at..at + length;
    let token = &hits.text[range.clone()];
    let mixed = token.bytes().any(|b| b.is_ascii_digit()) && token.bytes().any(|b| b.is_ascii_alphabetic());
    if length >= 16 && mixed && entropy(token) > 3.0 {
        hits.push_secret(Finding::strong(range, Entity::Secret, 0.8, Strength::Prefix));
    }
}

/// The user and password given to `curl` after `-u` or `--user`, which ends at `at`.
pub(crate) fn scan_curl_user(hits: &mut Hits<'_>, at: usize) {
    let text = hits.text;
    let start = crate::engine::ceil(text, at.saturating_sub(1024));
    if !text[start..at].contains("curl") {
        return;
    }
    let quote = text[at..].chars().next().filter(|c| matches!(c, '"' | '\''));
    let from = at + usize::from(quote.is_some());
    let length = text[from..]
        .chars()
        .take(256)
        .take_while(|&c| quote.map_or(!c.is_whitespace(), |quote| c != quote))
        .map(char::len_utf8)
        .sum::<usize>();
    let Some((_, password)) = text[from..from + length].split_once(':') else { return };
    let letters = password.trim_matches(['"', '\'', '{', '}']);
    let made_up = letters.len() >= 8 && letters.bytes().any(|byte| !byte.is_ascii_lowercase());
    let variable = password.contains(['$', '{']) && !password.ends_with('}')
        || password.starts_with(['$', '<'])
        || password.starts_with("{{");
    if made_up && !variable {
        hits.push_secret(Finding::strong(from..from + length, Entity::Secret, 0.8, Strength::Prefix));
    }
}

/// The longest private key that is looked for an end of.
const LONGEST_KEY: usize = 32 << 10;

/// A private key in PEM whose `-----BEGIN` starts at `start` (RFC 7468, OpenPGP armour).
pub(crate) fn scan_pem(hits: &mut Hits<'_>, start: usize) {
    let text = hits.text;
    let Some(rest) = text.get(start..crate::engine::floor(text, start.saturating_add(LONGEST_KEY))) else {
        return;
    };
    let Some(head) = rest.get(10..).and_then(|rest| rest.find("-----")).map(|at| 10 + at + 5) else { return };
    let label = rest.get(10..head).unwrap_or_default();
    if head > 120 || !label.to_ascii_uppercase().contains("PRIVATE KEY") {
        return;
    }
    let body = rest.get(head..).unwrap_or_default();
    let end = match body.find("-----END") {
        Some(at) if at < 24 => return,
        Some(at) => head + at + body[at + 8..].find("-----").map_or(8, |tail| 8 + tail + 5),
        // Cut off: as far as it goes on looking like one.
        None => {
            head + body
                .bytes()
                .take_while(|b| b.is_ascii_alphanumeric() || b.is_ascii_whitespace() || b"+/=\\".contains(b))
                .count()
        }
    };
    if end > head + 32 {
        hits.push_secret(Finding::strong(start..start + end, Entity::Secret, 1.0, Strength::Checksum));
    }
}

/// Not a run of one letter, as samples have.
fn is_random(secret: &str) -> bool {
    let bytes = secret.as_bytes();
    let sample = ["XXXXXXXX", "xxxxxxxx", "00000000000000", "********", "abcdefghijklmnopqrstuvwxyz"];
    entropy(secret) > ENTROPY
        && !sample.iter().any(|run| memchr::memmem::find(bytes, run.as_bytes()).is_some())
}

/// Shannon's, in bits per byte.
fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    text.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    let total = text.len() as f64;
    let part = |count: &u32| {
        let share = f64::from(*count) / total;
        -share * share.log2()
    };
    counts.iter().filter(|count| **count > 0).map(part).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_readable() {
        let (secrets, keywords) = Secrets::new().expect("the table compiles");
        assert!(secrets.rules.len() > 150);
        assert!(keywords.keys().all(|word| word.len() >= 2 && *word == word.to_lowercase()));
    }

    #[test]
    fn assignments_of_many_languages_are_read() {
        for text in [
            "Token = \"abcdefgh\"",
            "_TOKEN: abcdefgh",
            "Token\" => \"abcdefgh\"",
            "Token>\n  abcdefgh\n",
            "TOKEN\", \"abcdefgh\")",
        ] {
            let value = assigned_value(text.as_bytes(), 0).map(|range| &text[range]);
            assert_eq!(value, Some("abcdefgh"), "{text}");
        }
        assert_eq!(assigned_value(b" is a fine tool for the job", 0), None);
    }
}
