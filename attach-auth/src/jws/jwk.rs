//! One JSON Web Key (RFC 7517), held to what a public verification key may be.

use attach_core::json::Value;
use aws_lc_rs::signature::{ED25519, ParsedPublicKey, RsaPublicKeyComponents};

use super::algorithm::{Algorithm, Scheme};
use super::base64::decode;
use super::weak;

/// A public key and the algorithms it may verify.
pub(super) struct Key {
    pub(super) kid: Option<Box<str>>,
    parsed: Vec<(Algorithm, ParsedPublicKey)>,
}

impl Key {
    /// Reads a member of `keys`; `None` if it is no key we may verify with.
    pub(super) fn parse(jwk: Value<'_>) -> Option<Self> {
        let kid = match jwk.get("kid") {
            Some(kid) => Some(kid.as_str()?.into()),
            None => None,
        };
        if !is_for_verification(jwk) {
            return None;
        }
        let only: Option<Algorithm> = match jwk.get("alg") {
            Some(alg) => Some(alg.as_str()?.parse().ok()?),
            None => None,
        };
        let kty = jwk.get("kty")?.as_str()?;
        let parsed: Vec<_> = Algorithm::ALL
            .into_iter()
            .filter(|algorithm| only.is_none_or(|only| only == *algorithm))
            .filter_map(|algorithm| Some((algorithm, parse_for(algorithm, &kty, jwk)?)))
            .collect();
        (!parsed.is_empty()).then_some(Self { kid, parsed })
    }

    /// The key as `algorithm` uses it, if it may.
    pub(super) fn with(&self, algorithm: Algorithm) -> Option<&ParsedPublicKey> {
        self.parsed.iter().find(|(known, _)| *known == algorithm).map(|(_, key)| key)
    }
}

/// A key of type `oct` (RFC 7518 §6.4): whoever knows it can sign.
pub(super) fn is_symmetric(jwk: Value<'_>) -> bool {
    jwk.get("kty").and_then(Value::as_str).as_deref() == Some("oct")
}

/// Members that no published key may have (RFC 7518 §6.2.2, §6.3.2, §6.4).
pub(super) fn is_private(jwk: Value<'_>) -> bool {
    ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|member| jwk.get(member).is_some())
}

/// `use` and `key_ops` (RFC 7517 §4.2, §4.3), where present, have to say so.
fn is_for_verification(jwk: Value<'_>) -> bool {
    let by_use = jwk.get("use").is_none_or(|value| value.as_str().as_deref() == Some("sig"));
    let by_ops = jwk
        .get("key_ops")
        .is_none_or(|ops| ops.elements().any(|op| op.as_str().as_deref() == Some("verify")));
    by_use && by_ops
}

fn parse_for(algorithm: Algorithm, kty: &str, jwk: Value<'_>) -> Option<ParsedPublicKey> {
    let member = |name: &str| decode(&jwk.get(name)?.as_str()?);
    let on_curve = |curve: &str| jwk.get("crv").and_then(Value::as_str).as_deref() == Some(curve);
    match algorithm.scheme() {
        Scheme::Rsa(parameters) if kty == "RSA" => {
            let (n, e) = (weak::positive(member("n")?), weak::positive(member("e")?));
            if weak::is_weak_rsa(&n, &e) {
                return None;
            }
            RsaPublicKeyComponents { n, e }.to_parsed_public_key(parameters).ok()
        }
        Scheme::Ec { curve, width, verify } if kty == "EC" && on_curve(curve) => {
            let (x, y) = (member("x")?, member("y")?);
            if x.len() != width || y.len() != width {
                return None;
            }
            // Parsing checks that the point is on the curve.
            ParsedPublicKey::new(verify, [&[4], x.as_slice(), y.as_slice()].concat()).ok()
        }
        Scheme::Ed25519 if kty == "OKP" && on_curve("Ed25519") => {
            let x = member("x")?;
            if weak::is_small_order(&x) {
                return None;
            }
            ParsedPublicKey::new(&ED25519, x).ok()
        }
        _ => None,
    }
}
