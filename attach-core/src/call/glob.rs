use std::error::Error;
use std::fmt;
use std::str::FromStr;

use super::ModelName;

/// A pattern for the names of models: `*` stands for any characters, everything else for itself.
///
/// Names are compared in their canonical form, so `llama3` and `llama3:latest` are one, in a pattern as in a call.
///
/// ```
/// use attach_core::call::ModelGlob;
///
/// let glob: ModelGlob = "gpt-4*".parse()?;
/// assert!(glob.matches("gpt-4o-mini"));
/// assert!(!glob.matches("gpt-3.5-turbo"));
/// # Ok::<(), attach_core::call::ModelGlobError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ModelGlob(Glob);

impl ModelGlob {
    /// Whether `model` is meant. Any spelling will do.
    #[must_use]
    pub fn matches(&self, model: &str) -> bool {
        self.0.matches(ModelName::canonical_of(model), false)
    }

    /// [`matches`](Self::matches) without regard to ASCII case, which some servers do not regard either: a rule
    /// that denies must not be passed by writing the name in capitals.
    #[must_use]
    pub fn covers(&self, model: &str) -> bool {
        self.0.matches(ModelName::canonical_of(model), true)
    }

    /// Whether it is one name and not a pattern.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.0.0.contains('*')
    }

    /// The pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.0
    }
}

impl FromStr for ModelGlob {
    type Err = ModelGlobError;

    fn from_str(pattern: &str) -> Result<Self, ModelGlobError> {
        if ModelName::parse(pattern).is_err() {
            return Err(ModelGlobError { pattern: pattern.into(), latest: false });
        }
        let canonical = ModelName::canonical_of(pattern);
        if canonical != pattern && canonical.contains('*') {
            // Names have lost their `:latest` when they are compared: this would match other tags as well.
            return Err(ModelGlobError { pattern: pattern.into(), latest: true });
        }
        Ok(Self(Glob::new(canonical)))
    }
}

/// Why a text is no [`ModelGlob`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelGlobError {
    pattern: Box<str>,
    latest: bool,
}

impl fmt::Display for ModelGlobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pattern = self.pattern.escape_debug();
        match self.latest {
            true => write!(f, "`{pattern}`: with `*` a pattern cannot ask for `:latest`"),
            false => write!(f, "`{pattern}` cannot be the name of a model"),
        }
    }
}

impl Error for ModelGlobError {}

impl fmt::Display for ModelGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ModelGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// A pattern in which `*` stands for any characters and everything else for itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Glob(Box<str>);

impl Glob {
    /// The pattern `pattern`.
    #[must_use]
    pub fn new(pattern: impl Into<Box<str>>) -> Self {
        Self(pattern.into())
    }

    /// The pattern as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `text` is meant, without regard to ASCII case if `any_case`. Takes time with the product of the
    /// lengths, at worst.
    #[must_use]
    pub fn matches(&self, text: &str, any_case: bool) -> bool {
        let (pattern, text) = (self.0.as_bytes(), text.as_bytes());
        let same = |a: u8, b: u8| a == b || (any_case && a.eq_ignore_ascii_case(&b));
        let (mut p, mut t) = (0, 0);
        let mut retry = None;
        while t < text.len() {
            match pattern.get(p) {
                Some(b'*') => {
                    retry = Some((p + 1, t));
                    p += 1;
                }
                Some(&byte) if same(byte, text[t]) => (p, t) = (p + 1, t + 1),
                _ => match retry {
                    Some((after, from)) => {
                        retry = Some((after, from + 1));
                        (p, t) = (after, from + 1);
                    }
                    None => return false,
                },
            }
        }
        pattern[p..].iter().all(|byte| *byte == b'*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(pattern: &str) -> ModelGlob {
        pattern.parse().expect("a pattern")
    }

    #[test]
    fn a_star_is_any_text_and_nothing_else_is_special() {
        for (pattern, name, expected) in [
            ("*", "anything", true),
            ("gpt-4*", "gpt-4", true),
            ("gpt-4*", "gpt-40", true),
            ("gpt-4", "gpt-4o", false),
            ("*-mini", "gpt-4o-mini", true),
            ("*-mini", "gpt-4o-mini-2", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("g?t", "gpt", false),
            ("gpt.4", "gpt-4", false),
        ] {
            assert_eq!(glob(pattern).matches(name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn latest_says_nothing_on_either_side() {
        for pattern in ["llama3", "llama3:latest"] {
            assert!(glob(pattern).matches("llama3"));
            assert!(glob(pattern).matches("llama3:latest"));
            assert!(!glob(pattern).matches("llama3:8b"));
        }
    }

    #[test]
    fn only_a_rule_that_denies_forgets_case() {
        assert!(!glob("gpt-4").matches("GPT-4"));
        assert!(glob("gpt-4").covers("GPT-4"));
    }

    #[test]
    fn what_no_model_can_be_called_is_no_pattern() {
        for pattern in ["", " gpt", "gpt\n", "llama*:latest"] {
            assert!(pattern.parse::<ModelGlob>().is_err());
        }
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        assert!(!glob(&"a*".repeat(100)).matches(&"a".repeat(99)));
    }
}
