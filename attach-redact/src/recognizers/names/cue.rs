//! What is around a name and says that it is one, or that it is none.

use super::lexicon::{Lexicon, Word};
use super::token::is_capital;
use crate::engine::is_word;

/// How much the words around a capitalised one say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cue {
    /// It is somebody's name if it can be one.
    Weak,
    /// It is somebody's name if it is two words.
    Pair,
    /// It is somebody's name, known or not, unless something speaks against it.
    Person,
    /// It is somebody's name.
    Strong,
}

/// What is before a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    pub(super) cue: Option<Cue>,
    /// `San`, `rue`, a number: what follows is a place.
    pub(super) place: bool,
    /// A sentence or a line begins here.
    pub(super) starts: bool,
}

/// What is after a row.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct After {
    pub(super) cue: Option<Cue>,
    /// A short number follows: a house's, a product's.
    pub(super) number: bool,
}

/// What the words right before `at` say.
pub(super) fn before(text: &str, at: usize, lexicon: &Lexicon) -> Before {
    let gap = Gap::before(text, at);
    let words = Words { text, end: gap.word, lexicon };
    let (letters, word) = words.last();
    let apart = gap.line || gap.quoted || gap.mark.is_some();
    let number = !apart && !letters.is_empty() && letters.bytes().all(|byte| byte.is_ascii_digit());
    let place =
        !apart && word.leads_place() && (letters.len() > 3 || is_capital(letters, 0) || letters == "rue");
    let cue = match gap.mark {
        Some(':') => labelled(words, letters, word),
        Some('?') => (word.is(Word::LABEL) && letters.ends_with("name")).then_some(Cue::Strong),
        Some('.') => word.is(Word::TITLE).then_some(Cue::Strong),
        Some(',') if is_parting(letters) => Some(if gap.line { Cue::Person } else { Cue::Weak }),
        Some(',') if is_greeting(letters) => Some(Cue::Weak),
        None if gap.line => is_parting(letters).then_some(Cue::Weak),
        None if gap.quoted => None,
        None => spoken(words, letters, word),
        Some(_) => None,
    };
    let starts = gap.line || gap.quoted || gap.word == 0 || !matches!(gap.mark, None | Some(','));
    Before { cue, place: place || number, starts }
}

/// What stands between a name and the word before it.
struct Gap {
    /// Where the word before ends.
    word: usize,
    line: bool,
    quoted: bool,
    mark: Option<char>,
}

impl Gap {
    fn before(text: &str, at: usize) -> Self {
        let mut gap = Self { word: at, line: at == 0, quoted: false, mark: None };
        for (place, letter) in text.get(..at).unwrap_or_default().char_indices().rev().take(8) {
            match letter {
                ' ' | '\t' | '\r' | '\\' => {}
                '\n' => gap.line = true,
                '>' | '*' | '-' | '•' => gap.quoted |= letter == '*',
                '"' | '“' | '”' | '„' | '«' | '(' | '\'' | '‘' => gap.quoted = true,
                '.' | ',' | ':' | ';' | '?' | '!' if gap.mark.is_none() && !gap.quoted => {
                    gap.mark = Some(letter);
                }
                _ => break,
            }
            gap.word = place;
        }
        gap
    }
}

/// The words of a text before a place.
#[derive(Clone, Copy)]
struct Words<'t> {
    text: &'t str,
    end: usize,
    lexicon: &'t Lexicon,
}

impl<'t> Words<'t> {
    /// The last word, or nothing if it is longer than words are.
    fn last(self) -> (&'t str, Word) {
        let letters = self.letters();
        (letters, if letters.is_empty() { Word::NONE } else { self.lexicon.look_up(letters) })
    }

    fn letters(self) -> &'t str {
        let bytes = self.text.as_bytes().get(..self.end).unwrap_or_default();
        let inside = |byte: &u8| is_word(*byte) || matches!(byte, b'\'' | b'-');
        let length = bytes.iter().rev().take(25).take_while(|byte| inside(byte)).count();
        if length > 24 { "" } else { self.text.get(self.end - length..self.end).unwrap_or_default() }
    }

    /// The words before the last one, if one space parts them.
    fn earlier(self) -> Self {
        let start = self.end - self.letters().len();
        let apart = self.text.get(..start).is_some_and(|before| before.ends_with(' '));
        Self { end: if apart { start - 1 } else { 0 }, ..self }
    }

    fn is_one_of(self, words: &[&str]) -> bool {
        words.iter().any(|word| self.letters().eq_ignore_ascii_case(word))
    }
}

/// After a word and a colon: in a form, mostly.
fn labelled(words: Words<'_>, letters: &str, word: Word) -> Option<Cue> {
    if word.is(Word::LABEL) {
        let own = is_capital(letters, 0)
            || words.earlier().is_one_of(&["full", "first", "last", "given", "family", "maiden", "middle"]);
        return Some(if own { Cue::Strong } else { Cue::Weak });
    }
    if word.is(Word::PERSON) {
        return Some(Cue::Person);
    }
    (word.is(Word::WEAK) || words.is_one_of(&["to", "bcc"])).then_some(Cue::Weak)
}

fn is_parting(letters: &str) -> bool {
    const PARTING: [&str; 20] = [
        "regards",
        "sincerely",
        "cheers",
        "thanks",
        "yours",
        "truly",
        "faithfully",
        "wishes",
        "love",
        "best",
        "greetings",
        "grüße",
        "gruß",
        "gruss",
        "you",
        "merci",
        "cordialement",
        "saludos",
        "saluti",
        "hilsen",
    ];
    PARTING.iter().any(|word| letters.eq_ignore_ascii_case(word))
}

fn is_greeting(letters: &str) -> bool {
    ["hi", "hello", "hey", "hallo", "morning", "afternoon", "evening"]
        .iter()
        .any(|word| letters.eq_ignore_ascii_case(word))
}

const OWNERS: [&str; 16] = [
    "my", "his", "her", "our", "your", "their", "mein", "meine", "meiner", "meinem", "mon", "ma", "mi",
    "mio", "mia", "whose",
];

/// After a word and a space.
fn spoken(words: Words<'_>, letters: &str, word: Word) -> Option<Cue> {
    let earlier = words.earlier();
    if word.is(Word::TITLE) {
        return Some(if is_capital(letters, 0) { Cue::Strong } else { Cue::Person });
    }
    if word.is(Word::INTRODUCTION) || letters.eq_ignore_ascii_case("name's") {
        return Some(Cue::Strong);
    }
    if word.is(Word::PERSON) {
        return Some(if earlier.is_one_of(&OWNERS) { Cue::Person } else { Cue::Pair });
    }
    if word.is(Word::SPEECH) {
        let start = words.end - letters.len();
        let quoted = words.text.get(..start).unwrap_or_default().trim_end_matches([' ', '\\']);
        let quoted = quoted.ends_with(['"', '”', '“', '!', '?', '\'', '’', '«', '»']);
        return Some(if quoted { Cue::Person } else { Cue::Weak });
    }
    linked(words, letters, earlier).or_else(|| word.is(Word::WEAK).then_some(Cue::Weak))
}

/// After a word that says something only together with those before it.
fn linked(words: Words<'_>, letters: &str, earlier: Words<'_>) -> Option<Cue> {
    let is = |known: &[&str]| known.iter().any(|word| letters.eq_ignore_ascii_case(word));
    let subject = earlier.last().1;
    if is(&["is", "was", "ist", "est", "es"]) {
        if subject.is(Word::LABEL) && !is_capital(earlier.letters(), 1) {
            return Some(Cue::Strong);
        }
        return earlier.is_one_of(&["this", "it", "that", "he", "she"]).then_some(Cue::Weak);
    }
    if is(&["him", "her", "me", "them"]) {
        return earlier
            .is_one_of(&["named", "name", "call", "calls", "called", "christened", "nicknamed"])
            .then_some(Cue::Person);
    }
    if is(&["named", "called", "namens", "nommé", "nommée", "llamado", "llamada"]) {
        let before = earlier.earlier().last().1;
        let whose = ["man", "woman", "boy", "girl", "guy", "lady", "baby", "person", "someone", "somebody"];
        let person = subject.is(Word::PERSON) || earlier.is_one_of(&whose);
        return Some(if person || before.is(Word::PERSON) { Cue::Person } else { Cue::Weak });
    }
    if is(&["to", "with", "between"]) {
        let verbs = [
            "assistant",
            "married",
            "engaged",
            "speak",
            "spoke",
            "talk",
            "talked",
            "spoken",
            "talking",
            "speaking",
        ];
        let person = subject.is(Word::PERSON) || earlier.is_one_of(&verbs);
        return if person {
            Some(Cue::Pair)
        } else {
            (subject.is_given() || subject.is(Word::SPEECH)).then_some(Cue::Weak)
        };
    }
    (is(&["and", "und", "et", "y", "or"]) && subject.is_given() && is_capital(earlier.letters(), 0))
        .then_some(Cue::Weak)
        .or_else(|| {
            (is(&["heard", "add", "remove", "tell", "told"]) && !words.text.is_empty()).then_some(Cue::Weak)
        })
}

/// What comes right after a row that ends at `end`, `'s` included.
pub(super) fn after(text: &str, end: usize, owns: bool, starts: bool, lexicon: &Lexicon) -> After {
    let rest = text.get(end..).unwrap_or_default();
    if let Some(rest) = rest.strip_prefix(' ') {
        let number = rest.strip_prefix("and ").unwrap_or(rest);
        let digits = number.bytes().take_while(u8::is_ascii_digit).count();
        if (1..=4).contains(&digits) {
            return After { cue: None, number: true };
        }
        return After { cue: followed(rest, owns, lexicon), number: false };
    }
    let cue = if let Some(rest) = rest.strip_prefix(", ") {
        apposition(rest, starts)
    } else {
        let quote = rest.strip_prefix(':').map(|rest| rest.trim_start_matches([' ', '\\']));
        quote.is_some_and(|quote| quote.starts_with(['"', '“', '„'])).then_some(Cue::Weak)
    };
    After { cue, number: false }
}

fn first_word(text: &str) -> &str {
    let length =
        text.bytes().take(24).take_while(|byte| is_word(*byte) || matches!(byte, b'\'' | b'-')).count();
    text.get(..length).unwrap_or_default()
}

/// After a space.
fn followed(rest: &str, owns: bool, lexicon: &Lexicon) -> Option<Cue> {
    if rest.starts_with(['<', '(']) {
        let address = rest.get(1..).unwrap_or_default();
        let inside = address.bytes().take(80).take_while(|byte| !matches!(byte, b' ' | b'>' | b')' | b'\n'));
        return inside.into_iter().any(|byte| byte == b'@').then_some(Cue::Person);
    }
    let letters = first_word(rest);
    if letters.is_empty() {
        return None;
    }
    let word = lexicon.look_up(letters);
    if owns {
        return word.is(Word::OWNED).then_some(Cue::Person);
    }
    if word.is(Word::HUMAN) {
        return Some(Cue::Person);
    }
    let second =
        rest.get(letters.len()..).and_then(|rest| rest.strip_prefix(' ')).map(first_word).unwrap_or_default();
    let pronoun = ["his", "her", "himself", "herself"].contains(&second);
    (pronoun || word.is(Word::SPEECH)).then_some(if pronoun { Cue::Pair } else { Cue::Weak })
}

/// After a comma.
fn apposition(rest: &str, starts: bool) -> Option<Cue> {
    let letters = first_word(rest);
    if ["who", "whose", "aged", "née", "born"].contains(&letters) {
        return Some(Cue::Person);
    }
    let asked =
        ["can", "could", "would", "will", "please", "do", "are", "have", "thanks", "may"].contains(&letters);
    let second =
        rest.get(letters.len()..).and_then(|rest| rest.strip_prefix(' ')).map(first_word).unwrap_or_default();
    (starts && asked && ["I", "you", "we", "please"].contains(&second)).then_some(Cue::Person)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cue(text: &str) -> Option<Cue> {
        before(text, text.len(), Lexicon::shared()).cue
    }

    #[test]
    fn cues_are_whole_words_right_before() {
        assert_eq!(cue("Dear Mrs. "), Some(Cue::Strong));
        assert_eq!(cue("Full name: "), Some(Cue::Strong));
        assert_eq!(cue("Vorname: "), Some(Cue::Strong));
        assert_eq!(cue("Best regards,\n"), Some(Cue::Person));
        assert_eq!(cue("Hello "), Some(Cue::Weak));
        assert_eq!(cue("my dear friends went to "), None);
        assert_eq!(cue("the first name is "), Some(Cue::Strong));
        assert_eq!(cue("she was married to my friend "), Some(Cue::Person));
        assert_eq!(cue("a rename"), None);
        assert_eq!(cue("\"How odd!\" said "), Some(Cue::Person));
    }

    #[test]
    fn places_are_led_by_words_and_numbers() {
        let place = |text: &str| before(text, text.len(), Lexicon::shared()).place;
        assert!(place("in San ") && place("20, rue ") && place("95 "));
        assert!(!place("5. ") && !place("sent via ") && !place("in "));
    }
}
