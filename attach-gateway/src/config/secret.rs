//! Secrets: never inline, never shown.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;

use serde::Deserialize;

use super::ConfigError;

/// Where a secret is kept: `{ env = "NAME" }`, `{ file = "path" }` or `{ command = ["program", "argument"] }`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum SecretRef {
    /// An environment variable.
    Env(String),
    /// A file's contents, without the line end.
    File(PathBuf),
    /// What a program prints, without the line end.
    Command(Vec<String>),
}

/// A secret. It has no `Display`, and its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    pub(crate) fn new(text: &str) -> Option<Self> {
        let text = text.trim_end_matches(['\r', '\n']);
        (!text.is_empty()).then(|| Self(text.into()))
    }

    /// The secret itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl SecretRef {
    /// Reads the secret; `key` names the setting in errors.
    pub(super) fn read(
        &self,
        key: &str,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Secret, ConfigError> {
        let wrong = |why: String| ConfigError::new(format!("{key}: {why}"));
        let text = match self {
            Self::Env(name) => {
                env(name).ok_or_else(|| wrong(format!("the environment variable {name} is not set")))?
            }
            Self::File(path) => std::fs::read_to_string(path)
                .map_err(|error| wrong(format!("cannot read {}: {error}", path.display())))?,
            Self::Command(words) => run(words).map_err(wrong)?,
        };
        Secret::new(&text).ok_or_else(|| wrong("the secret is empty".into()))
    }
}

fn run(words: &[String]) -> Result<String, String> {
    let (program, arguments) = words.split_first().ok_or("the command is empty")?;
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| format!("cannot run {program}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{program} ended with {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("{program} printed something that is not text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("hunter2\n").unwrap()), "Secret");
    }

    #[test]
    fn a_command_is_run_and_its_line_end_dropped() {
        let secret = SecretRef::Command(vec!["printf".into(), "abc\\n".into()]).read("k", none).unwrap();
        assert_eq!(secret.expose(), "abc");
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = SecretRef::Env("NO_SUCH".into()).read("upstream.key", none).unwrap_err();
        assert!(error.to_string().contains("NO_SUCH") && error.to_string().contains("upstream.key"));
    }
}
