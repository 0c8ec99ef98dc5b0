//! What verifying a token costs over its signature, and a remembered one over its digest.

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use attach_auth::{IssuerConfig, OidcVerifier, Preset};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};

const ISSUER: &str = "https://issuer.bench.example";
const AUDIENCE: &str = "api://bench";
/// Tokens of a run: each is verified once, so none is remembered.
const TOKENS: usize = 32;
const RUNS: usize = 60;

/// Prints the ratios.
pub(crate) fn print() {
    println!("tokens, {TOKENS} of each kind (best of {RUNS} interleaved runs)");
    for key in [Key::rs256(), Key::es256(), Key::eddsa()] {
        key.measure();
    }
    println!();
}

type Sign = dyn Fn(&[u8]) -> Vec<u8>;

/// A provider's key.
struct Key {
    alg: &'static str,
    jwk: Value,
    sign: Box<Sign>,
    bare: ParsedPublicKey,
}

/// What a program without a library of its own would read.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: u64,
    iat: u64,
    scope: String,
    groups: Vec<String>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
}

impl Key {
    fn rs256() -> Self {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
        let der = key.public_key().as_ref().to_vec();
        let bare = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &der).expect("a key");
        let sign = move |message: &[u8]| {
            let mut signature = vec![0; key.public_modulus_len()];
            key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).expect("signs");
            signature
        };
        // RSAPublicKey (RFC 8017 A.1.1) of a 2048-bit key with the usual exponent.
        let jwk = json!({"kty": "RSA", "n": b64(&der[9..265]), "e": "AQAB"});
        Self { alg: "RS256", jwk, sign: Box::new(sign), bare }
    }

    fn es256() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let point = key.public_key().as_ref().to_vec();
        let bare = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).expect("a key");
        let sign =
            move |message: &[u8]| key.sign(&SystemRandom::new(), message).expect("signs").as_ref().to_vec();
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..])});
        Self { alg: "ES256", jwk, sign: Box::new(sign), bare }
    }

    fn eddsa() -> Self {
        let key = Ed25519KeyPair::generate().expect("a key");
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": b64(key.public_key())});
        let bare = ParsedPublicKey::new(&ED25519, key.public_key()).expect("a key");
        let sign = move |message: &[u8]| key.sign(message).as_ref().to_vec();
        Self { alg: "EdDSA", jwk, sign: Box::new(sign), bare }
    }

    fn tokens(&self) -> Vec<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let header = b64(json!({"alg": self.alg, "kid": "bench", "typ": "at+jwt"}).to_string());
        let token = |n: usize| {
            let claims = json!({
                "iss": ISSUER, "sub": format!("00u1bench{n}"), "aud": AUDIENCE, "iat": now, "nbf": now,
                "exp": now + 3600, "jti": format!("AT.0pcsRSoB6wGm4Rk7EhXgNn{n}"), "client_id": "0oa1bench",
                "scope": "llm openid", "groups": ["Everyone", "eng", "AI-Power-Users"],
            });
            let signed = format!("{header}.{}", b64(claims.to_string()));
            format!("{signed}.{}", b64((self.sign)(signed.as_bytes())))
        };
        (0..TOKENS).map(token).collect()
    }

    fn verifier(&self) -> OidcVerifier {
        let mut jwk = self.jwk.clone();
        (jwk["kid"], jwk["alg"]) = (json!("bench"), json!(self.alg));
        let config = IssuerConfig::new(Preset::Generic, ISSUER, [AUDIENCE.to_owned()]).expect("an issuer");
        let keys = json!({"keys": [jwk]}).to_string();
        OidcVerifier::static_keys(config, keys.as_bytes()).expect("the keys are good")
    }

    fn measure(&self) {
        let tokens = self.tokens();
        let [mut bare, mut fresh, mut digested, mut cached] = [f64::INFINITY; 4];
        for _ in 0..RUNS {
            // One for each run, so that it has seen none of the tokens.
            let verifier = self.verifier();
            bare = bare.min(each(&tokens, |token| self.verify_bare(token)));
            fresh = fresh.min(each(&tokens, |token| verify(&verifier, token)));
            digested = digested.min(each(&tokens, |token| digest(&SHA256, token.as_bytes())));
            cached = cached.min(each(&tokens, |token| verify(&verifier, token)));
        }
        let line = |what: &str, ours: f64, theirs: f64, limit: f64| {
            let verdict = if ours <= limit * theirs { "held" } else { "NOT HELD" };
            let ratio = ours / theirs;
            println!(
                "  {} {what:<46} {ours:>7.0} / {theirs:>6.0} ns = {ratio:.2} <= {limit}: {verdict}",
                self.alg
            );
        };
        line("fresh : bare signature, base64 and claims", fresh, bare, 1.3);
        line("remembered : one SHA-256 of the token", cached, digested, 3.0);
    }

    /// The least there is to do: no rule is checked but the signature.
    fn verify_bare(&self, token: &str) -> u64 {
        let (signed, signature) = token.rsplit_once('.').expect("a token");
        let (header, payload) = signed.split_once('.').expect("a token");
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).expect("base64url");
        let header: Header = serde_json::from_slice(&decode(header)).expect("a header");
        self.bare.verify_sig(signed.as_bytes(), &decode(signature)).expect("a good signature");
        let claims: Claims = serde_json::from_slice(&decode(payload)).expect("claims");
        black_box((
            &header.alg,
            &header.kid,
            &claims.iss,
            &claims.sub,
            &claims.aud,
            &claims.scope,
            &claims.groups,
        ));
        claims.exp - claims.iat
    }
}

fn verify(verifier: &OidcVerifier, token: &str) -> usize {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(verifier.verify(token)).poll(&mut context) {
        Poll::Ready(Ok(identity)) => identity.groups.len(),
        _ => panic!("the token is good, and nothing is fetched"),
    }
}

/// Nanoseconds for one of the tokens.
fn each<T>(tokens: &[String], mut run: impl FnMut(&str) -> T) -> f64 {
    let began = Instant::now();
    for token in tokens {
        black_box(run(black_box(token)));
    }
    began.elapsed().as_secs_f64() * 1e9 / TOKENS as f64
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
