use std::collections::BTreeMap;

use attach_auth::IssuerConfig;
use serde::Deserialize;

use super::listen::ChannelFile;
use super::{Channel, ConfigError, Listen, server};

mod local;

pub use self::local::{CertificateName, Local};
use self::local::{LocalFile, User};

/// The admin listener: off until it is configured with who may use it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Admin {
    /// Where to listen.
    pub listen: Listen,
    /// Who may open a socket in the file system: its mode.
    pub socket_mode: u32,
    /// What goes over it.
    pub channel: Channel,
    /// The audience of administrators' tokens, if they come by tokens; another than that of callers.
    pub audience: Option<String>,
    /// Who is what: a role and the group whose members have it.
    pub roles: Vec<(Role, String)>,
    /// Who needs no token.
    pub local: Local,
    /// Names the listener answers to besides its own address: what `Host` may say.
    pub hosts: Vec<String>,
}

/// What an administrator may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// Everything.
    Operator,
    /// Keys and service identities.
    KeyAdmin,
    /// Exceptions from limits, and how people stand under them.
    QuotaAdmin,
    /// Read everything, change nothing.
    Auditor,
}

impl Role {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Operator, Self::KeyAdmin, Self::QuotaAdmin, Self::Auditor];

    /// The name in a configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::KeyAdmin => "key_admin",
            Self::QuotaAdmin => "quota_admin",
            Self::Auditor => "auditor",
        }
    }

    /// The verbs that come with it, `*` standing for any text.
    #[must_use]
    pub fn verbs(self) -> &'static [&'static str] {
        match self {
            Self::Operator => &["*"],
            Self::KeyAdmin => &["keys.*", "services.*"],
            Self::QuotaAdmin => &["quotas.*"],
            Self::Auditor => &["*.read"],
        }
    }

    /// Whether `verb` comes with it.
    #[must_use]
    pub fn covers(self, verb: &str) -> bool {
        let covers = |pattern: &&str| match pattern.split_once('*') {
            Some((start, end)) => verb.strip_prefix(start).is_some_and(|rest| rest.ends_with(end)),
            None => *pattern == verb,
        };
        self.verbs().iter().any(covers)
    }

    fn parse(setting: &str, name: &str) -> Result<Self, ConfigError> {
        Self::ALL.into_iter().find(|role| role.as_str() == name).ok_or_else(|| {
            ConfigError::new(format!(
                "{setting}: {name:?} is not one of operator, key_admin, quota_admin, auditor"
            ))
        })
    }
}

/// `[admin]` as it is written.
#[derive(Debug, Deserialize)]
pub(super) struct File {
    listen: String,
    socket_mode: Option<String>,
    tls: Option<ChannelFile>,
    auth: Auth,
    #[serde(default)]
    hosts: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Auth {
    audience: Option<String>,
    #[serde(default)]
    groups: BTreeMap<String, OneOrMany>,
    #[serde(default)]
    certificates: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    users: BTreeMap<String, Vec<User>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// `issuers` are those of the callers' tokens, `data` is where callers are listened to.
pub(super) fn resolve(from: File, issuers: &[IssuerConfig], data: &Listen) -> Result<Admin, ConfigError> {
    let listen = Listen::parse("admin.listen", &from.listen)?;
    let channel = from.tls.map(|tls| tls.resolve("admin.tls")).transpose()?.unwrap_or_default();
    let socket_mode =
        from.socket_mode.as_deref().map_or(Ok(0o600), |text| server::mode("admin.socket_mode", text))?;
    if listen == *data && listen.tcp().is_none_or(|addr| addr.port() != 0) {
        return Err(ConfigError::new(format!("admin.listen: {listen} is where callers are listened to")));
    }
    let local = LocalFile { certificates: from.auth.certificates, users: from.auth.users };
    let local = local.resolve(|| std::fs::read_to_string("/etc/passwd").unwrap_or_default())?;
    let (audience, roles) = by_token(from.auth.audience, from.auth.groups, issuers, &local)?;
    let admin = Admin { listen, socket_mode, channel, audience, roles, local, hosts: from.hosts };
    let directories: Vec<_> = issuers.iter().map(IssuerConfig::directory_name).collect();
    local::check(&admin, &directories)?;
    Ok(admin)
}

/// The audience of administrators' tokens, and which groups have which role.
type ByToken = (Option<String>, Vec<(Role, String)>);

/// Administrators by tokens: the audience, and which groups have which role. There may be none where others are.
fn by_token(
    audience: Option<String>,
    groups: BTreeMap<String, OneOrMany>,
    issuers: &[IssuerConfig],
    local: &Local,
) -> Result<ByToken, ConfigError> {
    if audience.is_none() && groups.is_empty() && !local.is_empty() {
        return Ok((None, Vec::new()));
    }
    let audience = audience.filter(|audience| !audience.trim().is_empty()).ok_or_else(|| {
        ConfigError::new("admin.auth.audience: administrators need tokens of an audience of their own")
    })?;
    if issuers.iter().any(|issuer| issuer.audiences().any(|callers| callers == audience)) {
        return Err(ConfigError::new(format!(
            "admin.auth.audience: {audience:?} is an audience of callers as well; administrators need tokens of an \
             audience of their own"
        )));
    }
    let mut roles = Vec::new();
    for (name, groups) in groups {
        let role = Role::parse("admin.auth.groups", &name)?;
        let groups = match groups {
            OneOrMany::One(group) => vec![group],
            OneOrMany::Many(groups) => groups,
        };
        roles.extend(groups.into_iter().map(|group| (role, group)));
    }
    if roles.is_empty() {
        return Err(ConfigError::new(
            "admin.auth.groups: names no group, so nobody could use the admin listener",
        ));
    }
    Ok((Some(audience), roles))
}
