//! Tokens that are of use only together with a key of their client's (`cnf`, RFC 7800).

use attach_core::json::{Kind, Value};
use attach_core::{Identity, Peer};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;

use crate::credential::Source;
use crate::dpop::Dpop;
use crate::{Credential, Denial};

/// What a token is bound to.
#[derive(Debug, PartialEq, Eq)]
struct Binding {
    /// The thumbprint of the key that signs proofs (RFC 9449 §6.1).
    jkt: Option<String>,
    /// The digest of the client's certificate (RFC 8705 §3.1).
    x5t: Option<String>,
}

impl Binding {
    /// `None` if the token is good for any bearer. A confirmation that we do not know cannot be checked.
    fn of(identity: &Identity) -> Result<Option<Self>, Denial> {
        let claims = identity.claims.as_ref().map(|claims| claims.root());
        let Some(cnf) = claims.and_then(|claims| claims.get("cnf")) else { return Ok(None) };
        let text = |name| match cnf.get(name) {
            Some(value) => {
                value.as_str().map(|text| Some(text.into())).ok_or_else(|| bound("cnf_unsupported"))
            }
            None => Ok(None),
        };
        let known = |value: Value<'_>| value.kind() == Kind::Object;
        let binding = Self { jkt: text("jkt")?, x5t: text("x5t#S256")? };
        if !known(cnf) || (binding.jkt.is_none() && binding.x5t.is_none()) {
            return Err(bound("cnf_unsupported"));
        }
        Ok(Some(binding))
    }

    fn check_certificate(&self, parts: &Parts) -> Result<(), Denial> {
        let Some(expected) = &self.x5t else { return Ok(()) };
        let peer = parts.extensions.get::<Peer>();
        let certificate = peer.and_then(|peer| peer.tls.as_ref()?.client_certificate.as_deref());
        let shown = certificate.map(|der| URL_SAFE_NO_PAD.encode(digest(&SHA256, der)));
        if shown.as_ref() == Some(expected) { Ok(()) } else { Err(bound("cnf_mismatch")) }
    }
}

fn bound(reason: &'static str) -> Denial {
    Denial::invalid_token("sender_constrained_token").with_reason(reason)
}

/// Refuses a token that needs more than itself.
pub(crate) fn refuse(identity: &Identity) -> Result<(), Denial> {
    match Binding::of(identity)? {
        Some(binding) if binding.jkt.is_some() => Err(Denial::proof_required()),
        Some(_) => Err(bound("cnf_mismatch")),
        None => Ok(()),
    }
}

/// Whether whoever showed `credential` has what its token is bound to. Asked for every request, remembered token or not.
pub(crate) async fn check(
    identity: &Identity,
    credential: &Credential,
    parts: &Parts,
    dpop: Option<&Dpop>,
) -> Result<(), Denial> {
    let proven = credential.source() == Source::Dpop;
    let Some(binding) = Binding::of(identity)? else {
        return if proven { Err(Denial::proof_required().with_reason("dpop_unbound")) } else { Ok(()) };
    };
    binding.check_certificate(parts)?;
    match (&binding.jkt, dpop) {
        (None, _) if proven => Err(Denial::proof_required().with_reason("dpop_unbound")),
        (None, _) => Ok(()),
        (Some(jkt), Some(dpop)) if proven => dpop.check(credential, parts, jkt).await,
        (Some(_), _) => Err(Denial::proof_required()),
    }
}
