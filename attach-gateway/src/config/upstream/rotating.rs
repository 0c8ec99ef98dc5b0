use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::config::secret::SecretRef;
use crate::config::units::Span;
use crate::config::{ConfigError, Secret};

/// How long what a command printed holds.
const REFRESH: Duration = Duration::from_secs(300);

/// Where an upstream's credential is kept, and for how long it holds.
#[derive(Debug, Default, Deserialize)]
pub(in crate::config) struct KeyRef {
    env: Option<String>,
    file: Option<PathBuf>,
    command: Option<Vec<String>>,
    refresh: Option<Span>,
}

/// A secret that is read again while the gateway runs.
#[derive(Clone)]
pub struct Rotating {
    from: SecretRef,
    refresh: Duration,
    first: Secret,
    read_at: Instant,
}

/// What it reads as may change at any time, and whoever uses it follows that.
impl PartialEq for Rotating {
    fn eq(&self, other: &Self) -> bool {
        (&self.from, self.refresh) == (&other.from, other.refresh)
    }
}

impl Eq for Rotating {}

impl KeyRef {
    pub(in crate::config) fn env(name: &str) -> Self {
        Self { env: Some(name.to_owned()), ..Self::default() }
    }

    pub(in crate::config) fn file(path: PathBuf) -> Self {
        Self { file: Some(path), ..Self::default() }
    }

    pub(in crate::config) fn read(
        self,
        key: &str,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Rotating, ConfigError> {
        let wrong = |why: &str| ConfigError::new(format!("{key}: {why}"));
        let refresh = self.refresh.map(|span| span.0);
        let from = match (self.env, self.file, self.command) {
            (Some(name), None, None) => SecretRef::Env(name),
            (None, Some(path), None) => SecretRef::File(path),
            (None, None, Some(words)) => SecretRef::Command(words),
            _ => return Err(wrong("write one of env, file and command")),
        };
        match (&from, refresh) {
            (SecretRef::Command(_), Some(time)) if time < Duration::from_secs(1) => {
                return Err(wrong("refresh: at least \"1s\""));
            }
            (SecretRef::Env(_) | SecretRef::File(_), Some(_)) => {
                return Err(wrong("refresh: only a command has it; a file is read again when it changes"));
            }
            _ => {}
        }
        let (read_at, first) = (Instant::now(), from.read(key, env)?);
        Ok(Rotating { from, refresh: refresh.unwrap_or(REFRESH), first, read_at })
    }
}

impl Rotating {
    /// What is kept there, by whoever reads it before each use.
    pub(in crate::config) fn of(
        from: SecretRef,
        key: &str,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let (read_at, first) = (Instant::now(), from.read(key, env)?);
        Ok(Self { from, refresh: REFRESH, first, read_at })
    }

    /// What it was when the configuration was read.
    #[must_use]
    pub fn first(&self) -> &Secret {
        &self.first
    }

    /// When that was.
    #[must_use]
    pub fn read_at(&self) -> Instant {
        self.read_at
    }

    /// How long it holds; `None` for as long as the gateway runs.
    #[must_use]
    pub fn holds(&self) -> Option<Duration> {
        match self.from {
            SecretRef::Env(_) => None,
            SecretRef::File(_) => Some(Duration::ZERO),
            SecretRef::Command(_) => Some(self.refresh),
        }
    }

    /// What it is now. Blocks while a file is read or a command runs.
    ///
    /// # Errors
    ///
    /// When there is no secret any more where it is kept.
    pub fn read_again(&self) -> Result<Secret, ConfigError> {
        match self.from {
            SecretRef::Env(_) => Ok(self.first.clone()),
            _ => self.from.read("key", |_| None),
        }
    }
}

/// Nor the words of a command, which may hold what nobody should see.
impl fmt::Debug for Rotating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotating").field("holds", &self.holds()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Rotating, ConfigError> {
        let key: KeyRef = toml::from_str(text).unwrap();
        key.read("upstream.key", &|name| (name == "KEY").then(|| "sk-1".to_owned()))
    }

    #[test]
    fn an_environment_variable_holds_for_good_and_a_command_for_five_minutes() {
        let fixed = read("env = 'KEY'").unwrap();
        assert_eq!((fixed.first().expose(), fixed.holds()), ("sk-1", None));
        assert_eq!(fixed.read_again().unwrap().expose(), "sk-1");
        let command = read("command = ['printf', 'sk-2']").unwrap();
        assert_eq!((command.first().expose(), command.holds()), ("sk-2", Some(REFRESH)));
        let often = read("command = ['printf', 'sk-2']\nrefresh = '1m'").unwrap();
        assert_eq!(often.holds(), Some(Duration::from_secs(60)));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (text, part) in [
            ("", "one of env, file and command"),
            ("env = 'KEY'\nfile = 'x'", "one of env, file and command"),
            ("env = 'KEY'\nrefresh = '1m'", "only a command"),
            ("command = ['printf', 'x']\nrefresh = '10ms'", "at least"),
            ("env = 'NONE'", "NONE is not set"),
        ] {
            let said = read(text).unwrap_err().to_string();
            assert!(said.contains(part) && said.starts_with("upstream.key"), "{text}: {said}");
        }
    }
}
