use std::error::Error;
use std::fmt;
use std::str::FromStr;

use crate::json::{Kind, Value};

/// Where a claim stands: a plain name (`groups`, `https://acme.example/groups`) or a JSON pointer (RFC 6901).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClaimPath {
    text: Box<str>,
    steps: Vec<Box<str>>,
}

impl ClaimPath {
    /// Reads a name or a pointer.
    ///
    /// # Errors
    ///
    /// When a name is empty.
    pub fn parse(text: &str) -> Result<Self, ClaimPathError> {
        let steps: Vec<Box<str>> = match text.strip_prefix('/') {
            Some(pointer) => {
                pointer.split('/').map(|step| step.replace("~1", "/").replace("~0", "~").into()).collect()
            }
            None => vec![text.into()],
        };
        if steps.iter().any(|step| step.is_empty()) {
            return Err(ClaimPathError(text.into()));
        }
        Ok(Self { text: text.into(), steps })
    }

    /// A path that is part of the program.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self::parse(text).unwrap_or_else(|_| Self { text: text.into(), steps: vec![text.into()] })
    }

    /// What stands there, if anything does.
    #[must_use]
    pub fn find<'a>(&self, claims: Value<'a>) -> Option<Value<'a>> {
        self.steps.iter().try_fold(claims, |value, step| value.get(step))
    }

    /// The first step: the claim that a provider leaves out when it has too much to say.
    #[must_use]
    pub fn claim(&self) -> &str {
        self.steps.first().map_or("", |step| step)
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for ClaimPath {
    type Err = ClaimPathError;

    fn from_str(text: &str) -> Result<Self, ClaimPathError> {
        Self::parse(text)
    }
}

/// Why a text is no [`ClaimPath`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPathError(Box<str>);

impl fmt::Display for ClaimPathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is neither the name of a claim nor a JSON pointer to one", self.0)
    }
}

impl Error for ClaimPathError {}

/// The texts of a claim that is one string or an array of them; nothing of what is neither.
#[must_use]
pub fn claim_texts(value: Value<'_>) -> Vec<Box<str>> {
    match value.kind() {
        Kind::Array => value.elements().filter_map(Value::as_str).map(Into::into).collect(),
        _ => value.as_str().map(Into::into).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use crate::json::Document;

    use super::*;

    #[test]
    fn a_name_may_hold_slashes_and_a_pointer_escapes_them() {
        let claims = r#"{"https://acme.example/groups":["a"],"realm_access":{"roles":["b"]},"x/y":"c"}"#;
        let claims = Document::parse(claims.into()).expect("JSON");
        let find = |path: &str| ClaimPath::parse(path).expect("a path").find(claims.root()).map(claim_texts);
        assert_eq!(find("https://acme.example/groups"), Some(vec!["a".into()]));
        assert_eq!(find("/realm_access/roles"), Some(vec!["b".into()]));
        assert_eq!(find("/x~1y"), Some(vec!["c".into()]));
        assert_eq!(find("/realm_access/none"), None);
        assert!(ClaimPath::parse("").is_err());
        assert!(ClaimPath::parse("/a//b").is_err());
    }
}
