//! `[[front_end]]`: programs that may speak for people.

use std::sync::Arc;

use attach_auth::IssuerConfig;
use attach_auth::delegation::{Delegation, FrontEnd, SigningKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::secret::SecretRef;
use super::{ConfigError, file};

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// One table as it is written.
#[derive(Debug, Deserialize)]
pub(super) struct Table {
    name: String,
    directory: Option<String>,
    client_id: Option<String>,
    id: Option<String>,
    directories: Option<Vec<String>>,
    ways: Vec<String>,
    #[serde(default)]
    keys: Vec<Key>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    required: bool,
}

#[derive(Debug, Deserialize)]
struct Key {
    id: String,
    hmac: Option<SecretRef>,
    ed25519: Option<String>,
}

/// Reads every table. Whoever is in an issuer's `allowed_groups` alone may call stays alone.
pub(super) fn resolve(
    tables: &[Table],
    issuers: &[IssuerConfig],
    written: &[file::Issuer],
    env: Env<'_>,
) -> Result<Vec<FrontEnd>, ConfigError> {
    let directories: Vec<Arc<str>> = issuers.iter().map(IssuerConfig::directory_name).collect();
    let mut front_ends = Vec::with_capacity(tables.len());
    for table in tables {
        let at = |why: String| ConfigError::new(format!("front_end {:?}: {why}", table.name));
        let front_end = table.front_end(&directories, env).map_err(at)?;
        let of = table.directories(&directories).map_err(at)?;
        let allowed = directories.iter().zip(written).filter(|(directory, _)| of.contains(directory));
        let allowed = allowed.flat_map(|(_, issuer)| issuer.allowed_groups.iter().map(String::as_str));
        front_ends.push(front_end.directories(of.iter().cloned()).members_of(allowed));
    }
    let _ =
        Delegation::new(front_ends.clone()).map_err(|why| ConfigError::new(format!("front_end: {why}")))?;
    Ok(front_ends)
}

impl Table {
    fn front_end(&self, known: &[Arc<str>], env: Env<'_>) -> Result<FrontEnd, String> {
        let directory = own_directory(self.directory.as_deref(), known)?;
        let name = self.name.as_str();
        let mut front_end = match (&self.client_id, &self.id) {
            (Some(client), None) => FrontEnd::client(name, directory, client),
            (None, Some(id)) => FrontEnd::service(name, directory, id),
            _ => return Err("set either client_id or id: the machine it calls as".into()),
        };
        let (mut signs, keys) = (false, self.keys.iter().map(|key| key.read(&self.name, env)));
        for way in &self.ways {
            match way.as_str() {
                "token" => front_end = front_end.tokens(),
                "signed" => signs = true,
                other => return Err(format!("ways: {other:?} is neither \"token\" nor \"signed\"")),
            }
        }
        if signs == self.keys.is_empty() {
            return Err("keys are for the way \"signed\", and it needs at least one".into());
        }
        for key in keys {
            front_end = front_end.key(key?);
        }
        front_end = front_end.groups(self.groups.iter().map(String::as_str));
        Ok(if self.required { front_end.required() } else { front_end })
    }

    /// Whose people it may speak for.
    fn directories(&self, known: &[Arc<str>]) -> Result<Vec<Arc<str>>, String> {
        match &self.directories {
            Some(named) => named.iter().map(|directory| own_directory(Some(directory), known)).collect(),
            None => Ok(vec![own_directory(self.directory.as_deref(), known)?]),
        }
    }
}

impl Key {
    fn read(&self, front_end: &str, env: Env<'_>) -> Result<SigningKey, String> {
        let key = match (&self.hmac, &self.ed25519) {
            (Some(secret), None) => {
                let place = format!("front_end {front_end:?}: key {:?}", self.id);
                let secret = secret.read(&place, env).map_err(|why| why.to_string())?;
                SigningKey::hmac_sha256(&self.id, secret.expose().as_bytes())
            }
            (None, Some(public)) => {
                let bytes = URL_SAFE_NO_PAD.decode(public).unwrap_or_default();
                SigningKey::ed25519(&self.id, &bytes)
            }
            _ => return Err(format!("key {:?}: set either hmac or ed25519", self.id)),
        };
        key.map_err(|why| why.to_string())
    }
}

/// A directory that some issuer vouches for; the only one unless named.
fn own_directory(named: Option<&str>, known: &[Arc<str>]) -> Result<Arc<str>, String> {
    let found = match named {
        Some(named) => known.iter().find(|known| ***known == *named),
        None => known.first().filter(|first| known.iter().all(|other| other == *first)),
    };
    let all: Vec<&str> = known.iter().map(|known| &**known).collect();
    found.cloned().ok_or_else(|| match named {
        Some(named) => format!("no [[issuer]] has the directory {named:?}; there are {}", all.join(", ")),
        None => format!("directory: which one of {}?", all.join(", ")),
    })
}
