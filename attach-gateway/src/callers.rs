//! Whose credentials are taken, and what their directory adds to what they show.

use std::sync::Arc;

use attach_auth::keys::{OwnKeys, WithKeys};
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
    TokensAndKeys(Box<WithKeys<OidcVerifier>>),
}

impl Callers {
    pub(crate) fn new(config: &Config, verifier: OidcVerifier, rights: &Rights) -> Self {
        let shown = match rights.keys.clone() {
            None => Shown::Tokens(verifier),
            Some(keys) => Shown::TokensAndKeys(Box::new(WithKeys::new(keys, verifier))),
        };
        let grants = config.revocation.scim.iter().filter(|scim| scim.may_grant);
        Self {
            shown,
            provisioned: rights.provisioned.clone(),
            grants: grants.map(|scim| scim.directory.as_str().into()).collect(),
        }
    }

    /// With the groups that the caller was provisioned into. What is no token of the caller's own gets no right by
    /// them, and is held to the rules that deny by them.
    fn completed(&self, identity: Arc<Identity>) -> Arc<Identity> {
        let directory = &identity.directory;
        if !self.grants.iter().any(|granted| **granted == **directory) {
            return identity;
        }
        let groups = self.provisioned.groups(directory, &identity);
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
