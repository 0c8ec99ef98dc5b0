use std::fmt;

/// What a [`Finding`](crate::Finding) rests on, for whoever wants to know why a text was replaced.
///
/// The strongest reason is named: a card number after the word "card" rests on its check digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Basis {
    /// Its form alone.
    Form,
    /// A prefix or a place that only this kind of thing has.
    Prefix,
    /// A check digit or a checksum that holds.
    CheckDigit,
    /// A word before it that names it.
    NamingWord,
    /// A cue before it, such as "Dear", or the lists of given and family names; mostly both have a say.
    Name,
    /// It was found as a name elsewhere in the text.
    Occurrence,
    /// A configured term.
    Term,
    /// A configured pattern.
    Pattern,
    /// A recognizer that is not built in.
    Recognizer,
}

impl Basis {
    /// Its name in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Prefix => "prefix",
            Self::CheckDigit => "check digit",
            Self::NamingWord => "naming word",
            Self::Name => "cue or lexicon",
            Self::Occurrence => "name found elsewhere",
            Self::Term => "term",
            Self::Pattern => "pattern",
            Self::Recognizer => "recognizer",
        }
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
