use std::ops::Range;

use unicode_normalization::char::decompose_canonical;

use super::unicode::{Classes, is_ideograph};

/// Cuts text into the words that a vocabulary is asked for: BERT's `BasicTokenizer` (Devlin et al., `tokenization.py`),
/// in the order in which Hugging Face's `BertNormalizer` does it.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) how: How,
    pub(super) classes: Classes,
}

/// What is done to the characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct How {
    /// Control characters are dropped.
    pub(super) clean: bool,
    /// Every ideograph is a word.
    pub(super) ideographs: bool,
    /// Accents are dropped.
    pub(super) strip_accents: bool,
    /// Capitals become small.
    pub(super) lowercase: bool,
}

impl Words {
    /// Calls `take` with every word as the vocabulary spells it, and where in `text` it stands, whole characters.
    pub(super) fn each(&self, text: &str, mut take: impl FnMut(Range<usize>, &str)) {
        let mut word = String::new();
        let mut range = 0..0;
        let mut plain = Vec::new();
        let mut single = [0; 4];
        for (at, c) in text.char_indices() {
            if self.how.clean && self.is_dropped(c) {
                continue;
            }
            if c.is_whitespace() {
                end(&mut word, &range, &mut take);
                continue;
            }
            let whole = at..at + c.len_utf8();
            self.plain(c, &mut plain);
            let alone = self.how.ideographs && is_ideograph(c);
            for c in plain.drain(..) {
                if alone || self.classes.is_punctuation(c) {
                    end(&mut word, &range, &mut take);
                    take(whole.clone(), c.encode_utf8(&mut single));
                    continue;
                }
                if word.is_empty() {
                    range.start = whole.start;
                }
                range.end = whole.end;
                word.push(c);
            }
        }
        end(&mut word, &range, &mut take);
    }

    fn is_dropped(&self, c: char) -> bool {
        match c {
            '\t' | '\n' | '\r' => false,
            '\u{FFFD}' => true,
            c => self.classes.is_other(c),
        }
    }

    /// What the vocabulary has for `c`.
    fn plain(&self, c: char, into: &mut Vec<char>) {
        let mut push = |c: char| {
            if self.how.lowercase { into.extend(c.to_lowercase()) } else { into.push(c) }
        };
        if self.how.strip_accents && !c.is_ascii() {
            decompose_canonical(c, |part| {
                if !self.classes.is_nonspacing(part) {
                    push(part);
                }
            });
        } else {
            push(c);
        }
    }
}

fn end(word: &mut String, range: &Range<usize>, take: &mut impl FnMut(Range<usize>, &str)) {
    if !word.is_empty() {
        take(range.clone(), word);
        word.clear();
    }
}
