//! A small OpenID provider whose keys are made once per run. Its keys are published where some real providers publish
//! theirs, so that only discovery finds them.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self as sig, EcdsaKeyPair, KeyPair, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The audience of the tests' tokens.
pub(crate) const AUDIENCE: &str = "api://attach-test";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alg {
    Rs256,
    Es256,
}

struct Keys {
    rsa: RsaKeyPair,
    ec: EcdsaKeyPair,
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| Keys {
        rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
        ec: EcdsaKeyPair::generate(&sig::ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
    })
}

/// A running issuer.
#[derive(Clone)]
pub(crate) struct Issuer {
    url: Arc<str>,
    down: Arc<AtomicBool>,
    development: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let issuer = Self {
            url: url.into(),
            down: Arc::default(),
            development: Arc::default(),
            asked: Arc::default(),
        };
        let serving = issuer.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let issuer = serving.clone();
                let service = service_fn(move |request| {
                    let answer = issuer.answer(&request);
                    async move { Ok::<_, Infallible>(answer) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        issuer
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Whether every answer is a 503.
    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// How often it was asked for anything.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Marks the discovery document as `attach-gateway dev` marks its own.
    pub(crate) fn mark_development(&self) {
        self.development.store(true, Ordering::SeqCst);
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let found = match request.uri().path() {
            _ if self.down.load(Ordering::SeqCst) => Err(StatusCode::SERVICE_UNAVAILABLE),
            "/.well-known/openid-configuration" => Ok(self.discovery()),
            "/v1/keys" => Ok(jwks()),
            _ => Err(StatusCode::NOT_FOUND),
        };
        let mut response = Response::new(Full::default());
        response.headers_mut().insert("content-type", "application/json".parse().unwrap());
        match found {
            Ok(json) => *response.body_mut() = Full::from(json.to_string()),
            Err(status) => *response.status_mut() = status,
        }
        response
    }

    fn discovery(&self) -> Value {
        let url = self.url();
        let mut document = json!({
            "issuer": url,
            "jwks_uri": format!("{url}/v1/keys"),
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        });
        if self.development.load(Ordering::SeqCst) {
            document["attach_development_issuer"] = json!(true);
        }
        document
    }

    /// The claims of a good token.
    pub(crate) fn claims(&self, person: &str, groups: &[&str]) -> Value {
        let now = now();
        json!({
            "iss": self.url(),
            "aud": AUDIENCE,
            "sub": person,
            "client_id": "test-client",
            "scope": "llm openid",
            "groups": groups,
            "email": format!("{person}@people.example"),
            "name": format!("{person} Canaryname"),
            "iat": now,
            "nbf": now,
            "exp": now + 600,
            "jti": format!("jti-{person}"),
        })
    }

    /// A good token.
    pub(crate) fn token(&self, person: &str, groups: &[&str]) -> String {
        sign(Alg::Rs256, &self.claims(person, groups))
    }

    /// A token of somebody in whose claims one was changed; `null` removes it.
    pub(crate) fn token_with(&self, claim: &str, value: Value) -> String {
        let mut claims = self.claims("alice", &[]);
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(claim)),
            value => claims[claim] = value,
        }
        sign(Alg::Rs256, &claims)
    }
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// These claims, signed.
pub(crate) fn sign(alg: Alg, claims: &Value) -> String {
    let (name, kid) = match alg {
        Alg::Rs256 => ("RS256", "rsa-1"),
        Alg::Es256 => ("ES256", "ec-1"),
    };
    let header = json!({"alg": name, "kid": kid, "typ": "at+jwt"});
    let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    let random = SystemRandom::new();
    let signature = match alg {
        Alg::Rs256 => {
            let key = &keys().rsa;
            let mut signature = vec![0; key.public_modulus_len()];
            key.sign(&sig::RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).unwrap();
            signature
        }
        Alg::Es256 => keys().ec.sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec(),
    };
    format!("{signed}.{}", b64(signature))
}

/// These claims under `"alg":"none"`.
pub(crate) fn unsigned(claims: &Value) -> String {
    format!("{}.{}.", b64(r#"{"alg":"none","typ":"at+jwt"}"#), b64(claims.to_string()))
}

fn jwks() -> Value {
    // RSAPublicKey (RFC 8017 A.1.1) of a 2048-bit key with the usual exponent.
    let der = keys().rsa.public_key().as_ref();
    // SEC 1 §2.3.3: an uncompressed point is 0x04, x, y.
    let (x, y) = keys().ec.public_key().as_ref()[1..].split_at(32);
    json!({"keys": [
        {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "rsa-1", "n": b64(&der[9..265]), "e": "AQAB"},
        {"kty": "EC", "use": "sig", "alg": "ES256", "kid": "ec-1", "crv": "P-256", "x": b64(x), "y": b64(y)},
    ]})
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
