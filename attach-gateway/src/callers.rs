//! Whose credentials are taken, and what their directory adds to what they show.

use std::sync::Arc;

use attach_auth::keys::{OwnKeys, WithKeys};
use attach_auth::signals::Provisioned;
use attach_auth::{Authenticate, Credential, Denial, OidcVerifier};
use attach_core::Identity;
use attach_core::identity::{Group, Proof};
use http::request::Parts;

use crate::config::Config;
use crate::rights::Rights;

/// Tokens of identity providers, and gateway keys where there are any.
#[derive(Debug)]
pub(crate) struct Callers {
    shown: Shown,
    granted: Granted,
}

/// The groups by provisioning that count.
#[derive(Debug, Clone)]
pub(crate) struct Granted {
    provisioned: Provisioned,
    /// The directories whose provisioned groups count.
    directories: Arc<[Box<str>]>,
}

impl Granted {
    pub(crate) fn new(config: &Config, provisioned: Provisioned) -> Self {
        let grants = config.revocation.scim.iter().filter(|scim| scim.may_grant);
        Self { provisioned, directories: grants.map(|scim| scim.directory.as_str().into()).collect() }
    }

    /// Those of `identity`.
    pub(crate) fn groups(&self, identity: &Identity) -> Vec<Group> {
        let directory = &identity.directory;
        if !self.directories.iter().any(|granted| **granted == **directory) {
            return Vec::new();
        }
        self.provisioned.groups(directory, identity)
    }
}

#[derive(Debug)]
enum Shown {
    Tokens(OidcVerifier),
    TokensAndKeys(Box<WithKeys<OidcVerifier>>),
}

impl Callers {
    pub(crate) fn new(verifier: OidcVerifier, rights: &Rights) -> Self {
        let shown = match rights.keys.clone() {
            None => Shown::Tokens(verifier),
            Some(keys) => Shown::TokensAndKeys(Box::new(WithKeys::new(keys, verifier))),
        };
        Self { shown, granted: rights.granted.clone() }
    }

    /// With the groups that the caller was provisioned into. What is no token of the caller's own gets no right by
    /// them, and is held to the rules that deny by them.
    fn completed(&self, identity: Arc<Identity>) -> Arc<Identity> {
        let groups = self.granted.groups(&identity);
        if groups.is_empty() {
            return identity;
        }
        let mut identity = Identity::clone(&identity);
        if identity.proof == Proof::Token {
            identity.groups.extend(groups);
        } else {
            let withheld = identity.withheld.iter().flat_map(|withheld| withheld.iter().cloned());
            identity.withheld = Some(Arc::new(withheld.chain(groups).collect()));
        }
        Arc::new(identity)
    }
}

impl Authenticate for Callers {
    async fn authenticate(&self, credential: &Credential, parts: &Parts) -> Result<Arc<Identity>, Denial> {
        let identity = match &self.shown {
            Shown::Tokens(tokens) => tokens.authenticate(credential, parts).await?,
            Shown::TokensAndKeys(both) => both.authenticate(credential, parts).await?,
        };
        // A key is made with what its owner's token says: the directory may take its own groups back at any time.
        let mints = parts.uri.path().starts_with(OwnKeys::PATH);
        Ok(if mints { identity } else { self.completed(identity) })
    }
}
