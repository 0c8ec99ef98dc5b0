use std::error::Error;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

/// The name of a model.
///
/// Two names are equal if their [canonical](Self::canonical) forms are: `llama3`, `llama3:latest` and
/// `library/llama3` are one model.
#[derive(Clone)]
pub struct ModelName {
    sent: Arc<str>,
    /// The bytes of `sent` that are the canonical form.
    canonical: Range<usize>,
}

impl ModelName {
    /// The longest name, in bytes.
    pub const MAX_LENGTH: usize = 256;

    /// The model called `name`.
    ///
    /// # Errors
    ///
    /// A name that is empty, too long, has control characters or begins or ends with white space.
    pub fn parse(name: &str) -> Result<Self, ModelNameError> {
        if name.len() > Self::MAX_LENGTH {
            return Err(ModelNameError::TooLong);
        }
        if name.chars().any(char::is_control) {
            return Err(ModelNameError::ControlCharacter);
        }
        if name.trim() != name {
            return Err(ModelNameError::WhiteSpace);
        }
        // Servers read such names in ways of their own: a scheme is cut off, an empty part filled in.
        if name.contains("//") || name.ends_with([':', '/']) || name.starts_with('/') {
            return Err(ModelNameError::OddPart);
        }
        if name.split(['/', ':']).any(|part| matches!(part, "." | "..")) {
            return Err(ModelNameError::OddPart);
        }
        let canonical = canonical(name);
        if canonical.is_empty() {
            return Err(ModelNameError::Empty);
        }
        Ok(Self { sent: name.into(), canonical })
    }

    /// The name as sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.sent
    }

    /// The name without what says nothing: a trailing `:latest`, and in front the place Ollama looks in anyway.
    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.sent[self.canonical.clone()]
    }

    /// The canonical form of any string, also of one that is no model's name, such as a pattern.
    #[must_use]
    pub fn canonical_of(name: &str) -> &str {
        &name[canonical(name)]
    }
}

/// Ollama reads the parts of a name without regard to case.
fn canonical(name: &str) -> Range<usize> {
    const LATEST: &str = ":latest";
    const PLACES: [&str; 3] = ["registry.ollama.ai/library/", "registry.ollama.ai:443/library/", "library/"];
    let front =
        |place: &&&str| name.get(..place.len()).is_some_and(|front| front.eq_ignore_ascii_case(place));
    let start = PLACES.iter().find(front).map_or(0, |place| place.len());
    let end = name.len().saturating_sub(LATEST.len());
    match name.get(end..) {
        Some(tag) if end >= start && tag.eq_ignore_ascii_case(LATEST) => start..end,
        _ => start..name.len(),
    }
}

impl PartialEq for ModelName {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

impl Eq for ModelName {}

impl Hash for ModelName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.canonical().hash(state);
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sent)
    }
}

impl fmt::Debug for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.sent, f)
    }
}

/// Why a string is not the name of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelNameError {
    /// Empty, or nothing but `:latest`.
    Empty,
    /// Longer than [`ModelName::MAX_LENGTH`].
    TooLong,
    /// A control character.
    ControlCharacter,
    /// White space in front or behind, which some servers cut off.
    WhiteSpace,
    /// A scheme, an empty part, or one that means a place above, which servers read differently.
    OddPart,
}

impl fmt::Display for ModelNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty model name",
            Self::TooLong => "model name too long",
            Self::ControlCharacter => "control character in the model name",
            Self::WhiteSpace => "white space around the model name",
            Self::OddPart => "the model name has an empty part, a scheme or dots alone",
        })
    }
}

impl Error for ModelNameError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latest_says_nothing() {
        let name = |name| ModelName::parse(name).expect("a name");
        assert_eq!(name("llama3"), name("llama3:latest"));
        assert_eq!(name("llama3:LATEST").canonical(), "llama3");
        assert_eq!(name("llama3:latest").as_str(), "llama3:latest");
        assert_ne!(name("llama3:8b"), name("llama3"));
        assert_eq!(name("é:latest").canonical(), "é");
        assert_eq!(name("éééé").canonical(), "éééé");
    }

    #[test]
    fn the_place_ollama_looks_in_anyway_says_nothing() {
        let name = |name| ModelName::parse(name).expect("a name");
        assert_eq!(name("library/llama3"), name("llama3:latest"));
        assert_eq!(name("Registry.Ollama.ai/library/llama3:latest"), name("llama3"));
        assert_eq!(name("org/llama3").canonical(), "org/llama3");
        assert_eq!(ModelName::parse("library/"), Err(ModelNameError::OddPart));
        assert_eq!(ModelName::parse("library/:latest"), Err(ModelNameError::Empty));
    }

    #[test]
    fn what_cannot_be_a_name_is_refused() {
        assert_eq!(ModelName::parse(""), Err(ModelNameError::Empty));
        assert_eq!(ModelName::parse(":latest"), Err(ModelNameError::Empty));
        assert_eq!(ModelName::parse(&"m".repeat(257)), Err(ModelNameError::TooLong));
        for name in ["a\u{0}", "a\nb", "a\u{7f}", "a\u{85}b"] {
            assert_eq!(ModelName::parse(name), Err(ModelNameError::ControlCharacter));
        }
        for name in ["https://registry.ollama.ai/library/a", "a//b", "/a", "a:", "a/../b", "./a", "library/"]
        {
            assert_eq!(ModelName::parse(name), Err(ModelNameError::OddPart), "{name}");
        }
        for name in [" a", "a ", "\u{a0}a", " "] {
            assert_eq!(ModelName::parse(name), Err(ModelNameError::WhiteSpace));
        }
    }
}
