//! Access keys of AWS: named ones, those of the environment's variables, or those of the machine.

use attach_core::aws::{AccessKey, Keys, Machine};

use super::secret::SecretRef;
use super::{ConfigError, Rotating, Secret};

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What requests to a service of AWS are signed with.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum AccessKeys {
    /// A key that was read.
    Fixed {
        /// Its id.
        id: Rotating,
        /// Its secret.
        secret: Rotating,
        /// The token of a temporary one.
        token: Option<Rotating>,
    },
    /// Those of the container, the workload or the instance, renewed.
    Machine(Machine),
}

/// The settings they are written in.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) access_key: Option<SecretRef>,
    pub(super) secret_key: Option<SecretRef>,
    pub(super) session_token: Option<SecretRef>,
}

impl Written {
    /// Without settings those of the environment, under the names AWS's tools use; without these the machine's.
    pub(super) fn read(self, at: &str, region: &str, env: Env<'_>) -> Result<AccessKeys, ConfigError> {
        let own = self.access_key.is_some() || self.secret_key.is_some();
        if !own
            && self.session_token.is_none()
            && let Some(machine) = machine(&format!("{at}.access_key"), region, env)?
        {
            return Ok(AccessKeys::Machine(machine));
        }
        let read = |key: &str, from: Option<SecretRef>, name: &str| {
            let from = from.unwrap_or_else(|| SecretRef::Env(name.into()));
            Rotating::of(from, &format!("{at}.{key}"), env)
        };
        let token = match self.session_token {
            // Keys that last have none.
            None if own => None,
            None => read("session_token", None, "AWS_SESSION_TOKEN").ok(),
            from => Some(read("session_token", from, "")?),
        };
        let id = read("access_key", self.access_key, "AWS_ACCESS_KEY_ID")?;
        let secret = read("secret_key", self.secret_key, "AWS_SECRET_ACCESS_KEY")?;
        Ok(AccessKeys::Fixed { id, secret, token })
    }
}

impl AccessKeys {
    /// The keys themselves.
    pub(crate) fn keys(&self) -> Keys {
        match self {
            Self::Machine(machine) => crate::machine::keys(machine),
            Self::Fixed { id, secret, token } => {
                Keys::from(key(id.first(), secret.first(), token.as_ref().map(Rotating::first)))
            }
        }
    }

    /// Reads a key that was read once more, for whoever follows what is kept in a file or said by a command; it blocks.
    /// `None` for those of the machine, which are renewed by themselves.
    pub(super) fn again(&self) -> Option<impl Fn() -> Result<AccessKey, Box<str>> + Send + Sync + 'static> {
        let Self::Fixed { id, secret, token } = self else { return None };
        let (id, secret, token) = (id.clone(), secret.clone(), token.clone());
        let read = |from: &Rotating| from.read_again().map_err(|error| Box::<str>::from(error.to_string()));
        Some(move || {
            let token = token.as_ref().map(read).transpose()?;
            Ok(key(&read(&id)?, &read(&secret)?, token.as_ref()))
        })
    }

    /// A part of a line, without a secret; nothing of a key that was read.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Fixed { .. } => String::new(),
            Self::Machine(machine) => format!(", with the keys of the {machine}"),
        }
    }
}

/// They are equal if they are the same keys now, wherever they are kept.
impl PartialEq for AccessKeys {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Machine(one), Self::Machine(other)) => one == other,
            (
                Self::Fixed { id, secret, token },
                Self::Fixed { id: an_id, secret: another, token: a_token },
            ) => {
                id.first() == an_id.first()
                    && secret.first() == another.first()
                    && token.as_ref().map(Rotating::first) == a_token.as_ref().map(Rotating::first)
            }
            _ => false,
        }
    }
}

fn key(id: &Secret, secret: &Secret, token: Option<&Secret>) -> AccessKey {
    let key = AccessKey::new(id.expose(), secret.expose());
    token.into_iter().fold(key, |key, token| key.session_token(token.expose()))
}

/// The machine's own keys, unless the environment has one.
pub(super) fn machine(at: &str, region: &str, env: Env<'_>) -> Result<Option<Machine>, ConfigError> {
    let named = |name| env(name).is_some_and(|value| !value.is_empty());
    if named("AWS_ACCESS_KEY_ID") || named("AWS_SECRET_ACCESS_KEY") {
        return Ok(None);
    }
    Machine::from_env(region, env).map_err(|error| ConfigError::new(format!("{at}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)], own: bool) -> Result<AccessKeys, String> {
        let env = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let named = || own.then(|| SecretRef::Env("OTHER".into()));
        let written = Written { access_key: named(), secret_key: named(), session_token: None };
        written.read("engine", "eu-central-1", &env).map_err(|error| error.to_string())
    }

    const FIXED: [(&str, &str); 3] =
        [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_SESSION_TOKEN", "t")];
    const POD: (&str, &str) = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials");

    #[test]
    fn a_key_that_is_named_comes_first_then_the_environments_then_the_machines() {
        let all = [&FIXED[..], &[POD, ("OTHER", "value")]].concat();
        let own = read(&all, true).unwrap();
        assert!(matches!(own, AccessKeys::Fixed { id, token: None, .. } if id.first().expose() == "value"));
        let environments = read(&all, false).unwrap();
        assert!(
            matches!(environments, AccessKeys::Fixed { token: Some(token), .. } if token.first().expose() == "t")
        );
        assert_eq!(read(&[POD], false).unwrap().describe(), ", with the keys of the container");
        assert_eq!(read(&[], false).unwrap().describe(), ", with the keys of the instance role");
    }

    #[test]
    fn what_is_missing_is_named() {
        let half = read(&FIXED[..1], false).unwrap_err();
        assert!(half.contains("engine.secret_key") && half.contains("AWS_SECRET_ACCESS_KEY"), "{half}");
        let none = read(&[("AWS_EC2_METADATA_DISABLED", "true")], false).unwrap_err();
        assert!(none.contains("AWS_ACCESS_KEY_ID is not set"), "{none}");
        let wrong =
            read(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://evil.example/")], false).unwrap_err();
        assert!(wrong.starts_with("engine.access_key: AWS_CONTAINER"), "{wrong}");
    }
}
