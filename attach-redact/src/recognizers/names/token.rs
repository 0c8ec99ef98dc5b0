//! Capitalised words in a row.

use std::ops::Range;

use super::lexicon::{Lexicon, Word};

/// One word of a run.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) range: Range<usize>,
    pub(super) word: Word,
    pub(super) shape: Shape,
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

const PARTICLES: [&str; 24] = [
    "van", "von", "der", "den", "de", "del", "della", "di", "da", "dos", "das", "do", "du", "la", "le", "zu",
    "zur", "ter", "ten", "bin", "ibn", "al", "el", "y",
];
/// Words in one run, at most.
const LONGEST: usize = 10;

/// Calls `look` with every row of capitalised words in `text`.
pub(super) fn runs(text: &str, lexicon: &Lexicon, mut look: impl FnMut(&[Token])) {
    let mut tokens = Vec::with_capacity(LONGEST);
    let mut at = 0;
    while let Some(start) = next_capital(text, at) {
        tokens.clear();
        at = run(text, start, lexicon, &mut tokens);
        look(&tokens);
    }
}

/// The next beginning of a word with a capital letter.
fn next_capital(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from;
    let mut inside = from.checked_sub(1).is_some_and(|before| is_word(bytes[before]));
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

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Reads the row that begins at `start`; gives where it ends.
fn run(text: &str, start: usize, lexicon: &Lexicon, tokens: &mut Vec<Token>) -> usize {
    let mut at = start;
    loop {
        let token = token(text, at, lexicon);
        at = token.range.end;
        tokens.push(token);
        let Some(next) = after_gap(text, at) else { break };
        let particles = particles(text, next);
        let after = particles.last().map_or(Some(next), |last| after_gap(text, last.end));
        let Some(after) = after.filter(|&after| is_capital(text, after)) else { break };
        if tokens.len() + particles.len() >= LONGEST {
            break;
        }
        tokens.extend(particles.into_iter().map(|range| Token {
            range,
            word: Word::default(),
            shape: Shape::Particle,
        }));
        at = after;
    }
    at
}

fn is_capital(text: &str, at: usize) -> bool {
    text[at..].chars().next().is_some_and(char::is_uppercase)
}

/// The place after one space.
fn after_gap(text: &str, at: usize) -> Option<usize> {
    text.as_bytes().get(at).filter(|byte| **byte == b' ').map(|_| at + 1)
}

/// One or two particles in lower case at `at`.
fn particles(text: &str, at: usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = Some(at);
    while let Some(start) = at.filter(|_| found.len() < 2) {
        let length = text[start..].bytes().take(6).take_while(u8::is_ascii_lowercase).count();
        if !PARTICLES.contains(&&text[start..start + length]) {
            break;
        }
        found.push(start..start + length);
        at = after_gap(text, start + length);
    }
    found
}

fn token(text: &str, start: usize, lexicon: &Lexicon) -> Token {
    let rest = &text[start..];
    let mut end = start;
    let mut letters = rest.char_indices().peekable();
    let mut other = false;
    while let Some((at, letter)) = letters.next() {
        let joins = matches!(letter, '-' | '\'' | '’')
            && letters.peek().is_some_and(|(_, next)| next.is_alphabetic());
        if !letter.is_alphanumeric() && letter != '_' && !joins {
            break;
        }
        other |= letter.is_numeric() || letter == '_';
        end = start + at + letter.len_utf8();
    }
    let mut range = start..end;
    for ending in ["'s", "’s"] {
        if text[range.clone()].ends_with(ending) {
            range.end -= ending.len();
        }
    }
    let shape = if other { Shape::Other } else { shape(&text[range.clone()]) };
    if shape == Shape::Initial && text[range.end..].starts_with('.') {
        range.end += 1;
    }
    let word = if matches!(shape, Shape::Name | Shape::Capitals) {
        lexicon.look_up(&text[range.clone()])
    } else {
        Word::default()
    };
    Token { range, word, shape }
}

fn shape(word: &str) -> Shape {
    let mut letters = word.chars();
    let (Some(_), rest) = (letters.next(), letters.as_str()) else { return Shape::Other };
    if rest.is_empty() {
        return Shape::Initial;
    }
    let capitals = rest.chars().filter(|letter| letter.is_uppercase()).count();
    if capitals == 0 || (capitals <= 2 && rest.contains(['-', '\'', '’'])) {
        Shape::Name
    } else if rest.chars().all(|letter| !letter.is_lowercase()) {
        Shape::Capitals
    } else if capitals == 1
        && ["Mc", "Mac", "De", "Di", "La", "Le", "Van", "O"].iter().any(|prefix| word.starts_with(prefix))
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
        runs(text, Lexicon::shared(), |tokens| {
            found.push(tokens.iter().map(|token| &text[token.range.clone()]).collect());
        });
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
