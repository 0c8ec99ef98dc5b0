//! Claims that nobody signed, for tests of rules.

use attach_core::Identity;

use super::config::IssuerConfig;
use super::entitlement::{self, Notices};
use super::times::Times;
use super::{claims, person};
use crate::Denial;

impl IssuerConfig {
    /// Who these claims, given as JSON, would be about: read as a verified token's would be, and held to the scopes,
    /// clients, domains and groups that the issuer's configuration asks for.
    ///
    /// **For tests of rules only.** Nothing is verified: no signature, issuer, audience or time.
    ///
    /// # Errors
    ///
    /// When they are no claims, name nobody, or do not entitle to the service.
    pub fn identity_of_claims(&self, claims: &[u8]) -> Result<Identity, Denial> {
        let document = claims::parse(claims.to_vec())?;
        let identity = person::identity(document.clone(), self, &self.directory_name(), Times::unchecked())?;
        entitlement::check(&identity, document.root(), self, &Notices::default())?;
        Ok(identity)
    }
}
