//! Whose credentials are taken, and what their directory adds to what they show.

use std::sync::Arc;

use attach_auth::keys::WithKeys;
use attach_auth::signals::Provisioned;
use attach_auth::{Authenticate, Credential, Denial, OidcVerifier};
use attach_core::Identity;
use attach_core::identity::Proof;
use http::request::Parts;

use crate::config::Config;
use crate::rights::Rights;

/// Tokens of identity providers, and gateway keys where there are any.
#[derive(Debug)]
pub(crate) struct Callers {
    shown: Shown,
    provisioned: Provisioned,
    /// The directories whose provisioned groups count.
    grants: Vec<Box<str>>,
}

#[derive(Debug)]
enum Shown {
    Tokens(OidcVerifier),
    TokensAndKeys(WithKeys<OidcVerifier>),
}

impl Callers {
    pub(crate) fn new(config: &Config, verifier: OidcVerifier, rights: &Rights) -> Self {
        let shown = match rights.keys.clone() {
            None => Shown::Tokens(verifier),
            Some(keys) => Shown::TokensAndKeys(WithKeys::new(keys, verifier)),
        };
        let grants = config.revocation.scim.iter().filter(|scim| scim.may_grant);
        Self {
            shown,
            provisioned: rights.provisioned.clone(),
            grants: grants.map(|scim| scim.directory.as_str().into()).collect(),
        }
    }

    /// With the groups that the caller was provisioned into. A key has the groups it was made with, and no more.
    fn completed(&self, identity: Arc<Identity>) -> Arc<Identity> {
        let directory = &identity.directory;
        if identity.proof != Proof::Token || !self.grants.iter().any(|granted| **granted == **directory) {
            return identity;
        }
        let groups = self.provisioned.groups(directory, &identity);
        if groups.is_empty() {
            return identity;
        }
        let mut identity = Identity::clone(&identity);
        identity.groups.extend(groups);
        Arc::new(identity)
    }
}

impl Authenticate for Callers {
    async fn authenticate(&self, credential: &Credential, parts: &Parts) -> Result<Arc<Identity>, Denial> {
        let identity = match &self.shown {
            Shown::Tokens(tokens) => tokens.authenticate(credential, parts).await?,
            Shown::TokensAndKeys(both) => both.authenticate(credential, parts).await?,
        };
        Ok(self.completed(identity))
    }
}
