//! A provider made of prepared answers, for what a well-behaved one never says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::http::{Request, Response};
use attach_core::fetch::{Fetch, FetchFuture};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use clap::Parser;
use openidconnect::AuthorizationCode;
use openidconnect::url::{Url, form_urlencoded};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::arguments::Login;
use super::error::LoginError;
use super::provider::Provider;
use super::session::{Grant, now};
use super::transport::Http;
use super::{code, device};

const ISSUER: &str = "https://idp.example";

#[derive(Debug, Clone)]
struct Script(Arc<Inner>);

struct Inner {
    key: EcdsaKeyPair,
    answers: Mutex<VecDeque<(u16, Value)>>,
    forms: Mutex<Vec<String>>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Inner")
    }
}

impl Script {
    fn new() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self(Arc::new(Inner { key, answers: Mutex::default(), forms: Mutex::default() }))
    }

    fn says(self, status: u16, answer: Value) -> Self {
        self.0.answers.lock().unwrap().push_back((status, answer));
        self
    }

    async fn provider(&self) -> Provider {
        Provider::discover(Http::new(self.clone()), options(&[]).registration()).await.unwrap()
    }

    fn metadata() -> Value {
        json!({
            "issuer": ISSUER,
            "authorization_endpoint": format!("{ISSUER}/authorize"),
            "token_endpoint": format!("{ISSUER}/token"),
            "device_authorization_endpoint": format!("{ISSUER}/device"),
            "jwks_uri": format!("{ISSUER}/keys"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        })
    }

    fn keys(&self) -> Value {
        let (x, y) = self.0.key.public_key().as_ref()[1..].split_at(32);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        json!({"keys": [{"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "k", "x": x, "y": y}]})
    }

    fn id_token(&self, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&json!({"alg": "ES256", "kid": "k"})), part(claims));
        let signature = self.0.key.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// A value of the form that was sent last.
    fn sent(&self, name: &str) -> Option<String> {
        let forms = self.0.forms.lock().unwrap();
        let mut form = form_urlencoded::parse(forms.last().unwrap().as_bytes());
        form.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

impl Fetch for Script {
    fn fetch(&self, request: Request<Bytes>) -> FetchFuture {
        let (status, body) = match request.uri().path() {
            "/.well-known/openid-configuration" => (200, Self::metadata()),
            "/keys" => (200, self.keys()),
            _ => {
                self.0.forms.lock().unwrap().push(String::from_utf8(request.body().to_vec()).unwrap());
                self.0.answers.lock().unwrap().pop_front().expect("no more answers")
            }
        };
        let response = Response::builder().status(status).header("content-type", "application/json");
        let response = response.body(Bytes::from(body.to_string())).unwrap();
        Box::pin(async { Ok(response) })
    }
}

fn options(more: &[&str]) -> Login {
    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        login: Login,
    }
    let base = ["program", "--issuer", ISSUER, "--client-id", "cli", "--audience", "api://llm"];
    Program::try_parse_from(base.iter().chain(more)).unwrap().login
}

fn claims() -> Value {
    json!({"iss": ISSUER, "aud": "cli", "sub": "alice", "iat": now(), "exp": now() + 300})
}

fn tokens(id_token: Option<&str>) -> Value {
    json!({"access_token": "at", "token_type": "Bearer", "expires_in": 300, "refresh_token": "rt", "id_token": id_token})
}

/// A login through the browser whose ID token is as `change` makes it.
async fn by_code(change: impl FnOnce(&mut Value)) -> Result<Grant, LoginError> {
    let script = Script::new();
    let provider = script.provider().await;
    let redirect = Url::parse("http://127.0.0.1:1/callback").unwrap();
    let (url, secrets) = code::request(&provider, &options(&[]), &redirect);
    let asked =
        |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let mut claims = claims();
    claims["nonce"] = asked("nonce").unwrap().into();
    change(&mut claims);
    let id_token = (!claims.is_null()).then(|| script.id_token(&claims));
    let script = script.says(200, tokens(id_token.as_deref()));
    let result = code::exchange(&provider, AuthorizationCode::new("c".into()), secrets, redirect).await;
    let verifier = script.sent("code_verifier").unwrap();
    assert_eq!(URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)), asked("code_challenge").unwrap());
    assert_eq!(asked("audience").as_deref(), Some("api://llm"));
    result
}

#[tokio::test]
async fn an_id_token_has_to_be_for_this_login_at_this_client_of_this_provider() {
    let grant = by_code(|_| {}).await.unwrap();
    let provider = Script::new().provider().await;
    let session = grant.into_session(&provider).unwrap();
    assert_eq!((session.token.as_str(), session.subject.as_deref()), ("at", Some("alice")));
    for (name, value) in [
        ("nonce", json!("another")),
        ("nonce", Value::Null),
        ("aud", json!("another")),
        ("aud", json!(["cli", "another"])),
        ("iss", json!("https://other.example")),
        ("exp", json!(now() - 10)),
        ("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")),
    ] {
        let error = by_code(|claims| claims[name] = value.clone()).await.unwrap_err().to_string();
        assert!(error.contains("ID token is not good"), "{name} {value}: {error}");
    }
    let missing = by_code(|claims| *claims = Value::Null).await.unwrap_err().to_string();
    assert!(missing.contains("gave no ID token"), "{missing}");
}

#[tokio::test]
async fn nobody_signs_for_the_provider() {
    let (script, stranger) = (Script::new(), Script::new());
    let provider = script.provider().await;
    let forged = stranger.id_token(&claims());
    let unsigned =
        format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), forged.split('.').nth(1).unwrap());
    for token in [forged, unsigned] {
        let _asked = script.clone().says(200, code_for_device()).says(200, tokens(Some(&token)));
        let error = device::run(&provider, &options(&[]), async |_| {}).await.unwrap_err().to_string();
        assert!(error.contains("ID token is not good"), "{token}: {error}");
    }
}

fn code_for_device() -> Value {
    json!({"device_code": "dc", "user_code": "UC", "verification_uri": "https://idp.example/device", "expires_in": 600, "interval": 5})
}

/// What came of a login by device code, and how long it waited in between, in seconds.
async fn by_device(answers: &[(u16, Value)]) -> (Result<Grant, LoginError>, Vec<u64>) {
    let script =
        answers.iter().fold(Script::new().says(200, code_for_device()), |script, (status, answer)| {
            script.says(*status, answer.clone())
        });
    let waits = Mutex::new(Vec::new());
    let sleep = async |time: Duration| waits.lock().unwrap().push(time.as_secs());
    let result = device::run(&script.provider().await, &options(&[]), sleep).await;
    (result, waits.into_inner().unwrap())
}

#[tokio::test]
async fn a_provider_that_is_asked_too_often_is_asked_less_often() {
    let error = |name: &str| (400, json!({"error": name}));
    let answers =
        [error("authorization_pending"), error("slow_down"), error("slow_down"), (200, tokens(None))];
    let (result, waits) = by_device(&answers).await;
    assert!(result.is_ok());
    assert_eq!(waits, [5, 10, 15]);
}

#[tokio::test]
async fn a_device_code_that_comes_to_nothing_says_why() {
    for (name, sentence) in [
        ("access_denied", "the login was declined"),
        ("expired_token", "the code has expired before anybody used it"),
        ("invalid_client", "the provider refused: invalid_client"),
    ] {
        let answers = [(400, json!({"error": "authorization_pending"})), (400, json!({"error": name}))];
        let error = by_device(&answers).await.0.unwrap_err().to_string();
        assert!(error.contains(sentence), "{error}");
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_not_shown() {
    let answers = [(200, json!({"access_token": "top-secret", "expires_in": "never"}))];
    let error = by_device(&answers).await.0.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("top-secret"), "{error:?}");
}

#[tokio::test]
async fn an_id_token_takes_the_place_of_the_access_token_only_where_it_was_asked_for() {
    let script = Script::new();
    let registration = options(&["--id-token"]).registration();
    let provider = Provider::discover(Http::new(script.clone()), registration).await.unwrap();
    let token = script.id_token(&claims());
    let script = script.says(200, code_for_device()).says(200, tokens(Some(&token)));
    let grant = device::run(&provider, &options(&[]), async |_| {}).await.unwrap();
    assert_eq!(script.sent("audience").as_deref(), Some("api://llm"));
    let session = grant.into_session(&provider).unwrap();
    assert_eq!(session.token, token);
    assert!(!format!("{session:?}").contains(&token));
}
