//! Capitalised words in a row.

use std::ops::Range;

use super::ending;
use super::lexicon::{Lexicon, Word};
#[cfg(test)]
use crate::engine::is_word;
use crate::engine::{CharSet, is_emphasis};

/// One word of a row.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) range: Range<usize>,
    pub(super) word: Word,
    pub(super) shape: Shape,
    /// Ends as family names do, and few other words.
    pub(super) ending: bool,
    /// Two words with a hyphen.
    pub(super) is_double: bool,
    /// The length of the `'s` behind it, if there is one.
    pub(super) owns: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `Anna`, `McDonald`, `O'Brien`.
    Name,
    /// `J` or `J.`
    Initial,
    /// `ANNA`
    Capitals,
    /// `van`, `de`, `bin`, between capitalised words.
    Particle,
    /// `JavaScript`, `x86`: no name.
    Other,
}

impl Token {
    const NONE: Self =
        Self { range: 0..0, word: Word::NONE, shape: Shape::Other, ending: false, is_double: false, owns: 0 };

    /// Where what belongs to the word ends, `'s` included.
    pub(super) fn reach(&self) -> usize {
        self.range.end + usize::from(self.owns)
    }

    /// No name goes across it.
    pub(super) fn is_break(&self) -> bool {
        self.shape == Shape::Other || self.word.is_break()
    }

    /// Could be a part of a name, for its letters.
    pub(super) fn is_name(&self) -> bool {
        matches!(self.shape, Shape::Name | Shape::Capitals)
    }

    /// Is a family name by list or ending.
    pub(super) fn may_be_family(&self) -> bool {
        self.word.may_be_family() || (self.ending && !self.word.is_stop())
    }
}

const PARTICLES: [&str; 30] = [
    "van", "von", "der", "den", "de", "del", "della", "di", "da", "dos", "das", "do", "du", "la", "le", "zu",
    "zur", "ter", "ten", "bin", "ibn", "al", "el", "y", "af", "av", "het", "het", "degli", "dei",
];
/// Words in one row, at most.
const LONGEST: usize = 8;

/// A row of capitalised words that may be one name.
#[derive(Debug)]
pub(super) struct Row {
    tokens: [Token; LONGEST],
    length: usize,
    /// The capitalised word after the row, if one is right behind it.
    pub(super) next: Option<Word>,
}

impl Row {
    /// Reads the row that `first` begins; it ends before what is no part of a name.
    pub(super) fn read(text: &str, first: Token, lexicon: &Lexicon) -> Self {
        let mut row = Self { tokens: [const { Token::NONE }; LONGEST], length: 0, next: None };
        let mut at = first.range.end;
        let mut open = first.owns == 0;
        row.push(first);
        while open {
            let Some(next) = after_gap(text, at) else { break };
            let (particles, count) = particles(text, next);
            let after = if count == 0 { next } else { particles[count - 1].end + 1 };
            if !is_capital(text, after) {
                break;
            }
            let token = token(text, after, lexicon);
            if token.is_break() {
                row.next = (count == 0).then_some(token.word);
                break;
            }
            if row.length + count >= LONGEST {
                break;
            }
            for range in particles.into_iter().take(count) {
                row.push(Token { range, shape: Shape::Particle, ..Token::NONE });
            }
            at = token.range.end;
            open = token.owns == 0;
            row.push(token);
        }
        row
    }

    fn push(&mut self, token: Token) {
        if let Some(place) = self.tokens.get_mut(self.length) {
            *place = token;
            self.length += 1;
        }
    }

    pub(super) fn tokens(&self) -> &[Token] {
        self.tokens.get(..self.length).unwrap_or_default()
    }
}

/// The next beginning of a word with a capital letter.
#[cfg(test)]
pub(super) fn next_capital(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from;
    let mut inside =
        from.checked_sub(1).and_then(|before| bytes.get(before)).is_some_and(|byte| is_word(*byte));
    while let Some(&byte) = bytes.get(at) {
        if byte.is_ascii_uppercase() && !inside {
            return Some(at);
        }
        if byte >= 0x80 {
            let first = text.get(at..)?.chars().next()?;
            if !inside && first.is_uppercase() {
                return Some(at);
            }
            inside = first.is_alphanumeric();
            at += first.len_utf8();
            continue;
        }
        inside = is_word(byte);
        at += 1;
    }
    None
}

pub(super) fn is_capital(text: &str, at: usize) -> bool {
    match text.as_bytes().get(at) {
        Some(byte) if byte.is_ascii() => byte.is_ascii_uppercase(),
        Some(_) => text.get(at..).and_then(|rest| rest.chars().next()).is_some_and(char::is_uppercase),
        None => false,
    }
}

/// The place after one space.
fn after_gap(text: &str, at: usize) -> Option<usize> {
    text.as_bytes().get(at).filter(|byte| **byte == b' ').map(|_| at + 1)
}

/// One or two particles in lower case at `at`, each with a space behind it.
fn particles(text: &str, at: usize) -> ([Range<usize>; 2], usize) {
    let mut found = [0..0, 0..0];
    let mut count = 0;
    let mut at = at;
    for place in &mut found {
        let rest = text.as_bytes().get(at..).unwrap_or_default();
        let length = rest.iter().take(6).take_while(|byte| byte.is_ascii_lowercase()).count();
        let word = text.get(at..at + length).unwrap_or_default();
        if length < 1 || !PARTICLES.contains(&word) || after_gap(text, at + length).is_none() {
            break;
        }
        *place = at..at + length;
        count += 1;
        at += length + 1;
    }
    (found, count)
}

/// The end of a word of code that begins at `start`, told by the sign behind it before anybody asks what the word is:
/// `Vec<`, `Some(`, `Kind::`, `x86`, `MAX_SIZE`. Most capitals of source code are one.
pub(super) fn in_code(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let letters = bytes.get(start..)?.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let end = start + letters;
    let is_code = match bytes.get(end..)? {
        [b'(' | b'_' | b'<' | b'[' | b'{' | b'=' | b'0'..=b'9', ..] | [b':', b':', ..] => true,
        [b'.', next, ..] => next.is_ascii_lowercase() || *next == b'_',
        _ => false,
    };
    (is_code && letters > 0).then_some(end)
}

/// The word that begins at `start`.
pub(super) fn token(text: &str, start: usize, lexicon: &Lexicon) -> Token {
    let (mut end, other) = extent(text, start);
    let owns = match text.get(start..end) {
        Some(word) if word.ends_with("'s") => 2,
        Some(word) if word.ends_with("’s") => 4,
        _ => 0,
    };
    end -= usize::from(owns);
    let letters = text.get(start..end).unwrap_or_default();
    let shape = if other { Shape::Other } else { shape(letters) };
    if shape == Shape::Initial && text.as_bytes().get(end) == Some(&b'.') {
        end += 1;
    }
    let mut token = Token { range: start..end, shape, owns, ..Token::NONE };
    if token.is_name() {
        token.is_double = letters.contains('-');
        token.word = lexicon.look_up(letters);
        token.ending = !token.word.is_known() && ending::is_telling(letters);
    }
    token
}

/// Where the word ends that begins at `start`, and whether something in it is no letter.
fn extent(text: &str, start: usize) -> (usize, bool) {
    let bytes = text.as_bytes();
    let (mut at, mut other) = (start, false);
    loop {
        match bytes.get(at) {
            Some(byte) if byte.is_ascii_alphabetic() => at += 1,
            Some(b'_') if is_emphasis(bytes[at..].iter()) => break,
            Some(byte) if byte.is_ascii_digit() || *byte == b'_' => {
                other = true;
                at += 1;
            }
            Some(b'-' | b'\'') if is_letter(text, at + 1) => at += 1,
            Some(byte) if *byte >= 0x80 => {
                let (inside, length) = CharSet::alphanumeric().next(bytes, at);
                let quote = || text.get(at..).is_some_and(|rest| rest.starts_with('’'));
                if !(inside || quote() && is_letter(text, at + length)) {
                    break;
                }
                other |= CharSet::numeric().has(bytes, at);
                at += length;
            }
            _ => break,
        }
    }
    (at.max(start + 1), other)
}

fn is_letter(text: &str, at: usize) -> bool {
    match text.as_bytes().get(at) {
        Some(byte) if byte.is_ascii() => byte.is_ascii_alphabetic(),
        Some(_) => text.get(at..).and_then(|rest| rest.chars().next()).is_some_and(char::is_alphabetic),
        None => false,
    }
}

fn shape(word: &str) -> Shape {
    let mut letters = word.chars();
    let (Some(_), rest) = (letters.next(), letters.as_str()) else { return Shape::Other };
    if rest.is_empty() {
        return Shape::Initial;
    }
    let (mut capitals, mut small, mut joined) = (0, false, false);
    for letter in rest.chars() {
        capitals += usize::from(letter.is_uppercase());
        small |= letter.is_lowercase();
        joined |= matches!(letter, '-' | '\'' | '’');
    }
    if capitals == 0 || (capitals <= 2 && small && joined) {
        Shape::Name
    } else if !small {
        Shape::Capitals
    } else if capitals == 1
        && ["Mc", "Mac", "Fitz", "De", "Di", "Du", "Da", "La", "Le", "Van", "Von", "O"]
            .iter()
            .any(|prefix| word.strip_prefix(prefix).is_some_and(|rest| is_capital(rest, 0)))
    {
        Shape::Name
    } else {
        Shape::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Vec<&str>> {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(start) = next_capital(text, at) {
            let lexicon = Lexicon::shared();
            let row = Row::read(text, token(text, start, lexicon), lexicon);
            found.push(row.tokens().iter().map(|token| &text[token.range.clone()]).collect());
            at = row.tokens().last().map_or(start + 1, Token::reach);
        }
        found
    }

    #[test]
    fn rows_end_where_sentences_and_lines_do() {
        assert_eq!(
            rows("then Anna van der Berg met J. R. Smith.\nBob's"),
            [vec!["Anna", "van", "der", "Berg"], vec!["J.", "R.", "Smith"], vec!["Bob"]]
        );
        assert_eq!(rows("über Émile and Øyvind"), [["Émile"], ["Øyvind"]]);
        assert!(rows("no capitals here, camelCase neither").is_empty());
    }
}
