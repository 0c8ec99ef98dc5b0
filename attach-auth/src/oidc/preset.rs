use std::fmt;
use std::str::FromStr;

use crate::ConfigError;

/// What is known of an identity provider: where its tokens say things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Preset {
    /// Okta, a custom authorization server.
    Okta,
    /// Auth0.
    Auth0,
    /// Microsoft Entra ID, one tenant.
    Entra,
    /// Keycloak, one realm.
    Keycloak,
    /// Google, by ID tokens of one or more Workspace domains.
    Google,
    /// Whoever follows RFC 9068.
    Generic,
}

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 6] =
        [Self::Okta, Self::Auth0, Self::Entra, Self::Keycloak, Self::Google, Self::Generic];

    /// The name in a configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Okta => "okta",
            Self::Auth0 => "auth0",
            Self::Entra => "entra",
            Self::Keycloak => "keycloak",
            Self::Google => "google",
            Self::Generic => "generic",
        }
    }

    pub(super) fn habits(self) -> &'static Habits {
        match self {
            Self::Okta => &OKTA,
            Self::Auth0 => &AUTH0,
            Self::Entra => &ENTRA,
            Self::Keycloak => &KEYCLOAK,
            Self::Google => &GOOGLE,
            Self::Generic => &GENERIC,
        }
    }
}

impl FromStr for Preset {
    type Err = ConfigError;

    fn from_str(name: &str) -> Result<Self, ConfigError> {
        let found = Self::ALL.into_iter().find(|preset| preset.as_str() == name);
        found.ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            ConfigError::new(format!(
                "`{}` is no identity provider we know; one of {known}",
                name.escape_debug()
            ))
        })
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a provider's tokens say what. Claims are tried in order; those of `groups` and `scopes` add up.
#[derive(Debug)]
pub(super) struct Habits {
    /// The caller's stable id.
    pub(super) id: &'static [&'static str],
    /// The OAuth client.
    pub(super) client: &'static [&'static str],
    pub(super) scopes: &'static [&'static str],
    /// Names, or JSON pointers where they begin with a slash.
    pub(super) groups: &'static [&'static str],
    /// Other spellings of the issuer's name in tokens.
    pub(super) aliases: &'static [&'static str],
    /// ID tokens are what this provider gives its callers to show.
    pub(super) id_tokens: bool,
    /// Access tokens of older versions have a `nonce`, and say in `typ` that they are none of the others.
    pub(super) typed_payload: bool,
    /// One host serves many organisations.
    pub(super) shared_host: bool,
}

const PLAIN: Habits = Habits {
    id: &["sub"],
    client: &["client_id", "azp"],
    scopes: &["scope", "scp"],
    groups: &["groups"],
    aliases: &[],
    id_tokens: false,
    typed_payload: false,
    shared_host: false,
};

const OKTA: Habits = Habits { id: &["uid", "sub"], client: &["cid", "client_id", "azp"], ..PLAIN };
const AUTH0: Habits =
    Habits { client: &["azp", "client_id"], scopes: &["scope", "scp", "permissions"], ..PLAIN };
const ENTRA: Habits = Habits {
    id: &["oid", "sub"],
    client: &["azp", "appid", "client_id"],
    groups: &["groups", "roles"],
    shared_host: true,
    ..PLAIN
};
const KEYCLOAK: Habits = Habits {
    client: &["azp", "client_id"],
    groups: &["groups", "/realm_access/roles"],
    typed_payload: true,
    shared_host: true,
    ..PLAIN
};
const GOOGLE: Habits =
    Habits { client: &["azp"], groups: &[], aliases: &["accounts.google.com"], id_tokens: true, ..PLAIN };
const GENERIC: Habits = Habits { id: &["uid", "oid", "sub"], client: &["client_id", "azp", "cid"], ..PLAIN };
