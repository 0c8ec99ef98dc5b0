use std::sync::{Arc, OnceLock};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self as sig, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaEncoding, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A provider's signing key.
#[derive(Clone)]
pub(crate) struct Signer {
    pub(crate) kid: String,
    pub(crate) alg: &'static str,
    key: Arc<Key>,
}

enum Key {
    Rsa(Arc<RsaKeyPair>),
    Ec(EcdsaKeyPair, &'static str),
    Ed(Ed25519KeyPair),
}

impl Signer {
    /// RSA keys are slow to make: one for all tests.
    pub(crate) fn rsa(kid: &str, alg: &'static str) -> Self {
        static KEY: OnceLock<Arc<RsaKeyPair>> = OnceLock::new();
        let key = KEY.get_or_init(|| Arc::new(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key")));
        Self::new(kid, alg, Key::Rsa(Arc::clone(key)))
    }

    pub(crate) fn es256(kid: &str) -> Self {
        Self::ec(kid, "ES256", &sig::ECDSA_P256_SHA256_FIXED_SIGNING, "P-256")
    }

    pub(crate) fn es384(kid: &str) -> Self {
        Self::ec(kid, "ES384", &sig::ECDSA_P384_SHA384_FIXED_SIGNING, "P-384")
    }

    pub(crate) fn es512(kid: &str) -> Self {
        Self::ec(kid, "ES512", &sig::ECDSA_P521_SHA512_FIXED_SIGNING, "P-521")
    }

    pub(crate) fn ed25519(kid: &str) -> Self {
        Self::new(kid, "EdDSA", Key::Ed(Ed25519KeyPair::generate().expect("a key")))
    }

    fn ec(kid: &str, alg: &'static str, curve: &'static EcdsaSigningAlgorithm, crv: &'static str) -> Self {
        Self::new(kid, alg, Key::Ec(EcdsaKeyPair::generate(curve).expect("a key"), crv))
    }

    fn new(kid: &str, alg: &'static str, key: Key) -> Self {
        Self { kid: kid.to_owned(), alg, key: Arc::new(key) }
    }

    /// The same key, signing as another algorithm.
    pub(crate) fn as_alg(&self, alg: &'static str) -> Self {
        Self { alg, ..self.clone() }
    }

    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = match &*self.key {
            Key::Rsa(key) => {
                // RSAPublicKey (RFC 8017 A.1.1) of a 2048-bit key with the usual exponent.
                let der = key.public_key().as_ref();
                json!({"kty": "RSA", "n": b64(&der[9..265]), "e": "AQAB"})
            }
            Key::Ec(key, crv) => {
                let point = &key.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({"kty": "EC", "crv": crv, "x": b64(x), "y": b64(y)})
            }
            Key::Ed(key) => json!({"kty": "OKP", "crv": "Ed25519", "x": b64(key.public_key())}),
        };
        jwk["kid"] = json!(self.kid);
        jwk["alg"] = json!(self.alg);
        jwk["use"] = json!("sig");
        jwk
    }

    pub(crate) fn set(signers: &[&Self]) -> String {
        json!({"keys": signers.iter().map(|signer| signer.jwk()).collect::<Vec<_>>()}).to_string()
    }

    pub(crate) fn token(&self, claims: &Value) -> String {
        self.token_with(&json!({"alg": self.alg, "kid": self.kid, "typ": "at+jwt"}), claims)
    }

    pub(crate) fn token_with(&self, header: &Value, claims: &Value) -> String {
        self.raw(header.to_string(), claims.to_string())
    }

    /// A good signature over whatever bytes.
    pub(crate) fn raw(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let signed = format!("{}.{}", b64(header), b64(payload));
        let signature = b64(self.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &*self.key {
            Key::Rsa(key) => {
                let encoding: &'static dyn RsaEncoding = match self.alg {
                    "RS384" => &sig::RSA_PKCS1_SHA384,
                    "RS512" => &sig::RSA_PKCS1_SHA512,
                    "PS256" => &sig::RSA_PSS_SHA256,
                    "PS384" => &sig::RSA_PSS_SHA384,
                    "PS512" => &sig::RSA_PSS_SHA512,
                    _ => &sig::RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(encoding, &random, message, &mut signature).expect("signs");
                signature
            }
            Key::Ec(key, _) => key.sign(&random, message).expect("signs").as_ref().to_vec(),
            Key::Ed(key) => key.sign(message).as_ref().to_vec(),
        }
    }
}
