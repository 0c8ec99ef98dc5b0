//! Opaque tokens: what the provider is asked, what is made of its answers, and how little a stranger can have it asked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use attach_auth::oidc::Introspection;
use attach_auth::{IssuerConfig, OidcVerifier, Preset};
use attach_core::client::Client;
use attach_core::{Fetch, Identity, Peer};
use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::support::{
    AUDIENCE, Log, NOW, Page, RealProvider, Signer, TestClock, TestFetch, ask, claims_with, config_of, get,
};

const PATH: &str = "/introspect";
const OPAQUE: &str = "mF_9.B5f-4_1JqM";

struct World {
    provider: RealProvider,
    clock: TestClock,
    verifier: OidcVerifier,
}

/// An active answer about Alice.
fn answer() -> Value {
    json!({
        "active": true, "token_type": "Bearer", "aud": AUDIENCE, "sub": "alice", "client_id": "web",
        "scope": "llm openid", "exp": NOW + 600, "iat": NOW, "groups": ["eng"], "username": "alice@corp.example"
    })
}

fn answer_with(changes: Value) -> Page {
    let mut answer = answer();
    for (name, value) in changes.as_object().expect("an object") {
        if value.is_null() {
            answer.as_object_mut().expect("an object").remove(name);
        } else {
            answer[name] = value.clone();
        }
    }
    Page::Json(answer.to_string())
}

fn client() -> Introspection {
    Introspection::new("gate way", "s/ecret:+")
}

impl World {
    async fn start() -> Self {
        Self::with(IssuerConfig::introspection).await
    }

    async fn with(change: impl FnOnce(IssuerConfig, Introspection) -> IssuerConfig) -> Self {
        let provider = RealProvider::start().await;
        provider.set(PATH, Page::Json(answer().to_string()));
        let config =
            config_of(Preset::Generic, provider.url()).jwks_uri(&provider.at("/keys")).expect("a URL");
        let config = change(config, client().endpoint(&provider.at(PATH)).expect("a URL"));
        let clock = TestClock::default();
        let verifier =
            OidcVerifier::with_clock(vec![config], fetch(), Arc::new(clock.clone())).expect("a verifier");
        Self { provider, clock, verifier }
    }

    async fn outcome(&self, token: &str) -> (u16, String) {
        outcome(self.verifier.verify(token).await)
    }

    fn count(&self) -> usize {
        self.provider.asked(PATH).len()
    }
}

fn fetch() -> Arc<dyn Fetch> {
    Arc::new(Client::new().expect("TLS"))
}

fn outcome(result: Result<Arc<Identity>, attach_auth::Denial>) -> (u16, String) {
    match result {
        Ok(_) => (200, "ok".to_owned()),
        Err(denial) => (denial.status().as_u16(), denial.reason().to_owned()),
    }
}

fn good() -> (u16, String) {
    (200, "ok".to_owned())
}

fn down() -> (u16, String) {
    (503, "idp_unavailable".to_owned())
}

#[tokio::test]
async fn a_provider_is_asked_as_rfc_7662_has_it_and_its_answer_is_the_caller() {
    let world = World::start().await;
    let identity = world.verifier.verify(OPAQUE).await.expect("is good");
    assert_eq!((&*identity.id, identity.client_id.as_deref()), ("alice", Some("web")));
    assert!(identity.is_member("eng") && identity.scopes.contains("llm"));
    assert_eq!(identity.user_name.as_deref(), Some("alice@corp.example"));
    let asked = world.provider.asked(PATH);
    let [asked] = asked.as_slice() else { panic!("one question: {asked:?}") };
    // gate+way : s%2Fecret%3A%2B
    assert_eq!(asked.authorization, "Basic Z2F0ZSt3YXk6cyUyRmVjcmV0JTNBJTJC");
    assert_eq!(asked.accept, "application/json");
    assert_eq!(asked.body, format!("token={OPAQUE}&token_type_hint=access_token"));
}

#[tokio::test]
async fn an_answer_is_believed_for_half_a_minute_and_no_longer_than_the_token() {
    let world = World::start().await;
    assert_eq!(world.outcome(OPAQUE).await, good());
    world.provider.set(PATH, Page::Json(json!({"active": false}).to_string()));
    world.clock.advance(Duration::from_secs(29));
    assert_eq!(world.outcome(OPAQUE).await, good());
    assert_eq!(world.count(), 1);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.outcome(OPAQUE).await, (401, "inactive".to_owned()));
    world.provider.set(PATH, answer_with(json!({"exp": NOW + 35})));
    assert_eq!(world.outcome("another").await, good());
    world.clock.advance(Duration::from_secs(5));
    world.provider.set_down(true);
    assert_eq!(world.outcome("another").await, down(), "kept until its exp, and not asked beyond");
}

#[tokio::test]
async fn an_inactive_token_is_a_401_and_is_not_asked_about_again_at_once() {
    let world = World::start().await;
    world.provider.set(PATH, Page::Json(json!({"active": false}).to_string()));
    let answer = get(world.verifier.clone(), OPAQUE).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "token_inactive"));
    assert!(answer.challenge().contains("error=\"invalid_token\""), "{}", answer.challenge());
    for _ in 0..5 {
        assert_eq!(world.outcome(OPAQUE).await, (401, "inactive".to_owned()));
    }
    assert_eq!(world.count(), 1);
    world.clock.advance(Duration::from_secs(10));
    world.provider.set(PATH, Page::Json(self::answer().to_string()));
    assert_eq!(world.outcome(OPAQUE).await, good());
}

#[tokio::test]
async fn no_answer_is_a_503_and_never_a_401() {
    let pages = [
        Page::Status(500),
        Page::Status(401),
        Page::Status(204),
        Page::To("http://169.254.169.254/".to_owned()),
        Page::Html,
        Page::Truncated,
        Page::Huge(2),
        Page::Json("[]".to_owned()),
        Page::Json("{}".to_owned()),
        Page::Json(r#"{"active":"true","sub":"alice"}"#.to_owned()),
        Page::Json(r#"{"active":1}"#.to_owned()),
        Page::Json(r#"{"active":null}"#.to_owned()),
        Page::Json(r#"{"active":false,"active":true}"#.to_owned()),
        Page::Json(r#"{"active":true"#.to_owned()),
    ];
    let world = World::start().await;
    for (n, page) in pages.into_iter().enumerate() {
        world.provider.set(PATH, page.clone());
        let answer = get(world.verifier.clone(), &format!("token-{n}")).await;
        assert_eq!((answer.status, answer.challenge()), (503, ""), "{page:?}");
        assert!(answer.headers.contains_key("retry-after"), "{page:?}");
        assert_eq!(world.outcome(&format!("token-{n}")).await, down(), "{page:?}");
    }
    world.provider.set_down(true);
    assert_eq!(world.outcome("late").await, down());
    assert!(world.verifier.status()[0].problem.as_deref().is_some_and(|why| why.contains("introspection")));
    world.provider.set_down(false);
    world.provider.set(PATH, Page::Json(answer().to_string()));
    assert_eq!(world.outcome("late").await, good());
    assert!(world.verifier.status()[0].problem.is_none());
}

#[tokio::test]
async fn an_outage_is_logged_once_at_each_end() {
    let world = World::start().await;
    let log = Log::start();
    world.provider.set(PATH, Page::Status(500));
    for n in 0..3 {
        world.outcome(&format!("t{n}")).await;
    }
    world.provider.set(PATH, Page::Json(answer().to_string()));
    world.outcome("t").await;
    assert_eq!(log.lines_with("cannot be asked about").len(), 1);
    assert_eq!(log.lines_with("asked about again").len(), 1);
    assert!(log.lines_with(OPAQUE).is_empty() && log.lines_with("ecret").is_empty());
}

#[tokio::test]
async fn what_is_answered_is_held_to_the_rules_for_claims() {
    let cases = [
        (json!({"iss": "https://evil.test"}), 401, "iss"),
        (json!({"iss": 5}), 401, "iss"),
        (json!({"aud": "api://other"}), 401, "aud"),
        (json!({"aud": null}), 401, "aud"),
        (json!({"aud": [AUDIENCE, 5]}), 401, "aud"),
        (json!({"exp": NOW - 61}), 401, "expired"),
        (json!({"exp": "soon"}), 401, "exp_type"),
        (json!({"exp": NOW + 90_000}), 401, "lifetime"),
        (json!({"nbf": NOW + 90}), 401, "nbf"),
        (json!({"iat": NOW + 90}), 401, "iat_future"),
        (json!({"exp": null, "iat": NOW - 86_500}), 401, "lifetime"),
        (json!({"cnf": {"jkt": "x"}}), 401, "dpop_required"),
        (json!({"cnf": {"x5t#S256": "x"}}), 401, "cnf_mismatch"),
        (json!({"cnf": {}}), 401, "cnf_unsupported"),
        (json!({"token_type": "DPoP"}), 401, "token_type"),
        (json!({"token_type": null}), 401, "token_type"),
        (json!({"token_use": "refresh_token"}), 401, "token_type"),
        (json!({"typ": "Refresh"}), 401, "not_access_token"),
        (json!({"sub": ""}), 401, "sub"),
        (json!({"scope": "openid"}), 403, "scope"),
        (json!({"client_id": "other"}), 403, "client"),
        (json!({"groups": ["sales"]}), 403, "group"),
    ];
    let world = World::with(|config, introspection| {
        config
            .introspection(introspection)
            .required_scopes(["llm"])
            .client_ids(["web"])
            .allowed_groups(["eng"])
    })
    .await;
    for (n, (changes, status, reason)) in cases.into_iter().enumerate() {
        world.provider.set(PATH, answer_with(changes.clone()));
        assert_eq!(world.outcome(&format!("t{n}")).await, (status, reason.to_owned()), "{changes}");
    }
    for (n, changes) in [
        json!({"iss": world.provider.url()}),
        json!({"aud": ["x", AUDIENCE]}),
        json!({"token_type": "bearer"}),
        json!({"token_type": null, "token_use": "access_token"}),
    ]
    .into_iter()
    .enumerate()
    {
        world.provider.set(PATH, answer_with(changes.clone()));
        assert_eq!(world.outcome(&format!("good{n}")).await, good(), "{changes}");
    }
}

#[tokio::test]
async fn what_a_provider_leaves_out_is_accepted_only_where_that_was_said() {
    let world = World::with(|config, introspection| {
        config.introspection(introspection.accept_missing_audience(true).accept_missing_type(true))
    })
    .await;
    world.provider.set(PATH, answer_with(json!({"aud": null, "token_type": null})));
    assert_eq!(world.outcome("a").await, good());
    world.provider.set(PATH, answer_with(json!({"aud": "api://other"})));
    assert_eq!(world.outcome("b").await, (401, "aud".to_owned()));
    world.provider.set(PATH, answer_with(json!({"token_type": "refresh_token"})));
    assert_eq!(world.outcome("c").await, (401, "token_type".to_owned()));
    let warnings = world.verifier.warnings().join("\n");
    assert!(warnings.contains("refresh tokens"), "{warnings}");
}

#[tokio::test]
async fn a_token_without_an_end_is_good_from_answer_to_answer() {
    let world = World::start().await;
    world.provider.set(PATH, answer_with(json!({"exp": null, "iat": null})));
    let identity = world.verifier.verify(OPAQUE).await.expect("is good");
    let end = identity.expires_at.expect("an end").duration_since(std::time::UNIX_EPOCH).expect("later");
    assert_eq!(end.as_secs(), NOW + 30);
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(world.outcome(OPAQUE).await, good());
    assert_eq!(world.count(), 2);
}

#[tokio::test]
async fn what_no_provider_issued_is_not_asked_about() {
    let world = World::start().await;
    for token in ["", "a b", "a\"b", &"a".repeat(17_000)] {
        assert_eq!(world.outcome(token).await.0, 401, "{token:.20}");
    }
    // Three parts are a JWT, and say whose they are.
    assert_eq!(world.outcome("a.b.c").await.0, 401);
    let foreign = Signer::es256("k").token(&claims_with(json!({"iss": "https://foreign.test"})));
    assert_eq!(world.outcome(&foreign).await, (401, "iss".to_owned()));
    assert_eq!(world.count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_show_the_same_token_are_one_question() {
    let world = World::start().await;
    let tasks: Vec<_> = (0..500)
        .map(|_| {
            let verifier = world.verifier.clone();
            tokio::spawn(async move { outcome(verifier.verify(OPAQUE).await) })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.expect("no panic"), good());
    }
    assert_eq!(world.count(), 1);
}

fn peer(address: &str) -> Peer {
    Peer::new(SocketAddr::new(address.parse().expect("an address"), 4242))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn junk_of_one_address_is_soon_not_asked_about_and_starves_nobody_else() {
    let world = World::start().await;
    let (attacker, user) = (peer("192.0.2.1"), peer("198.51.100.7"));
    world.provider.set(PATH, Page::Json(json!({"active": false}).to_string()));
    let mut statuses = Vec::new();
    for n in 0..200 {
        let (status, reason) =
            outcome(world.verifier.verify_from(&format!("junk{n}"), Some(&attacker)).await);
        assert!(
            matches!((status, &*reason), (401, "inactive") | (503, "introspection_throttled")),
            "{reason}"
        );
        statuses.push(status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 30);
    assert_eq!(world.count(), 30);
    world.provider.set(PATH, Page::Json(answer().to_string()));
    assert_eq!(outcome(world.verifier.verify_from("good", Some(&user)).await), good());
    assert_eq!(outcome(world.verifier.verify_from("good", Some(&attacker)).await), good(), "known is known");
    assert_eq!(outcome(world.verifier.verify_from("good2", Some(&attacker)).await).0, 503);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(outcome(world.verifier.verify_from("good2", Some(&attacker)).await), good());
    for n in 0..50 {
        let token = format!("many{n}");
        assert_eq!(
            outcome(world.verifier.verify_from(&token, Some(&attacker)).await),
            good(),
            "good is free"
        );
    }
}

#[tokio::test]
async fn the_address_is_that_of_the_request() {
    let world = World::start().await;
    world.provider.set(PATH, Page::Json(json!({"active": false}).to_string()));
    let send = async |token: String, from: &str| {
        let mut request = Request::get("/v1/models").header("authorization", format!("Bearer {token}"));
        request.extensions_mut().expect("a request").insert(peer(from));
        ask(world.verifier.clone(), request.body(Body::empty()).expect("a request")).await
    };
    let mut last = None;
    for n in 0..31 {
        last = Some(send(format!("junk{n}"), "192.0.2.1").await);
    }
    let last = last.expect("an answer");
    assert_eq!((last.status, last.challenge(), last.headers["retry-after"].as_bytes()), (503, "", &b"1"[..]));
    assert_eq!(send("other".to_owned(), "192.0.2.2").await.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_provider_is_asked_a_bounded_number_of_questions_at_once() {
    let world = World::start().await;
    world.provider.set(PATH, Page::Trickle);
    let attacker = peer("192.0.2.1");
    let tasks: Vec<_> = (0..300)
        .map(|n| {
            let (verifier, attacker) = (world.verifier.clone(), attacker.clone());
            tokio::spawn(
                async move { outcome(verifier.verify_from(&format!("t{n}"), Some(&attacker)).await) },
            )
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(world.count() <= 16, "{}", world.count());
    world.provider.set(PATH, Page::Json(answer().to_string()));
    assert_eq!(outcome(world.verifier.verify_from("user", Some(&peer("192.0.2.2"))).await), good());
    for task in tasks {
        task.abort();
    }
}

#[cfg(feature = "discovery")]
#[tokio::test]
async fn the_endpoint_is_where_the_discovery_document_says_but_never_inside() {
    let signer = Signer::es256("k");
    for (endpoint, status) in [(PATH, 200), ("http://169.254.169.254/introspect", 503), ("", 503)] {
        let provider = RealProvider::start().await;
        let mut document = json!({
            "issuer": provider.url(),
            "authorization_endpoint": provider.at("/authorize"),
            "jwks_uri": provider.at("/keys"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        });
        match endpoint {
            "" => {}
            PATH => document["introspection_endpoint"] = json!(provider.at(PATH)),
            inside => document["introspection_endpoint"] = json!(inside),
        }
        provider.set("/.well-known/openid-configuration", Page::Json(document.to_string()));
        provider.set("/keys", Page::Json(Signer::set(&[&signer])));
        provider.set(PATH, Page::Json(answer().to_string()));
        let config = config_of(Preset::Generic, provider.url()).introspection(client());
        let clock = Arc::new(TestClock::default());
        let verifier = OidcVerifier::with_clock(vec![config], fetch(), clock).expect("a verifier");
        verifier.refresh().await;
        assert_eq!(outcome(verifier.verify(OPAQUE).await).0, status, "{endpoint}");
        let problem = verifier.status()[0].problem.clone();
        assert_eq!(problem.is_none(), status == 200, "{problem:?}");
        let before = provider.asked("/.well-known/openid-configuration").len();
        for n in 0..20 {
            verifier.verify(&format!("t{n}")).await.err();
        }
        assert_eq!(provider.asked("/.well-known/openid-configuration").len(), before, "not looked for again");
    }
}

#[test]
fn one_issuer_at_most_is_shown_opaque_tokens() {
    let of = |issuer: &str| config_of(Preset::Generic, issuer).introspection(client());
    let new = |configs| OidcVerifier::new(configs, Arc::new(TestFetch::default()));
    let error = new(vec![of("https://a.test"), of("https://b.test")]).expect_err("is refused").to_string();
    assert!(error.contains("https://a.test") && error.contains("https://b.test"), "{error}");
    let okta = |introspect: bool, id_tokens: bool| {
        let config = config_of(Preset::Okta, "https://acme.okta.com").accept_id_tokens(id_tokens);
        if introspect { config.introspection(client()) } else { config }
    };
    assert!(new(vec![of("https://a.test"), okta(true, false)]).is_ok(), "Okta's tokens say whose they are");
    assert!(new(vec![okta(false, true)]).is_ok());
    let error = new(vec![okta(false, false)]).expect_err("is refused").to_string();
    assert!(error.contains("introspection"), "{error}");
    assert!(new(vec![okta(true, true)]).is_err_and(|error| error.to_string().contains("not both")));
}

/// The message as Okta documents it (`POST /oauth2/v1/introspect`).
#[tokio::test]
async fn an_okta_organisations_jwts_are_shown_to_okta() {
    let provider = RealProvider::start().await;
    let okta = "https://acme.okta.com";
    provider.set(
        PATH,
        Page::Json(
            json!({
                "active": true, "token_type": "Bearer", "scope": "openid profile", "client_id": "0oa1",
                "username": "alice@acme.example", "exp": NOW + 3600, "iat": NOW, "sub": "alice@acme.example",
                "aud": okta, "iss": okta, "jti": "AT.1", "uid": "00u1"
            })
            .to_string(),
        ),
    );
    let config = IssuerConfig::new(Preset::Okta, okta, [okta.to_owned()]).expect("a configuration");
    let config = config.introspection(client().endpoint(&provider.at(PATH)).expect("a URL"));
    let clock = Arc::new(TestClock::default());
    let verifier = OidcVerifier::with_clock(vec![config], fetch(), clock).expect("a verifier");
    verifier.refresh().await;
    assert!(verifier.status()[0].ready, "needs no keys");
    let signer = Signer::rsa("k", "RS256");
    let header = json!({"alg": "RS256", "kid": "k", "typ": "application/okta-internal-at+jwt"});
    let token = signer.token_with(&header, &json!({"iss": okta, "aud": okta, "uid": "00u1"}));
    let identity = verifier.verify(&token).await.expect("is good");
    assert_eq!((&*identity.id, &*identity.issuer), ("00u1", okta));
    assert_eq!(provider.asked(PATH).len(), 1);
    assert_eq!(outcome(verifier.verify(OPAQUE).await).0, 401, "Okta issues no such token");
}

#[tokio::test]
async fn jwts_are_verified_here_unless_every_token_is_to_be_asked_about() {
    for every in [false, true] {
        let signer = Signer::es256("k");
        let world =
            World::with(|config, introspection| config.introspection(introspection.every_token(every))).await;
        world.provider.set("/keys", Page::Json(Signer::set(&[&signer])));
        let token = signer.token(&claims_with(json!({"iss": world.provider.url()})));
        assert_eq!(world.outcome(&token).await, good());
        assert_eq!((world.count(), world.provider.asked("/keys").len()), if every { (1, 0) } else { (0, 1) });
    }
}
