//! Secrets: never inline, never shown.

use std::fmt;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

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

/// How long a command may take: whoever waits for its secret cannot wait for ever.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is read of what it prints, in bytes; what it prints beyond a pipe's room keeps it from ending.
const LONGEST: u64 = 64 << 10;

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
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let failed = |error| format!("cannot run {program}: {error}");
    let mut child = command.spawn().map_err(failed)?;
    let status = end_of(&mut child, PATIENCE).map_err(failed)?;
    let status = status.ok_or_else(|| format!("{program} did not end within {} s", PATIENCE.as_secs()))?;
    if !status.success() {
        return Err(format!("{program} ended with {status}"));
    }
    let mut printed = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(LONGEST).read_to_end(&mut printed).map_err(failed)?;
    }
    String::from_utf8(printed).map_err(|_| format!("{program} printed something that is not text"))
}

/// How it ended, or `None` if it had to be ended after `patience`.
fn end_of(child: &mut Child, patience: Duration) -> std::io::Result<Option<ExitStatus>> {
    let until = Instant::now() + patience;
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= until {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
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
    fn a_command_that_does_not_end_is_ended() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        assert!(end_of(&mut child, Duration::from_millis(50)).unwrap().is_none());
        assert!(child.try_wait().unwrap().is_some_and(|status| !status.success()), "it is gone");
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = SecretRef::Env("NO_SUCH".into()).read("upstream.key", none).unwrap_err();
        assert!(error.to_string().contains("NO_SUCH") && error.to_string().contains("upstream.key"));
    }
}
