//! The table of shapes.

use std::ops::Range;

use super::random::{ENTROPY, is_random};
use super::shape::Shape;
use super::{after, assigned, before, is_begun, is_key};

const TABLE: &str = include_str!("../data/secrets.txt");

/// How far behind its keyword a shape of kind n may stand.
const NEAR: usize = 64;

/// What is as long as this is a key whatever follows, and what follows belongs to it.
const LONG: usize = 128;

/// The shapes that one group of keywords calls for.
#[derive(Debug)]
pub(super) struct Rule {
    kind: Kind,
    shapes: Vec<(Random, Shape)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The shape begins so many bytes before the keyword.
    Anchored(usize),
    /// The shape stands somewhere behind the keyword.
    Near,
    /// The shape is the value assigned to a name with the keyword in it.
    Assigned,
}

/// How random a key of a shape is.
#[derive(Debug, Clone, Copy)]
struct Random {
    /// In bits per character.
    entropy: f64,
    digit: bool,
}

impl Random {
    fn holds(self, secret: &str) -> bool {
        (self.entropy == 0.0 || is_random(secret, self.entropy))
            && (!self.digit || secret.bytes().any(|byte| byte.is_ascii_digit()))
    }
}

/// A line of the table.
struct Line {
    #[cfg(test)]
    name: &'static str,
    kind: Kind,
    words: &'static str,
    random: Random,
    shape: Shape,
}

/// The rules of the table, each with its keywords.
pub(super) fn rules() -> Result<Vec<(&'static str, Rule)>, Box<str>> {
    let mut rules: Vec<(&'static str, Rule)> = Vec::new();
    for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let line = parse(line).ok_or_else(|| format!("secret rule {line:?}"))?;
        let shape = (line.random, line.shape);
        match rules.iter_mut().find(|(words, rule)| *words == line.words && rule.kind == line.kind) {
            Some((_, rule)) => rule.shapes.push(shape),
            None => rules.push((line.words, Rule { kind: line.kind, shapes: vec![shape] })),
        }
    }
    Ok(rules)
}

fn parse(line: &'static str) -> Option<Line> {
    let mut fields = line.split_ascii_whitespace();
    let [_name, kind, random, words, shape] = [(); 5].map(|()| fields.next());
    let (kind, words, shape) = (kind?, words?, shape?);
    let any_case = matches!(kind, "i" | "n" | "a");
    let shape = shape.replace("{uuid}", "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");
    Some(Line {
        #[cfg(test)]
        name: _name?,
        kind: match kind {
            "p" | "i" | "e" => Kind::Anchored(0),
            "n" => Kind::Near,
            "a" | "A" => Kind::Assigned,
            _ => Kind::Anchored(kind.strip_prefix('q')?.parse().ok()?),
        },
        words,
        random: Random {
            entropy: match random?.trim_end_matches('+') {
                _ if kind == "e" => 0.0,
                "-" => ENTROPY,
                entropy => entropy.parse().ok()?,
            },
            digit: random?.ends_with('+'),
        },
        shape: Shape::new(&shape, any_case).filter(|_| fields.next().is_none())?,
    })
}

impl Rule {
    /// What is secret about the keyword at `word`.
    pub(super) fn find(&self, text: &str, word: &Range<usize>) -> Option<Range<usize>> {
        match self.kind {
            Kind::Anchored(lead) => self.alone(text, word.start.checked_sub(lead)?),
            Kind::Assigned if is_cased_as_one(text.get(word.clone())?) => self.assigned(text, word.end),
            Kind::Assigned => None,
            Kind::Near => {
                let until = text.len().min(word.end + NEAR);
                (word.end..until).find_map(|at| self.alone(text, at))
            }
        }
    }

    /// Whether the shape begins where the keyword does.
    #[cfg(test)]
    pub(super) fn is_prefix(&self) -> bool {
        self.kind == Kind::Anchored(0)
    }

    /// A word of one of the shapes that begins at `at`.
    fn alone(&self, text: &str, at: usize) -> Option<Range<usize>> {
        if !is_begun(text, at) {
            return None;
        }
        let found = self.shapes.iter().filter_map(|(random, shape)| {
            let end = shape.end(text.as_bytes(), at, |end| is_ended(text, at, end))?;
            random.holds(text.get(at..end)?).then(|| at..run_on(text, end))
        });
        found.max_by_key(|range| range.end)
    }

    /// The value assigned to the name that goes on at `at`.
    fn assigned(&self, text: &str, at: usize) -> Option<Range<usize>> {
        let start = assigned::start(text.as_bytes(), at)?;
        // The last sign of equality may be the first letter of the value.
        let places = [Some(start), (before(text, start) == b'=').then(|| start - 1)];
        places.into_iter().flatten().find_map(|start| {
            self.shapes.iter().find_map(|(random, shape)| {
                let ended = |end| assigned::is_ended(text.as_bytes(), end);
                let end = shape.end(text.as_bytes(), start, ended)?;
                random.holds(text.get(start..end)?).then_some(start..end)
            })
        })
    }
}

/// Whether a key may end at `end`: neither in a longer word, nor where a function is called.
fn is_ended(text: &str, at: usize, end: usize) -> bool {
    let next = after(text, end);
    end - at >= LONG || !(is_key(next) || next == b'(')
}

/// Where the letters and digits end that go on at `end`.
fn run_on(text: &str, end: usize) -> usize {
    let more = |byte: &u8| is_key(*byte) || b"-+/=".contains(byte);
    let goes_on = is_key(after(text, end));
    let run = || text.as_bytes()[end..].iter().take_while(|byte| more(byte)).count();
    if goes_on { end + run() } else { end }
}

/// `etsy`, `Etsy`, `ETSY`, but not the `etSy` of `SetSysctl`.
fn is_cased_as_one(word: &str) -> bool {
    word.len() > 6
        || !word.starts_with(|c: char| c.is_ascii_lowercase())
        || !word.bytes().any(|b| b.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn lines(part: &'static str) -> Vec<Line> {
        let lines = part.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(|line| parse(line).unwrap_or_else(|| panic!("{line}"))).collect()
    }

    #[test]
    fn every_line_is_readable_and_has_a_name_of_its_own() {
        let lines = lines(TABLE);
        let names: BTreeSet<_> = lines.iter().map(|line| line.name).collect();
        assert_eq!(names.len(), lines.len());
    }

    #[test]
    fn the_table_holds_as_many_rules_as_the_documentation_says() {
        let (gitleaks, beyond) = TABLE.split_once("# Beyond gitleaks").expect("two parts");
        let name = |line: &Line| line.name.split_once('/').map_or(line.name, |(name, _)| name);
        let names: BTreeSet<_> = lines(gitleaks).iter().map(name).collect();
        // Besides these, by hand: curl-auth-header, curl-auth-user, jwt, kubernetes-secret-yaml,
        // nuget-config-password, private-key; and sidekiq-sensitive-url as credentials in a URL.
        assert_eq!(names.len(), 213);
        assert_eq!(lines(beyond).len(), 43);
    }

    #[test]
    fn a_key_is_a_word_of_its_own() {
        let rules = rules().expect("readable");
        let (_, rule) = rules.iter().find(|(words, _)| *words == "ghp_").expect("in the table");
        let key = "ghp_7rzx8740q4yxh26hp05dcxs84kic3d3cglok";
        let found = |text: &str| {
            let at = text.find("ghp_").expect("in the text");
            rule.find(text, &(at..at + 4)).map(|range| text[range].to_owned())
        };
        for text in ["{}", "密钥是{}。", "a\n{}\nb", "key={};", "/{}@"] {
            let text = text.replace("{}", key);
            assert_eq!(found(&text).as_deref(), Some(key), "{text}");
        }
        for text in ["a{}", "{}a", "{}_", "{}(x)"] {
            assert_eq!(found(&text.replace("{}", key)), None, "{text}");
        }
    }
}
