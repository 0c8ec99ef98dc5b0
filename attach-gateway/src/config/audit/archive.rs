//! `[audit.archive]`: the bucket that closed segments are copied to.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use attach_audit::egress::{Bucket, InvalidTarget, Lock, LockMode};
use attach_core::aws::{is_region, public_domain};
use attach_core::client::Client;
use serde::Deserialize;

use super::egress::{Env, client, url};
use crate::config::ConfigError;
use crate::config::access_key::{self, AccessKeys};
use crate::config::secret::SecretRef;
use crate::config::units::Span;

/// How long the store may take for one segment.
const PATIENCE: Duration = Duration::from_secs(300);
/// Less is taken for a slip.
const LEAST: Duration = Duration::from_secs(86_400);

/// A bucket that closed segments are copied to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Archive {
    /// The bucket's own URL.
    pub url: String,
    /// The region that requests are signed for.
    pub region: String,
    /// What the names of objects begin with.
    pub prefix: String,
    /// How long objects are locked.
    pub lock: Option<Lock>,
    access: AccessKeys,
    client: Client,
    /// As it is written.
    table: String,
}

/// The table as it is written.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::config) struct Table {
    bucket: String,
    region: String,
    url: Option<String>,
    #[serde(default)]
    prefix: String,
    access_key: Option<SecretRef>,
    secret_key: Option<SecretRef>,
    session_token: Option<SecretRef>,
    lock: Option<String>,
    lock_for: Option<Span>,
    ca: Option<PathBuf>,
}

pub(super) fn resolve(table: Option<&Table>, env: Env<'_>) -> Result<Option<Archive>, ConfigError> {
    let Some(table) = table.cloned() else { return Ok(None) };
    let written = format!("{table:?}");
    let Table { access_key, secret_key, session_token, .. } = table;
    let access = access_key::Written { access_key, secret_key, session_token };
    let archive = Archive {
        table: written,
        url: place(&table.bucket, &table.region, table.url.as_deref())?,
        lock: lock(table.lock.as_deref(), table.lock_for)?,
        access: access.read("audit.archive", &table.region, env)?,
        region: table.region,
        prefix: table.prefix,
        client: client(table.ca).map_err(|error| wrong(told(&error)))?.with_timeout(PATIENCE),
    };
    archive.bucket().map_err(wrong)?;
    Ok(Some(archive))
}

/// Amazon's own address of the bucket, or the bucket below `endpoint`.
fn place(bucket: &str, region: &str, endpoint: Option<&str>) -> Result<String, ConfigError> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(fits) {
        return Err(wrong("bucket: 3 to 63 lower-case letters, digits, hyphens and dots"));
    }
    if !is_region(region) {
        return Err(wrong(format!("region: {region:?} is no region, such as eu-central-1")));
    }
    match endpoint {
        None => Ok(format!("https://{bucket}.s3.{region}.{}", public_domain(region))),
        Some(endpoint) => {
            url(endpoint).map_err(|error| wrong(told(&error)))?;
            Ok(format!("{}/{bucket}", endpoint.trim_end_matches('/')))
        }
    }
}

fn lock(mode: Option<&str>, lasts: Option<Span>) -> Result<Option<Lock>, ConfigError> {
    let mode = match (mode, &lasts) {
        (None, None) => return Ok(None),
        (Some("compliance"), Some(_)) => LockMode::Compliance,
        (Some("governance"), Some(_)) => LockMode::Governance,
        (Some("compliance" | "governance"), None) | (None, Some(_)) => {
            return Err(wrong("lock, lock_for: one is of no use without the other"));
        }
        (Some(other), _) => {
            return Err(wrong(format!("lock: {other:?} is not one of compliance, governance")));
        }
    };
    let lasts = lasts.map(|span| span.0).unwrap_or_default();
    if lasts < LEAST {
        return Err(wrong("lock_for: less than a day; write it like \"400d\""));
    }
    Ok(Some(Lock { mode, lasts }))
}

impl Archive {
    /// Whether nothing about it has changed; a file that it names is not looked into.
    pub(super) fn same(&self, other: &Self) -> bool {
        (&self.table, &self.access) == (&other.table, &other.access)
    }

    /// What is written to.
    pub(crate) fn bucket(&self) -> Result<Bucket, InvalidTarget> {
        let keys = self.access.keys();
        let bucket = Bucket::new(&self.url, &self.region, keys, Arc::new(self.client.clone()))?;
        let bucket = match self.access.again() {
            Some(again) => bucket.replaced_by(again),
            None => bucket,
        };
        let bucket = bucket.prefix(&self.prefix);
        Ok(self.lock.into_iter().fold(bucket, Bucket::lock))
    }
}

fn wrong(why: impl fmt::Display) -> ConfigError {
    ConfigError::new(format!("audit.archive: {why}"))
}

/// An error of what egress has in common, without its name.
fn told(error: &ConfigError) -> String {
    error.to_string().trim_start_matches("audit.egress: ").to_owned()
}

impl fmt::Display for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "closed segments to {}/{}{}", self.url, self.prefix, self.access.describe())?;
        match self.lock {
            None => f.write_str(", not locked"),
            Some(Lock { mode, lasts }) => {
                let mode = if mode == LockMode::Compliance { "compliance" } else { "governance" };
                write!(f, ", locked ({mode}) for {} days", lasts.as_secs() / 86_400)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Archive, String> {
        let table: Table = toml::from_str(text).map_err(|error| error.to_string())?;
        let env = |name: &str| name.starts_with("AWS_").then(|| format!("not-a-real-{name}"));
        let read = resolve(Some(&table), &env).map_err(|error| error.to_string())?;
        Ok(read.expect("there is one"))
    }

    const BUCKET: &str = "bucket = 'acme-audit'\nregion = 'eu-central-1'\n";

    #[test]
    fn a_bucket_is_amazons_unless_a_url_says_where_and_its_keys_are_not_shown() {
        let archive = read(BUCKET).expect("it reads");
        assert_eq!(archive.url, "https://acme-audit.s3.eu-central-1.amazonaws.com");
        let temporary = matches!(&archive.access, AccessKeys::Fixed { token: Some(_), .. });
        assert!(temporary && !format!("{archive:?}").contains("not-a-real"));
        let own = "prefix = 'eu/gw-1'\naccess_key = { env = 'AWS_X' }\nsecret_key = { env = 'AWS_Y' }\n\
                   url = 'http://127.0.0.1:9000/'\nlock = 'governance'\nlock_for = '400d'\n";
        let archive = read(&format!("{BUCKET}{own}")).expect("it reads");
        assert!(matches!(archive.access, AccessKeys::Fixed { token: None, .. }));
        assert_eq!(
            archive.to_string(),
            "closed segments to http://127.0.0.1:9000/acme-audit/eu/gw-1, locked (governance) for 400 days"
        );
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (more, named) in [
            ("url = 'ftp://127.0.0.1'", "no http or https URL"),
            ("lock = 'compliance'", "one is of no use without the other"),
            ("lock_for = '400d'", "one is of no use without the other"),
            ("lock = 'legal'\nlock_for = '400d'", "\"legal\""),
            ("lock = 'compliance'\nlock_for = '400s'", "less than a day"),
            ("ca = '/no/such/file.pem'", "/no/such/file.pem"),
            ("access_key = { env = 'NONE' }", "NONE is not set"),
        ] {
            let error = read(&format!("{BUCKET}{more}\n")).expect_err(more);
            assert!(error.contains(named) && error.contains("audit.archive"), "{error}");
        }
        assert!(read(&BUCKET.replace("acme-audit", "../x")).expect_err("no bucket").contains("bucket: "));
        assert!(
            read(&BUCKET.replace("eu-central-1", "x.evil/")).expect_err("no region").contains("region: ")
        );
    }
}
