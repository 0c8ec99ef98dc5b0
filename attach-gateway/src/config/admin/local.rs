//! Administrators by what their connection shows: a client certificate, the account at the other end of a socket.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;

use super::{Admin, Role};
use crate::config::{Channel, ConfigError, Listen};

/// What a user id reads as where the kernel has no other for it (user_namespaces(7), overflowuid): anybody of another
/// namespace.
const OVERFLOW: u32 = 65534;

/// Who administers without a token, and as what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Local {
    /// By a client certificate.
    pub certificates: Vec<(Role, CertificateName)>,
    /// By the user id at the other end of a socket in the file system.
    pub users: Vec<(Role, u32)>,
}

/// What a client certificate is known by: a name of its `subjectAltName` (RFC 5280 §4.2.1.6), or all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateName {
    /// A URI, such as a SPIFFE ID; byte for byte.
    Uri(Box<str>),
    /// A DNS name, in lower case.
    Dns(Box<str>),
    /// The SHA-256 of its DER.
    Sha256([u8; 32]),
}

/// `certificates` and `users` as they are written.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Deserialize), serde(default))]
pub(super) struct LocalFile {
    pub(super) certificates: BTreeMap<String, Vec<String>>,
    pub(super) users: BTreeMap<String, Vec<User>>,
}

/// An account, by its number or its name.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum User {
    Id(u32),
    Name(String),
}

impl Local {
    /// The directory of those who administer so; no issuer's.
    pub const DIRECTORY: &'static str = "local";

    /// Whether there is nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty() && self.users.is_empty()
    }
}

impl LocalFile {
    /// `accounts` is what the machine knows its accounts by, as passwd(5) has it.
    pub(super) fn resolve(self, accounts: impl FnOnce() -> String) -> Result<Local, ConfigError> {
        let mut local = Local::default();
        for (name, shown) in self.certificates {
            let role = Role::parse("admin.auth.certificates", &name)?;
            for text in shown {
                local.certificates.push((role, CertificateName::parse(&text)?));
            }
        }
        let named = self.users.values().flatten().any(|user| matches!(user, User::Name(_)));
        let accounts = if named { accounts() } else { String::new() };
        for (name, users) in self.users {
            let role = Role::parse("admin.auth.users", &name)?;
            for user in users {
                local.users.push((role, user.id(&accounts)?));
            }
        }
        Ok(local)
    }
}

/// Refuses who could never come in, or could be somebody else.
pub(super) fn check(admin: &Admin, directories: &[Arc<str>]) -> Result<(), ConfigError> {
    let Admin { local, listen, channel, .. } = admin;
    let wrong = |why: &str| Err(ConfigError::new(format!("admin.auth.{why}")));
    let asks = matches!(channel, Channel::Tls(tls) if tls.client_ca.is_some());
    if !local.certificates.is_empty() && !asks {
        return wrong("certificates: say in admin.tls.client_ca who signs them");
    }
    if !local.users.is_empty() && !matches!(listen, Listen::Unix(_)) {
        return wrong("users: accounts are known at a socket only; admin.listen is none like unix:/path");
    }
    if !local.is_empty() && directories.iter().any(|known| **known == *Local::DIRECTORY) {
        return wrong(
            "certificates, users: those who come so are of the directory \"local\", which is an issuer's",
        );
    }
    Ok(())
}

impl User {
    fn id(self, accounts: &str) -> Result<u32, ConfigError> {
        let wrong = |why: String| ConfigError::new(format!("admin.auth.users: {why}"));
        let id = match self {
            Self::Id(id) => id,
            Self::Name(name) => uid(accounts, &name).ok_or_else(|| {
                wrong(format!("{name:?} is no account in /etc/passwd of this machine; a number needs none"))
            })?,
        };
        if id == OVERFLOW {
            return Err(wrong(format!("{id} is what anybody of another user namespace is seen as")));
        }
        Ok(id)
    }
}

/// The user id of `name` (passwd(5)).
fn uid(accounts: &str, name: &str) -> Option<u32> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name && !name.is_empty()).then_some(())?;
        fields.nth(1)?.parse().ok()
    })
}

impl CertificateName {
    fn parse(text: &str) -> Result<Self, ConfigError> {
        let wrong = |why: &str| ConfigError::new(format!("admin.auth.certificates: {text:?} {why}"));
        if let Some(digest) = text.strip_prefix("sha256:") {
            let digest = fingerprint(digest);
            return digest.map(Self::Sha256).ok_or_else(|| wrong("has not 64 hexadecimal digits"));
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '*') {
            return Err(wrong("is not one name: patterns are not known here"));
        }
        if text.contains('=') && !text.contains("://") {
            return Err(wrong(
                "is a subject, and subjects are not looked at; name a URI or DNS name, or sha256:…",
            ));
        }
        if text.contains("://") {
            return Ok(Self::Uri(text.into()));
        }
        let is_name = text.contains('.') && !text.starts_with('.') && !text.contains(['/', ':', '@']);
        if is_name {
            Ok(Self::Dns(text.to_ascii_lowercase().into()))
        } else {
            Err(wrong("is neither a URI like spiffe://acme/ops, a DNS name, nor sha256: and a fingerprint"))
        }
    }
}

/// Hexadecimal digits, with or without colons.
fn fingerprint(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u32> =
        text.chars().filter(|c| *c != ':').map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let bytes: Option<Vec<u8>> = pairs.iter().map(|[high, low]| u8::try_from(high * 16 + low).ok()).collect();
    bytes.filter(|_| rest.is_empty())?.try_into().ok()
}

impl fmt::Display for CertificateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uri(name) | Self::Dns(name) => f.write_str(name),
            Self::Sha256(digest) => write!(f, "sha256:{}", crate::hex::hex(digest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNTS: &str = "root:x:0:0:root:/root:/bin/sh\nops:x:1000:1000::/home/ops:/bin/sh\nbroken:x\n";

    fn resolve(text: &str) -> Result<Local, String> {
        let file: LocalFile = toml::from_str(text).map_err(|why| why.to_string())?;
        file.resolve(|| ACCOUNTS.to_owned()).map_err(|why| why.to_string())
    }

    #[test]
    fn accounts_are_named_or_numbered() {
        let local = resolve("users = { operator = [\"root\", 1001], auditor = [\"ops\"] }").unwrap();
        let operator = Role::Operator;
        assert_eq!(local.users, [(Role::Auditor, 1000), (operator, 0), (operator, 1001)]);
        for wrong in ["\"nobody-here\"", "\"broken\"", "\"\"", "65534", "-1", "4294967296"] {
            assert!(resolve(&format!("users = {{ operator = [{wrong}] }}")).is_err(), "{wrong}");
        }
        assert!(resolve("users = { god = [0] }").unwrap_err().contains("god"));
    }

    #[test]
    fn a_certificate_is_named_exactly() {
        let colons = ["AB"; 32].join(":");
        for (text, name) in [
            ("spiffe://acme/ops", CertificateName::Uri("spiffe://acme/ops".into())),
            ("Ops.acme.example", CertificateName::Dns("ops.acme.example".into())),
            (&format!("sha256:{colons}"), CertificateName::Sha256([0xab; 32])),
        ] {
            let local = resolve(&format!("certificates = {{ operator = [{text:?}] }}")).unwrap();
            assert_eq!(local.certificates, [(Role::Operator, name)]);
        }
        for wrong in ["CN=ops", "*.acme.example", "spiffe://acme/*", "sha256:ab", "ops", "", "a b.c", "x@y.z"]
        {
            assert!(resolve(&format!("certificates = {{ operator = [{wrong:?}] }}")).is_err(), "{wrong}");
        }
        assert!(fingerprint(&"é".repeat(64)).is_none() && fingerprint(&"a".repeat(63)).is_none());
    }
}
