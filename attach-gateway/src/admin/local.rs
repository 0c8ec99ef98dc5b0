//! Administrators without a token: by a client certificate, or by the account at the other end of a socket.
//!
//! For the day when the identity provider is away. What their connection shows counts only where no credential is shown.

use std::sync::Arc;

use attach_auth::policy::{Ask, Live, Policy, Rules, reason};
use attach_auth::{Authenticate, Credential, Denial, OidcVerifier};
use attach_core::exchange::Decision;
use attach_core::identity::{Group, Proof};
use attach_core::{Identity, Peer};
use http::request::Parts;
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};

use crate::config::{CertificateName, Local, Role};
use crate::hex::hex;

/// Who administers: by tokens, if there is an audience for them, and by their connection, if anybody is listed.
#[derive(Debug)]
pub(super) struct Admins {
    pub(super) tokens: Option<OidcVerifier>,
    pub(super) local: Local,
}

impl Authenticate for Admins {
    async fn authenticate(&self, credential: &Credential, parts: &Parts) -> Result<Arc<Identity>, Denial> {
        match &self.tokens {
            Some(tokens) => tokens.authenticate(credential, parts).await,
            None => Err(Denial::invalid_token("tokens_not_accepted")
                .with_message("administrators of this listener show no token: send none")),
        }
    }

    fn connected(&self, parts: &Parts) -> Option<Arc<Identity>> {
        let peer = parts.extensions.get::<Peer>()?;
        // A certificate that is nobody's does not become somebody's by the socket it came at.
        let certificate = peer.tls.as_ref().and_then(|facts| facts.client_certificate.as_deref());
        match certificate.filter(|_| !self.local.certificates.is_empty()) {
            Some(der) => by_certificate(&self.local, der),
            None => by_account(&self.local, peer.uid?),
        }
        .map(Arc::new)
    }
}

/// What such an administrator may do: what a role of theirs says and no rule of `[access]` denies. Its rules that allow
/// are about people whom an issuer vouches for.
pub(super) fn decide(access: &Live<Rules>, ask: &Ask<'_>, identity: &Identity, verb: &str) -> Decision {
    let by_rule = access.allows(ask).decision;
    if by_rule.reason == reason::DENIED_BY_RULE {
        return by_rule;
    }
    let has = |role: &Role| {
        role.covers(verb) && identity.groups.contains(&Group::new(Local::DIRECTORY, role.as_str()))
    };
    let Some(role) = Role::ALL.into_iter().find(has) else {
        return Decision::new(false, reason::NO_RULE_ALLOWS);
    };
    let mut decision = Decision::new(true, reason::ALLOWED_BY_RULE);
    decision.rule = Some(format!("{}:{}", role.as_str(), identity.proof.as_str()).into());
    decision.groups = vec![role.as_str().into()];
    decision
}

fn by_account(local: &Local, uid: u32) -> Option<Identity> {
    let roles = local.users.iter().filter(|(_, listed)| *listed == uid).map(|(role, _)| *role);
    let id: Arc<str> = format!("uid:{uid}").into();
    holding(Identity::person(Local::DIRECTORY, id), Proof::Account, roles)
}

/// The roles are those of one name, the first that is listed, so that nobody is withdrawn by one and comes in by
/// another; and those of the certificate itself.
fn by_certificate(local: &Local, der: &[u8]) -> Option<Identity> {
    let digest: [u8; 32] = Sha256::digest(der).into();
    let listed = |name: &CertificateName| local.certificates.iter().any(|(_, known)| known == name);
    let name = names(der).into_iter().find(listed);
    let whole = CertificateName::Sha256(digest);
    let held = local.certificates.iter().filter(|(_, known)| *known == whole || Some(known) == name.as_ref());
    let id: Arc<str> = format!("x509:{}", hex(&digest)).into();
    let mut identity = Identity::service(Local::DIRECTORY, id);
    if let Some(name) = &name {
        identity.subject = name.to_string().into();
    }
    holding(identity, Proof::Certificate, held.map(|(role, _)| *role))
}

/// Names of the certificate, URIs first. TLS has verified it.
fn names(der: &[u8]) -> Vec<CertificateName> {
    let der = CertificateDer::from_slice(der);
    let Ok(certificate) = webpki::EndEntityCert::try_from(&der) else { return Vec::new() };
    let uris = certificate.valid_uri_names().map(|name| CertificateName::Uri(name.into()));
    let dns = certificate.valid_dns_names();
    uris.chain(dns.map(|name| CertificateName::Dns(name.to_ascii_lowercase().into()))).collect()
}

/// `identity` with its roles as groups, which the log shows; nobody without any.
fn holding(mut identity: Identity, proof: Proof, roles: impl Iterator<Item = Role>) -> Option<Identity> {
    identity.groups = roles.map(|role| Group::new(Local::DIRECTORY, role.as_str())).collect();
    identity.proof = proof;
    (!identity.groups.is_empty()).then_some(identity)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use attach_core::TlsFacts;

    use super::*;

    fn admins() -> Admins {
        let whole = CertificateName::Sha256(Sha256::digest(b"shown").into());
        let certificates = vec![(Role::Auditor, whole)];
        let local = Local { users: vec![(Role::Operator, 7), (Role::Auditor, 8)], certificates };
        Admins { tokens: None, local }
    }

    fn who(uid: Option<u32>, certificate: Option<&[u8]>) -> Option<Arc<Identity>> {
        let peer = Peer::new(SocketAddr::from(([127, 0, 0, 1], 0)));
        let peer = uid.into_iter().fold(peer, Peer::with_uid);
        let mut facts = TlsFacts::default();
        facts.client_certificate = certificate.map(Into::into);
        let mut request = http::Request::new(());
        request.extensions_mut().insert(peer.with_tls(Arc::new(facts)));
        admins().connected(&request.into_parts().0)
    }

    #[test]
    fn an_account_is_who_is_listed_and_nobody_else() {
        let operator = who(Some(7), None).unwrap();
        assert_eq!((&*operator.directory, &*operator.id), ("local", "uid:7"));
        assert!(operator.is_member("operator") && !operator.is_member("auditor"));
        assert!(who(Some(0), None).is_none() && who(None, None).is_none());
    }

    #[test]
    fn two_proofs_never_add_up() {
        let both = who(Some(7), Some(b"shown")).unwrap();
        assert!(both.is_member("auditor") && !both.is_member("operator"), "the certificate alone counts");
        assert!(who(Some(7), Some(b"of nobody")).is_none());
    }

    #[test]
    fn a_role_covers_its_verbs_alone() {
        assert!(Role::Operator.covers("state.write") && Role::KeyAdmin.covers("keys.read"));
        assert!(Role::Auditor.covers("audit.read") && !Role::Auditor.covers("keys.write"));
        assert!(!Role::QuotaAdmin.covers("keys.read") && !Role::KeyAdmin.covers("revocations.read"));
    }
}
