//! Which placeholder stands for what, for one request.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Bound;

use zeroize::Zeroizing;

use crate::placeholder::{LONGEST, PREFIX, tags};
use crate::restore::External;
use crate::scope::Key;
use crate::url::{Sight, may_have_url};

/// The values of one request and their placeholders. Never leaves the layer's future and the answer's body; wiped
/// when dropped; shows nothing.
pub(crate) struct Vault {
    key: Key,
    entries: Vec<Entry>,
    /// By the code of (label, value).
    by_code: BTreeMap<[u8; 32], usize>,
    /// By the placeholder in lower case. No key is the beginning of another.
    by_key: BTreeMap<String, usize>,
    longest: usize,
    /// What stood around placeholders in URLs of the request.
    urls: BTreeSet<String>,
    /// Where nothing is restored.
    external: External,
}

struct Entry {
    placeholder: String,
    value: Zeroizing<String>,
    /// It is written as in a string of JSON.
    escaped: bool,
    /// It stands outside the system prompt as well, or it makes no difference.
    shown: bool,
}

/// A value that the caller may have back.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'v> {
    pub(crate) value: &'v str,
    /// It is written as in a string of JSON.
    pub(crate) escaped: bool,
}

/// What stands at a place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// This entry's placeholder, of so many bytes.
    Whole { entry: usize, length: usize },
    /// The text ends within what may become a placeholder.
    Beginning,
    /// Nothing of ours.
    Nothing,
}

impl Vault {
    pub(crate) fn new(key: Key) -> Self {
        Self {
            key,
            entries: Vec::new(),
            by_code: BTreeMap::new(),
            by_key: BTreeMap::new(),
            longest: 0,
            urls: BTreeSet::new(),
            external: External::default(),
        }
    }

    /// The vault of a request in which nothing was replaced.
    pub(crate) fn none() -> Self {
        Self::new(Key::new(&[]))
    }

    /// The vault with tools whose arguments get nothing back.
    pub(crate) fn with_external(self, external: External) -> Self {
        Self { external, ..self }
    }

    pub(crate) fn external(&self) -> &External {
        &self.external
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn code(&self, label: &str, value: &str) -> [u8; 32] {
        self.key.mac(&[label.as_bytes(), value.as_bytes()])
    }

    /// The placeholder that stands for `value`; the same for the same. `None` if every tag is taken.
    pub(crate) fn placeholder(&mut self, label: &str, value: &str) -> Option<&str> {
        let index = match self.remembered(label, value) {
            Some(index) => index,
            None => {
                let code = self.code(label, value);
                let known = self.by_code.get(&code).copied();
                known.map_or_else(|| self.insert(code, label, value), Some)?
            }
        };
        self.entries.get(index).map(|entry| entry.placeholder.as_str())
    }

    /// The placeholder that stands for a value that is `written` as in a string of JSON, with escapes.
    pub(crate) fn escaped(&mut self, label: &str, written: &str) -> Option<&str> {
        let code = self.key.mac(&[label.as_bytes(), written.as_bytes(), b"escaped"]);
        let known = self.by_code.get(&code).copied();
        let index = known.map_or_else(|| self.insert(code, label, written), Some)?;
        let entry = self.entries.get_mut(index)?;
        entry.escaped = true;
        Some(entry.placeholder.as_str())
    }

    /// The entry of a value that came up before, if it is among the first few: conversations repeat them, and to compare
    /// costs less than to compute a code.
    fn remembered(&self, label: &str, value: &str) -> Option<usize> {
        const FEW: usize = 32;
        let of_label = |placeholder: &str| {
            let rest = placeholder.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix(label));
            rest.and_then(|rest| rest.strip_prefix('_')).is_some_and(|tag| !tag.contains('_'))
        };
        let same = |entry: &Entry| !entry.escaped && *entry.value == value && of_label(&entry.placeholder);
        self.entries.iter().take(FEW).position(same)
    }

    fn insert(&mut self, code: [u8; 32], label: &str, value: &str) -> Option<usize> {
        let placeholders = tags(&code).map(|tag| format!("{PREFIX}{label}_{tag}"));
        let mut keyed = placeholders.map(|placeholder| (placeholder.to_ascii_lowercase(), placeholder));
        let (key, placeholder) = keyed.find(|(key, _)| !self.is_taken(key))?;
        let index = self.entries.len();
        self.longest = self.longest.max(placeholder.len());
        self.by_code.insert(code, index);
        self.by_key.insert(key, index);
        let value = Zeroizing::new(value.to_owned());
        self.entries.push(Entry { placeholder, value, escaped: false, shown: false });
        Some(index)
    }

    /// Whether `key` is, begins, or is begun by one that is there.
    fn is_taken(&self, key: &str) -> bool {
        let mut from = self.by_key.range::<str, _>((Bound::Included(key), Bound::Unbounded));
        let begins = from.next().is_some_and(|(next, _)| next.starts_with(key));
        begins || self.begun(key).is_some()
    }

    /// The entry whose key `text` begins with.
    fn begun(&self, text: &str) -> Option<(&str, usize)> {
        let (key, entry) =
            self.by_key.range::<str, _>((Bound::Unbounded, Bound::Included(text))).next_back()?;
        text.starts_with(key.as_str()).then_some((key, *entry))
    }

    /// The caller knows what `placeholder` stands for and may have it back.
    pub(crate) fn show(&mut self, placeholder: &str) {
        let entry = self.by_key.get(&placeholder.to_ascii_lowercase()).copied();
        if let Some(entry) = entry.and_then(|entry| self.entries.get_mut(entry)) {
            entry.shown = true;
        }
    }

    /// The value, if the caller may have it back.
    pub(crate) fn shown(&self, entry: usize) -> Option<Shown<'_>> {
        let entry = self.entries.get(entry).filter(|entry| entry.shown)?;
        Some(Shown { value: &entry.value, escaped: entry.escaped })
    }

    pub(crate) fn value(&self, entry: usize) -> &str {
        self.entries.get(entry).map_or("", |entry| &entry.value)
    }

    /// What begins at the start of `text`. Any case counts, and so does Markdown's `\_` for the underscore.
    pub(crate) fn at(&self, text: &str) -> Place {
        let mut read = [0; LONGEST];
        let mut length = 0;
        for (byte, _) in spelled(text.as_bytes()) {
            let Some(byte) = byte else {
                if self.continues(as_str(&read, length)) {
                    return Place::Beginning;
                }
                break;
            };
            let Some(place) = read.get_mut(length).filter(|_| length < self.longest) else { break };
            *place = byte;
            length += 1;
        }
        let Some((key, entry)) = self.begun(as_str(&read, length)) else { return Place::Nothing };
        let as_it_is =
            text.as_bytes().get(..key.len()).is_some_and(|text| text.eq_ignore_ascii_case(key.as_bytes()));
        let end = if as_it_is {
            key.len()
        } else {
            spelled(text.as_bytes()).nth(key.len() - 1).map_or(0, |(_, end)| end)
        };
        Place::Whole { entry, length: end }
    }

    /// Whether some key begins with `read` and goes on.
    fn continues(&self, read: &str) -> bool {
        let next = self.by_key.range::<str, _>((Bound::Included(read), Bound::Unbounded)).next();
        next.is_some_and(|(key, _)| key.len() > read.len() && key.starts_with(read))
            && self.begun(read).is_none()
    }

    /// Remembers the URLs that `text`, a redacted text of the request, has placeholders in.
    pub(crate) fn remember_urls(&mut self, text: &str) {
        if !may_have_url(text) {
            return;
        }
        let mut sight = Sight::default();
        let mut at = 0;
        while let Some(start) = next_prefix(text, at) {
            let Place::Whole { length, .. } = self.at(&text[start..]) else {
                sight.pass(&text[at..start + 1]);
                at = start + 1;
                continue;
            };
            sight.pass(&text[at..start]);
            let end = start + length;
            if let Some(surroundings) = sight.surroundings(&text[end..], true).flatten() {
                self.urls.insert(surroundings);
            }
            sight.pass(&text[start..end]);
            at = end;
        }
    }

    pub(crate) fn knows_url(&self, surroundings: &str) -> bool {
        self.urls.contains(surroundings)
    }
}

/// The letters, digits and underscores at the start of `text`, in lower case, each with where it ends; at last `None` if
/// the text ends after them.
fn spelled(text: &[u8]) -> impl Iterator<Item = (Option<u8>, usize)> {
    let mut at = Some(0);
    std::iter::from_fn(move || {
        let start = at?;
        let rest = text.get(start..)?;
        let slashes = rest.iter().take(2).take_while(|byte| **byte == b'\\').count();
        let end = start + slashes + 1;
        at = Some(end);
        match rest.get(slashes) {
            Some(b'_') => Some((Some(b'_'), end)),
            Some(byte) if byte.is_ascii_alphanumeric() && slashes == 0 => {
                Some((Some(byte.to_ascii_lowercase()), end))
            }
            Some(_) => None,
            None => {
                at = None;
                Some((None, end))
            }
        }
    })
}

/// What was read, which is ASCII.
fn as_str(read: &[u8; LONGEST], length: usize) -> &str {
    read.get(..length).and_then(|read| std::str::from_utf8(read).ok()).unwrap_or_default()
}

/// The next place at or after `from` where a placeholder could begin, or the end of the text be within its beginning.
pub(crate) fn next_prefix(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let rest = bytes.get(from..)?;
    memchr::memchr2_iter(b'P', b'p', rest).map(|at| from + at).find(|&at| {
        let letter = |byte: Option<&u8>| byte.is_none_or(|byte| byte.eq_ignore_ascii_case(&b'i'));
        letter(bytes.get(at + 1)) && letter(bytes.get(at + 2))
    })
}

/// Shows how many there are, never what.
impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault() -> (Vault, String) {
        let mut vault = Vault::new(Key::new(b"0123456789abcdef"));
        let placeholder = vault.placeholder("EMAIL", "bob@example.org").expect("free").to_owned();
        (vault, placeholder)
    }

    #[test]
    fn the_same_value_has_the_same_placeholder() {
        let (mut vault, first) = vault();
        assert_eq!(vault.placeholder("EMAIL", "bob@example.org"), Some(&*first));
        assert_ne!(vault.placeholder("EMAIL", "Bob@example.org"), Some(&*first));
        assert_ne!(vault.placeholder("PERSON", "bob@example.org"), Some(&*first));
        assert!(!format!("{vault:?}").contains("bob"));
    }

    #[test]
    fn a_placeholder_is_known_in_every_spelling_and_from_every_beginning() {
        let (vault, placeholder) = vault();
        let spellings = [placeholder.clone(), placeholder.to_lowercase(), placeholder.replace('_', r"\_")];
        for spelling in &spellings {
            assert_eq!(vault.at(&format!("{spelling}x.")), Place::Whole { entry: 0, length: spelling.len() });
            for cut in 1..spelling.len() {
                assert_eq!(vault.at(&spelling[..cut]), Place::Beginning, "{}", &spelling[..cut]);
            }
        }
        assert_eq!(vault.at("PII_EMAIL "), Place::Nothing);
        assert_eq!(vault.at("PII_PHONE_k7f3q2ab"), Place::Nothing);
    }

    #[test]
    fn a_tag_that_is_taken_gives_way_to_a_longer_one() {
        let (mut vault, placeholder) = vault();
        let code = vault.code("EMAIL", "new@example.org");
        let short = format!("PII_EMAIL_{}", tags(&code).next().expect("has letters"));
        vault.by_key.insert(short.to_lowercase(), 0);
        let long = vault.placeholder("EMAIL", "new@example.org").expect("free").to_owned();
        assert_eq!(long.len(), placeholder.len() + 8);
    }
}
