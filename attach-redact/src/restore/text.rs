use std::fmt;

use attach_core::json::{Document, Kind, escape_into};

use crate::url::Sight;
use crate::vault::{Place, Shown, Vault, next_prefix};

/// How many placeholders were restored, and how many were left because restoring them would have been unsafe.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) restored: u32,
    pub(crate) withheld: u32,
}

impl Tally {
    /// Nothing was restored after all.
    pub(super) fn undone(self) -> Self {
        Self { restored: 0, withheld: self.withheld.saturating_add(self.restored) }
    }
}

/// What a text is, and so how a value is written into it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Into {
    /// Plain text.
    #[default]
    Text,
    /// JSON, as the arguments of a tool call are: values are escaped.
    Json,
    /// Something that no value may be written into.
    Nothing,
    /// Anything, so only values that are the same in plain text, in JSON, and in JSON within JSON.
    Anything,
}

/// Restores one text that comes in pieces. Holds back the end of a piece only while it can become a placeholder.
#[derive(Default)]
pub(crate) struct Restorer {
    held: String,
    sight: Sight,
    into: Into,
    /// The beginning of an escape that was read last, in JSON.
    escape: String,
}

impl Restorer {
    pub(crate) fn new(into: Into) -> Self {
        Self { into, ..Self::default() }
    }

    /// What is said from here on about how values are written.
    pub(crate) fn goes_into(&mut self, into: Into) {
        self.into = into;
    }

    /// Whether what comes next stands in a URL.
    pub(crate) fn is_in_url(&self) -> bool {
        self.sight.is_url()
    }

    /// Whether `piece` goes on as it is and nothing but its place in a URL has to be known of it; if so, that is known
    /// now.
    pub(crate) fn passes(&mut self, piece: &str) -> bool {
        let plain = self.held.is_empty() && next_prefix(piece, 0).is_none();
        if plain {
            self.see(piece);
        }
        plain
    }

    /// Whether something is held back.
    pub(crate) fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// Takes the next piece of the text and adds what can go on to `out`; everything if it is the `last`.
    pub(crate) fn push(
        &mut self,
        vault: &Vault,
        piece: &str,
        last: bool,
        tally: &mut Tally,
        out: &mut String,
    ) {
        let held = std::mem::take(&mut self.held);
        let joined;
        let text = if held.is_empty() {
            piece
        } else {
            joined = held + piece;
            &joined
        };
        let mut done = 0;
        let mut at = 0;
        while let Some(start) = next_prefix(text, at) {
            match vault.at(&text[start..]) {
                Place::Nothing => at = start + 1,
                Place::Beginning if last => at = start + 1,
                Place::Beginning => {
                    self.plain(&text[done..start], out);
                    text[start..].clone_into(&mut self.held);
                    return;
                }
                Place::Whole { entry, length } => {
                    self.plain(&text[done..start], out);
                    (done, at) = (start + length, start + length);
                    let Some(may) = self.may_restore(vault, &text[at..], last) else {
                        text[start..].clone_into(&mut self.held);
                        return;
                    };
                    self.whole(&text[start..at], vault.shown(entry).filter(|_| may), tally, out);
                }
            }
        }
        self.plain(&text[done..], out);
    }

    /// Writes the value of a placeholder, or the placeholder if it has to stay.
    fn whole(&mut self, placeholder: &str, value: Option<Shown<'_>>, tally: &mut Tally, out: &mut String) {
        if value.is_some_and(|value| self.write(value, out)) {
            tally.restored = tally.restored.saturating_add(1);
        } else {
            tally.withheld = tally.withheld.saturating_add(1);
            out.push_str(placeholder);
        }
        self.see(placeholder);
    }

    fn plain(&mut self, text: &str, out: &mut String) {
        self.see(text);
        out.push_str(text);
    }

    /// Reads on, in JSON what its strings stand for: a backslash is written as two there, which is no URL's beginning,
    /// and no URL goes on in another string.
    fn see(&mut self, text: &str) {
        if self.into != Into::Json || self.escape.is_empty() && !text.contains(['"', '\\']) {
            return self.sight.pass(text);
        }
        let mut read = String::with_capacity(text.len());
        for c in text.chars() {
            if !self.escape.is_empty() {
                self.escape.push(c);
                if let Some(c) = unescaped(&self.escape) {
                    read.push(c);
                    self.escape.clear();
                }
            } else if c == '\\' {
                self.escape.push(c);
            } else if c == '"' {
                read.clear();
                self.sight = Sight::default();
            } else {
                read.push(c);
            }
        }
        self.sight.pass(&read);
    }

    /// Whether a value may stand here: not in a URL that the request did not have. `None` if `after` has to be longer.
    fn may_restore(&self, vault: &Vault, after: &str, last: bool) -> Option<bool> {
        if !self.sight.is_url() {
            return Some(true);
        }
        let surroundings = self.sight.surroundings(after, last)?;
        Some(surroundings.is_some_and(|surroundings| vault.knows_url(&surroundings)))
    }

    /// Writes `value` if that can be done.
    fn write(&self, shown: Shown<'_>, out: &mut String) -> bool {
        let Shown { value, escaped } = shown;
        match self.into {
            Into::Anything if value.contains(|c: char| c.is_control() || matches!(c, '"' | '\\')) => {
                return false;
            }
            Into::Nothing => return false,
            Into::Text | Into::Anything => out.push_str(value),
            // It was part of such a string, and comes back as it was there.
            Into::Json if escaped && is_within_string(value) => out.push_str(value),
            Into::Json => {
                let mut escaped = Vec::with_capacity(value.len() + 8);
                escape_into(value, &mut escaped);
                let Ok(escaped) = std::str::from_utf8(&escaped) else { return false };
                out.push_str(escaped);
            }
        }
        true
    }
}

/// Whether `written` is what a string of JSON may have between its quotes.
fn is_within_string(written: &str) -> bool {
    let string = Document::parse(format!("\"{written}\"").into());
    string.is_ok_and(|string| string.root().kind() == Kind::String)
}

/// What an escape in JSON stands for; `None` while it goes on. What is none stands for a letter.
fn unescaped(escape: &str) -> Option<char> {
    match escape.get(1..2) {
        Some("u") if escape.len() < 6 => None,
        Some("u") => {
            let code = escape.get(2..).and_then(|digits| u32::from_str_radix(digits, 16).ok());
            Some(code.and_then(char::from_u32).unwrap_or('a'))
        }
        Some("n") => Some('\n'),
        Some("r") => Some('\r'),
        Some("b") => Some('\u{8}'),
        Some("f") => Some('\u{c}'),
        Some("t") => Some('\t'),
        _ => escape.chars().nth(1),
    }
}

/// Shows nothing of the text.
impl fmt::Debug for Restorer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Restorer")
            .field("held", &self.held.len())
            .field("into", &self.into)
            .finish_non_exhaustive()
    }
}

/// Whether `redacted` with all placeholders restored is `original`, or at least nothing in it would be restored
/// wrongly.
pub(crate) fn is_restored(vault: &Vault, original: &str, redacted: &str) -> bool {
    let mut restored = String::with_capacity(original.len());
    let mut at = 0;
    let mut done = 0;
    while let Some(start) = next_prefix(redacted, at) {
        if let Place::Whole { entry, length } = vault.at(&redacted[start..]) {
            restored.push_str(&redacted[done..start]);
            restored.push_str(vault.value(entry));
            (done, at) = (start + length, start + length);
        } else {
            at = start + 1;
        }
    }
    restored.push_str(&redacted[done..]);
    restored == original
}
