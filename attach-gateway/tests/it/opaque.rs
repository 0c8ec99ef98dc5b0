//! Opaque tokens and the life of keys, with a certified OpenID provider. Skipped, with a line, where it is not
//! installed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::tools::Idp;
use crate::support::{CHATS, Call, Gateway, Launch, Response, TempDir, Upstream, eventually, question};

const AUDIENCE: &str = "urn:llm-gateway";
const OPAQUE: &str = "urn:llm-gateway:opaque";

/// How long an answer about a token is believed, and a moment for a busy machine.
const HELD: Duration = Duration::from_secs(30 + 5);

struct World {
    idp: Idp,
    upstream: Upstream,
    gateway: Gateway,
}

impl World {
    async fn start() -> Option<Self> {
        let idp = Idp::start().await?;
        let upstream = Upstream::model().await;
        let gateway = launch(&idp, &upstream).start().await;
        Some(Self { idp, upstream, gateway })
    }

    async fn ask(&self, token: &str) -> Response {
        ask(&self.gateway, token).await
    }
}

fn launch(idp: &Idp, upstream: &Upstream) -> Launch {
    Launch::bare()
        .arguments(&["--port", "0"])
        .set("OIDC_ISSUER", &idp.url())
        .set("OIDC_AUD", AUDIENCE)
        .set("OIDC_REQUIRED_SCOPES", "llm.chat")
        .set("OIDC_INTROSPECTION_CLIENT_ID", "gateway")
        .set("OIDC_INTROSPECTION_CLIENT_SECRET", "gateway-secret")
        .set("ENGINE_URL", &upstream.url())
        .set("ENGINE_KIND", "openai,anthropic,ollama")
}

async fn ask(gateway: &Gateway, token: &str) -> Response {
    gateway.post(CHATS[0]).bearer(token).json(&question(CHATS[0], "gpt-4o", "hello")).send().await
}

/// What is asked until it has this status; how long that took.
async fn until(world: &World, token: &str, status: u16) -> (Response, Duration) {
    let began = Instant::now();
    loop {
        let answer = world.ask(token).await;
        if answer.status == status {
            return (answer, began.elapsed());
        }
        assert!(began.elapsed() < HELD, "still {}: {}", answer.status, answer.text());
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

#[tokio::test]
async fn an_opaque_token_is_its_owner_once_the_provider_has_said_so() {
    let Some(world) = World::start().await else { return };
    let machine = world.idp.machine("svc-a", OPAQUE).await;
    assert!(!machine.contains('.'), "{machine}");
    let answer = world.ask(&machine).await.expect(200);
    assert_eq!(answer.header("x-attach-user"), Some("svc-a"));
    let actor = world.gateway.trail(&answer.id()).outcome()["actor"].clone();
    assert_eq!((actor["sub"].as_str(), actor["kind"].as_str()), (Some("svc-a"), Some("service")));
    assert_eq!(actor["iss"].as_str(), Some(world.idp.url().as_str()));

    let tokens = world.idp.tokens("alice", OPAQUE).await;
    let of = |name: &str| tokens[name].as_str().unwrap_or_else(|| panic!("{name}: {tokens}")).to_owned();
    let answer = world.ask(&of("access_token")).await.expect(200);
    assert_eq!(answer.header("x-attach-user"), Some("alice"));
    assert_eq!(world.upstream.last().header("x-attach-groups"), Some("admins,eng"));
    let actor = world.gateway.trail(&answer.id()).outcome()["actor"].clone();
    assert_eq!(actor["kind"].as_str(), Some("user"));

    let sent = world.upstream.seen().len();
    let answer = world.ask("junk").await.expect(401);
    assert_eq!(world.gateway.trail(&answer.id()).reject()["decision"]["reason"], "token_inactive");
    // The provider says `active` of a refresh token as well.
    let refusals = [
        (of("refresh_token"), ["wrong_audience", "not_an_access_token"]),
        (of("id_token"), ["wrong_audience", "not_an_access_token"]),
        (world.idp.machine("svc-a", "urn:other-api:opaque").await, ["wrong_audience"; 2]),
        ("mF_9.B5f-4".to_owned(), ["token_inactive"; 2]),
    ];
    for (token, codes) in refusals {
        let answer = world.ask(&token).await.expect(401);
        assert!(codes.contains(&answer.code().as_str()), "{}", answer.text());
        assert!(answer.header("www-authenticate").is_some_and(|value| value.contains("invalid_token")));
    }
    assert_eq!(world.upstream.seen().len(), sent);
}

#[tokio::test]
async fn a_token_that_was_revoked_at_the_provider_is_refused_within_half_a_minute() {
    let Some(world) = World::start().await else { return };
    let token = world.idp.machine("svc-a", OPAQUE).await;
    world.ask(&token).await.expect(200);
    world.idp.revoke("svc-a", &token).await;
    let (answer, took) = until(&world, &token, 401).await;
    assert_eq!(answer.code(), "token_inactive");
    eprintln!("refused {took:?} after its revocation");
    // One that nobody has shown before is refused at once.
    let fresh = world.idp.machine("svc-a", OPAQUE).await;
    world.idp.revoke("svc-a", &fresh).await;
    assert_eq!(world.ask(&fresh).await.expect(401).code(), "token_inactive");
}

#[tokio::test]
async fn while_the_provider_is_down_known_tokens_go_on_for_a_moment_and_others_wait() {
    let Some(mut world) = World::start().await else { return };
    let (known, unknown) =
        (world.idp.machine("svc-a", OPAQUE).await, world.idp.machine("svc-b", OPAQUE).await);
    let signed = world.idp.machine("svc-a", AUDIENCE).await;
    world.ask(&known).await.expect(200);
    world.idp.stop().await;
    world.ask(&known).await.expect(200);
    let answer = world.ask(&unknown).await.expect(503);
    assert_eq!(answer.code(), "identity_provider_unavailable");
    assert!(answer.header("retry-after").is_some() && answer.header("www-authenticate").is_none());
    until(&world, &known, 503).await;
    world.ask(&signed).await.expect(200);
}

#[tokio::test]
async fn tokens_of_a_certified_provider_are_verified_with_every_algorithm_it_signs_by() {
    let Some(world) = World::start().await else { return };
    for (resource, alg) in
        [(AUDIENCE, "RS256"), ("urn:llm-gateway:es256", "ES256"), ("urn:llm-gateway:eddsa", "EdDSA")]
    {
        let token = world.idp.machine("svc-a", resource).await;
        let header = crate::real::header(&token);
        assert!(header.contains(&format!("\"{alg}\"")), "{header}");
        world.ask(&token).await.expect(200);
    }
    let narrow = launch(&world.idp, &world.upstream).set("OIDC_ALGORITHMS", "ES256, EdDSA").start().await;
    let rsa = world.idp.machine("svc-a", AUDIENCE).await;
    assert_eq!(ask(&narrow, &rsa).await.expect(401).code(), "algorithm_not_allowed");
    ask(&narrow, &world.idp.machine("svc-a", "urn:llm-gateway:es256").await).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_rotated_under_running_requests_and_nobody_is_refused() {
    let Some(mut world) = World::start().await else { return };
    let old = world.idp.machine("svc-a", AUDIENCE).await;
    let (addr, running) = (world.gateway.addr, Arc::new(AtomicBool::new(true)));
    let load: Vec<_> = (0..4)
        .map(|_| {
            let (old, running) = (old.clone(), Arc::clone(&running));
            tokio::spawn(async move {
                let mut statuses = Vec::new();
                while running.load(Ordering::SeqCst) {
                    let call = Call::new(addr, "POST", CHATS[0]).bearer(&old);
                    statuses.push(call.json(&question(CHATS[0], "gpt-4o", "hello")).send().await.status);
                }
                statuses
            })
        })
        .collect();
    world.idp.rotate().await;
    let new = world.idp.machine("svc-a", AUDIENCE).await;
    assert_ne!(crate::real::header(&old), crate::real::header(&new), "another key");
    world.ask(&new).await.expect(200);
    world.ask(&world.idp.machine("svc-b", "urn:llm-gateway:eddsa").await).await.expect(200);
    running.store(false, Ordering::SeqCst);
    let mut asked = 0;
    for task in load {
        let statuses = task.await.unwrap();
        assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
        asked += statuses.len();
    }
    assert!(asked > 4, "{asked}");
    eprintln!("{asked} requests while the keys were rotated, none refused");
}

#[tokio::test]
async fn a_gateway_that_starts_while_the_provider_is_down_begins_with_the_keys_it_had() {
    let Some(mut idp) = Idp::start().await else { return };
    let (upstream, state) = (Upstream::model().await, TempDir::new());
    let start = async |idp: &Idp| {
        let state = state.path().display().to_string();
        launch(idp, &upstream).set("ATTACH_STATE_DIR", &state).start().await
    };
    let token = idp.machine("svc-a", AUDIENCE).await;
    let mut first = start(&idp).await.with_state(state.path());
    ask(&first, &token).await.expect(200);
    eventually("the key set on disk", || {
        let mut files = std::fs::read_dir(state.path().join("jwks")).unwrap();
        files.any(|file| file.unwrap().path().extension().is_some_and(|end| end == "jwks")).then_some(())
    })
    .await;
    first.stop_and_verify().await;
    idp.stop().await;
    let second = start(&idp).await;
    second.get("/readyz").send().await.expect(200);
    ask(&second, &token).await.expect(200);
    assert!(second.stderr.text().contains("the keys that were kept"), "{}", second.stderr.text());
}
