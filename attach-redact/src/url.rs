//! Whether a place in a text lies within a URL: there a value could be carried off by whoever serves it.

use std::borrow::Cow;
use std::fmt;

use sha2::{Digest, Sha256};

/// Of a longer word only so much is kept as a mark may be cut in, and a digest of what is before.
const LONGEST: usize = 4096;
/// The longest rest of an authority after a placeholder that is waited for, and compared.
const LONGEST_AUTHORITY: usize = 4096;

/// What was read of the word that a text is at.
#[derive(Clone, Default)]
pub(crate) struct Sight {
    word: String,
    /// What the word stands in, and hence what it goes on across.
    within: Within,
    /// What isn't kept of a word that is longer.
    cut: Option<Sha256>,
    /// What isn't kept had a mark of a URL in it.
    marked: bool,
}

/// Where a URL may go on after a space, a quote or a line's end.
#[derive(Clone, Copy, Default, PartialEq)]
enum Within {
    #[default]
    Text,
    /// A Markdown link's destination and title (CommonMark §6.3).
    Link,
    /// A destination in angle brackets.
    Brackets,
    /// An HTML tag: attributes may hold white space, and browsers drop line ends from URLs.
    Tag,
}

impl Sight {
    /// Reads on.
    pub(crate) fn pass(&mut self, text: &str) {
        if !self.pass_words(text) {
            self.pass_pieces(text);
        }
    }

    /// Reads on where neither a link nor anything in angle brackets is or begins: there every word ends at its end, and
    /// only the last one counts. Gives whether it was so.
    fn pass_words(&mut self, text: &str) -> bool {
        let is_plain = |text: &str| memchr::memchr2(b']', b'<', text.as_bytes()).is_none();
        if self.within != Within::Text || !is_plain(text) || !is_plain(&self.word) {
            return false;
        }
        let last = text.rfind(is_end).and_then(|end| text.get(end + 1..));
        let before = if last.is_some() { 0 } else { self.word.len() };
        let word = last.unwrap_or(text);
        if before + word.len() > LONGEST {
            return false;
        }
        if last.is_some() {
            *self = Self { word: std::mem::take(&mut self.word), ..Self::default() };
            self.word.clear();
        }
        self.word.push_str(word);
        true
    }

    fn pass_pieces(&mut self, text: &str) {
        for piece in text.split_inclusive(may_end) {
            self.word.push_str(piece);
            self.enter();
            let last = piece.chars().next_back().unwrap_or('a');
            if self.ends_at(last) {
                *self = Self { word: std::mem::take(&mut self.word), ..Self::default() };
                self.word.clear();
                if last == '<' {
                    self.word.push(last);
                }
            } else if self.word.len() > LONGEST {
                self.marked |= self.has_mark();
                let tail = crate::engine::floor(&self.word, self.word.len() - 16);
                self.cut.get_or_insert_default().update(&self.word[..tail]);
                self.word.drain(..tail);
            }
        }
    }

    fn enter(&mut self) {
        let is_tag = || {
            self.word.strip_prefix('<').is_some_and(|tag| tag.starts_with(|c: char| c.is_ascii_alphabetic()))
        };
        self.within = match self.within {
            Within::Text | Within::Link if self.word.contains("](<") || self.word.contains("]: <") => {
                Within::Brackets
            }
            Within::Text if self.word.contains("](") => Within::Link,
            Within::Text if is_tag() => Within::Tag,
            within => within,
        };
    }

    fn ends_at(&self, last: char) -> bool {
        match self.within {
            Within::Text if last.is_ascii_whitespace() => !self.word.trim_ascii_end().ends_with("]:"),
            Within::Text => last == '<' && !self.word.ends_with("]: <") || is_end(last) && last != '<',
            Within::Link => matches!(last, ')' | '\n'),
            Within::Brackets => matches!(last, '>' | '\n'),
            Within::Tag => last == '>' || self.word.ends_with("\n\n"),
        }
    }

    /// Whether what comes next stands in a URL.
    pub(crate) fn is_url(&self) -> bool {
        self.marked || self.has_mark()
    }

    fn has_mark(&self) -> bool {
        // Every mark has one of these in it.
        let word = self.word.as_bytes();
        if memchr::memchr3(b'/', b'\\', b'&', word).is_none()
            && memchr::memchr3(b':', b'.', b']', word).is_none()
        {
            return false;
        }
        let kept = |c: &char| !c.is_ascii_whitespace() && !c.is_ascii_control();
        let word: String = self
            .word
            .chars()
            .filter(kept)
            .map(|c| if c == '\\' { '/' } else { c.to_ascii_lowercase() })
            .collect();
        let marks = ["//", "http:", "https:", "www.", "](", "]:", "/u00", "&#", "&colon;", "&sol;"];
        marks.iter().any(|mark| word.contains(mark))
    }

    /// What stands around a placeholder that comes next and that `after` follows: the outer `None` if more of `after`
    /// has to be known, the inner `None` if it isn't in a URL.
    pub(crate) fn surroundings(&self, after: &str, last: bool) -> Option<Option<String>> {
        if !self.is_url() {
            return Some(None);
        }
        let before = self.before();
        if !self.is_authority() {
            return Some(Some(before.into_owned()));
        }
        // Within the authority what follows decides where the request goes.
        let end = after
            .find(|c: char| is_end(c) || matches!(c, '/' | '?' | '#' | '\\' | '(' | ')' | '\'' | ',' | ';'))
            .or((last || after.len() > LONGEST_AUTHORITY).then_some(after.len()))?;
        let authority = &after[..crate::engine::floor(after, end.min(LONGEST_AUTHORITY))];
        Some(Some(format!("{before}\n{authority}")))
    }

    /// What the URL has been so far; of a very long one its digest, together with what it is wrapped in.
    fn before(&self) -> Cow<'_, str> {
        match self.cut.clone() {
            Some(cut) => {
                let digest = cut.chain_update(&self.word).finalize();
                Cow::Owned(digest.iter().map(|byte| format!("{byte:02x}")).collect())
            }
            None => Cow::Borrowed(&self.word[self.beginning()..]),
        }
    }

    /// Whether what comes next may stand in the URL's authority (RFC 3986 §3.2), as it may if the beginning is not kept.
    fn is_authority(&self) -> bool {
        let after_scheme = self.word.find("://").map(|scheme| &self.word[scheme + 3..]);
        self.cut.is_some() || after_scheme.is_some_and(|rest| !rest.contains(['/', '?', '#', '\\']))
    }

    /// Where the URL in the word begins.
    fn beginning(&self) -> usize {
        if let Some(scheme) = self.word.find("://") {
            let letters = self.word[..scheme]
                .bytes()
                .rev()
                .take_while(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b));
            return scheme - letters.count();
        }
        self.word.find("//").or_else(|| self.word.find("www.")).unwrap_or(0)
    }
}

/// Whether `text` has anything in it that [`Sight`] takes for the mark of a URL; most texts have not.
pub(crate) fn may_have_url(text: &str) -> bool {
    let bytes = text.as_bytes();
    let marked = || {
        memchr::memchr3(b'/', b'\\', b']', bytes).is_some() || memchr::memchr2(b'&', b'<', bytes).is_some()
    };
    // `www.`, `http:`, `https:`
    let spelled = |at: usize| {
        at.checked_sub(1).and_then(|before| bytes.get(before)).is_some_and(|byte| b"wWpPsS".contains(byte))
    };
    marked() || memchr::memchr2_iter(b':', b'.', bytes).any(spelled)
}

/// What no URL in plain text goes across. White space beyond ASCII's is part of one, to some.
fn is_end(c: char) -> bool {
    c.is_ascii_whitespace() || c.is_ascii_control() || matches!(c, '"' | '<' | '>' | '`')
}

/// [`is_end`], and what ends the places a URL may stand in.
fn may_end(c: char) -> bool {
    is_end(c) || c == ')'
}

impl fmt::Debug for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sight").field("word", &self.word.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(text: &str) -> Sight {
        let mut sight = Sight::default();
        sight.pass(text);
        sight
    }

    #[test]
    fn words_are_read_at_once_as_they_are_piece_by_piece() {
        const LETTERS: [&str; 10] = ["a", "]", "(", "<", ":", " ", "\n", ")", "é", "\""];
        let state = |sight: Sight| (sight.word, sight.within as u8, sight.cut.is_some(), sight.marked);
        for number in 0..100_000_usize {
            let letter = |place: u32| LETTERS[number / 10_usize.pow(place) % 10];
            let (first, second) =
                ([letter(0), letter(1)].concat(), [letter(2), letter(3), letter(4)].concat());
            let (mut both, mut pieces) = (Sight::default(), Sight::default());
            [&first, &second].into_iter().for_each(|text| both.pass(text));
            [&first, &second].into_iter().for_each(|text| pieces.pass_pieces(text));
            assert_eq!(state(both), state(pieces), "{first:?} {second:?}");
        }
        for text in ["https://x.io/ b".repeat(900), "a/".repeat(5_000), format!("{} b", "a/".repeat(5_000))] {
            let (mut both, mut pieces) = (sight("//x"), sight("//x"));
            [text.as_str(), "c"].into_iter().for_each(|text| both.pass(text));
            [text.as_str(), "c"].into_iter().for_each(|text| pieces.pass_pieces(text));
            assert_eq!(both.before(), pieces.before());
            assert_eq!(state(both), state(pieces));
        }
    }

    #[test]
    fn a_place_in_a_url_is_known() {
        for text in [
            "see https://x.io/?q=",
            "![a](https://x.io/",
            "[a](//x.io/",
            "[a](<https://x.io/a b",
            "HTTPS:x.io/",
            "www.x.io/",
            r"https:\\x.io\",
            r"https:\/\/x.io\/",
            "href=https://x",
            "![a](https://x.io/?q=\u{a0}",
            "[a](https://x.io/?q=\"",
            "[x]: <https://x.io/?q=a ",
            "[x]: https&colon;&sol;&sol;x.io&sol;?q=",
            "https&#58;&#47;&#47;x.io",
            "<img src=\"https://x.io/?q=a b`",
            "<img src='ht\ntps://x.io/?q=",
        ] {
            assert!(sight(text).is_url() && may_have_url(text), "{text}");
        }
        assert!(!may_have_url("Mail bob@example.org: it costs 3.50, today."));
        for text in [
            "see https://x.io/ and ",
            "mailto:",
            "<a href=\"",
            "a/b",
            "// ",
            "[a](https://x.io/) by ",
            "<b>by ",
            "a <b and\n\n",
            "{\"url\":\"https://x.io\",\"mail\":\"",
        ] {
            assert!(!sight(text).is_url(), "{text}");
        }
    }

    #[test]
    fn surroundings_do_not_depend_on_what_the_url_is_wrapped_in() {
        let around = |text: &str, after: &str| sight(text).surroundings(after, false).flatten();
        assert_eq!(around("(https://x.io/?q=", "&r=1 "), around("see <https://x.io/?q=", ""));
        assert_eq!(around("postgres://", "@db:5432/x"), Some("postgres://\n@db:5432".into()));
        assert_eq!(sight("postgres://").surroundings("@db", false), None);
        assert_eq!(around("plain ", ""), None);
    }

    #[test]
    fn surroundings_do_not_depend_on_how_a_long_url_comes_in() {
        let text = format!("[a](https://x.io/?q={}é", "word é ".repeat(2000));
        for size in [1, 7, 4095, 4096, 4097, text.len()] {
            let mut pieces = Sight::default();
            let mut rest = text.as_str();
            while !rest.is_empty() {
                let (piece, later) = rest.split_at(crate::engine::floor(rest, size.max(2).min(rest.len())));
                pieces.pass(piece);
                rest = later;
            }
            assert_eq!(pieces.surroundings("x) ", false), sight(&text).surroundings("x) ", true), "{size}");
        }
        assert_ne!(sight(&text).surroundings(" ", false), sight(&text[1..]).surroundings(" ", false));
        assert_eq!(sight(&text).surroundings("x", false), None);
    }
}
