//! Words around a name that say whose it is.

use super::token::Token;

/// How much a word before a capitalised one says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cue {
    /// What follows is somebody's name, known or not.
    Strong,
    /// What follows is somebody's name if it can be one.
    Weak,
}

const STRONG: [&str; 46] = [
    "mr",
    "mrs",
    "ms",
    "mx",
    "miss",
    "dr",
    "prof",
    "professor",
    "doctor",
    "sir",
    "madam",
    "mister",
    "herr",
    "frau",
    "monsieur",
    "madame",
    "mme",
    "mlle",
    "señor",
    "señora",
    "señorita",
    "signor",
    "signora",
    "dear",
    "liebe",
    "lieber",
    "geehrter",
    "geehrte",
    "cher",
    "chère",
    "querido",
    "querida",
    "estimado",
    "estimada",
    "my name is",
    "name is",
    "name was",
    "name's",
    "i am called",
    "ich heiße",
    "mein name ist",
    "je m'appelle",
    "me llamo",
    "mi chiamo",
    "first name",
    "last name",
];
const WEAK: [&str; 40] = [
    "hi",
    "hello",
    "hey",
    "hallo",
    "bonjour",
    "hola",
    "ciao",
    "i am",
    "i'm",
    "this is",
    "that is",
    "it is",
    "it's",
    "thanks",
    "regards",
    "sincerely",
    "cheers",
    "yours",
    "from",
    "contact",
    "contacted",
    "name",
    "named",
    "called",
    "attn",
    "cc",
    "wife",
    "husband",
    "mother",
    "father",
    "sister",
    "brother",
    "son",
    "daughter",
    "colleague",
    "friend",
    "boss",
    "patient",
    "by",
    "with",
];
/// Labels of a form, before a colon.
const LABELS: [&str; 16] = [
    "name",
    "full name",
    "first name",
    "last name",
    "surname",
    "given name",
    "family name",
    "customer",
    "patient",
    "employee",
    "contact",
    "author",
    "sender",
    "recipient",
    "signed",
    "attn",
];

/// What the words right before `at` say.
pub(super) fn before(text: &str, at: usize) -> Option<Cue> {
    let start = crate::engine::ceil(text, at.saturating_sub(32));
    let before = text[start..at].to_lowercase();
    let trimmed = before.trim_end();
    if let Some(label) = trimmed.strip_suffix(':') {
        return ends_with(label, &LABELS).then_some(Cue::Strong);
    }
    let bare = trimmed.trim_end_matches(['.', ',', '?']).trim_end();
    if ends_with(bare, &STRONG) && !trimmed.ends_with(',') {
        return Some(Cue::Strong);
    }
    let parting = trimmed.ends_with(',') && (before.ends_with('\n') || before.ends_with(' '));
    let asked = trimmed.ends_with('?')
        && ends_with(bare, &["your name", "last name", "first name", "surname", "name"]);
    if asked {
        return Some(Cue::Strong);
    }
    let same_clause = parting || trimmed.len() == bare.len();
    (same_clause && ends_with(bare, &WEAK)).then_some(Cue::Weak)
}

/// Whether `text` ends in one of `words`, as a word of its own.
fn ends_with(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| {
        text.strip_suffix(word)
            .is_some_and(|rest| !rest.chars().next_back().is_some_and(char::is_alphanumeric))
    })
}

/// Whether what is around makes an organisation or a place of the name from `start` to `end`.
pub(super) fn is_organisation(text: &str, start: usize, end: usize, next: Option<&Token>) -> bool {
    let after = &text[end..];
    next.is_some_and(|next| next.word.makes_organisation())
        || after.starts_with(" & ")
        || after.starts_with(", Inc")
        || text[..start].ends_with(" & ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cue(text: &str) -> Option<Cue> {
        before(text, text.len())
    }

    #[test]
    fn cues_are_whole_words_right_before() {
        assert_eq!(cue("Dear Mrs. "), Some(Cue::Strong));
        assert_eq!(cue("Full name: "), Some(Cue::Strong));
        assert_eq!(cue("Best regards,\n"), Some(Cue::Weak));
        assert_eq!(cue("Hello "), Some(Cue::Weak));
        assert_eq!(cue("my dear friends went to "), None);
        assert_eq!(cue("the first name is "), Some(Cue::Strong));
        assert_eq!(cue("a rename"), None);
    }
}
