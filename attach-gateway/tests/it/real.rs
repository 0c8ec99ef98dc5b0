//! Programs of other people on both sides. Skipped, with a line, where they are not installed.

use serde_json::json;

use crate::support::tools::{Idp, Llama, python, smoke_mjs, smoke_py};
use crate::support::{CHATS, Issuer, Launch, Upstream, answer_text, events, question, streamed};

const AUDIENCE: &str = "urn:llm-gateway";

fn policy(issuer: &str, upstream: &str) -> String {
    format!(
        r#"
        [[issuer]]
        issuer = "{issuer}"
        audience = ["{AUDIENCE}"]
        required_scopes = ["llm.chat"]
        [[upstream]]
        name = "model"
        kind = "openai"
        dialects = ["openai", "anthropic", "ollama"]
        url = "{upstream}"
        [[access.allow]]
        id = "engineers"
        groups = ["eng"]
        models = ["gpt-4*", "llama3"]
        [[access.allow]]
        id = "admins"
        groups = ["admins"]
        [[access.allow]]
        id = "interns"
        groups = ["interns"]
        models = ["llama3"]
        "#
    )
}

#[tokio::test]
async fn tokens_of_a_certified_provider_are_verified_with_rs256_and_es256() {
    let Some(idp) = Idp::start().await else { return };
    let upstream = Upstream::model().await;
    let gateway = Launch::file(&policy(&idp.url(), &upstream.url())).start().await;
    let ask = async |token: &str, model: &str| {
        let call = gateway.post(CHATS[0]).bearer(token);
        call.json(&question(CHATS[0], model, "hello")).send().await
    };
    for (resource, alg) in [(AUDIENCE, "RS256"), ("urn:llm-gateway:es256", "ES256")] {
        let token = idp.machine("svc-a", resource).await;
        assert!(header(&token).contains(alg), "{}", header(&token));
        let answer = ask(&token, "gpt-4o").await.expect(200);
        assert_eq!(answer.header("x-attach-user"), Some("svc-a"));
        assert_eq!(upstream.last().header("x-attach-groups"), Some("eng"));
        let actor = gateway.trail(&answer.id()).outcome()["actor"].clone();
        assert_eq!((&actor["sub"], &actor["kind"]), (&json!("svc-a"), &json!("service")));
        assert_eq!(actor["groups_used"], json!(["eng"]));
    }
    let intern = idp.machine("svc-b", AUDIENCE).await;
    ask(&intern, "llama3").await.expect(200);
    assert_eq!(ask(&intern, "gpt-4o").await.expect(403).code(), "model_not_available");
    let admin = idp.machine("svc-admin", AUDIENCE).await;
    ask(&admin, "anything").await.expect(200);
    let elsewhere = idp.machine("svc-a", "urn:other-api").await;
    assert_eq!(ask(&elsewhere, "gpt-4o").await.expect(401).code(), "wrong_audience");
    let opaque = idp.machine("svc-a", "urn:llm-gateway:opaque").await;
    ask(&opaque, "gpt-4o").await.expect(401);
}

#[tokio::test]
async fn a_person_who_signed_in_by_the_code_flow_is_a_person() {
    let Some(idp) = Idp::start().await else { return };
    let upstream = Upstream::model().await;
    let gateway = Launch::file(&policy(&idp.url(), &upstream.url())).start().await;
    for (person, status) in [("alice", 200), ("bob", 200), ("carol", 403)] {
        let call = gateway.post(CHATS[0]).bearer(&idp.person(person).await);
        let answer = call.json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(status);
        assert_eq!(answer.header("x-attach-user"), Some(person));
        let kind = if status == 200 { "outcome" } else { "reject" };
        let actor = gateway.trail(&answer.id()).one(kind)["actor"].clone();
        assert_eq!((&actor["sub"], &actor["kind"]), (&json!(person), &json!("user")));
    }
}

pub(crate) fn header(token: &str) -> String {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap());
    String::from_utf8(bytes.unwrap()).unwrap()
}

/// Whether every case passed, none of them by being skipped.
fn assert_passed((text, ok): &(String, bool), cases: usize) {
    let passed = text.lines().filter(|line| line.starts_with("PASS")).count();
    assert!(*ok && passed == cases && !text.contains("SKIP"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_clients_work_through_the_gateway() {
    let Some(python) = python() else { return };
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let gateway = Launch::env(&issuer, &upstream).start().await;
    let token = issuer.token("alice", &[]);
    assert_passed(&smoke_py(&python, &gateway.url(), &token, "gpt-4o").await, 12);
    // None of them has sent the address that they all mention.
    assert!(upstream.seen().iter().all(|seen| !seen.everything().contains("jane.doe@example.com")));
    assert!(upstream.seen().len() >= 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_javascript_client_works_through_the_gateway() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let gateway = Launch::env(&issuer, &upstream).start().await;
    let Some(result) = smoke_mjs(&gateway.url(), &issuer.token("alice", &[]), "gpt-4o").await else { return };
    assert_passed(&result, 2);
}

#[cfg(feature = "dev")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_clients_work_with_the_development_gateway() {
    let Some(python) = python() else { return };
    let gateway = Launch::bare().arguments(&["dev", "--port", "0"]).spawn();
    gateway.stdout.line("dev token alice").await;
    let text = gateway.stdout.text();
    let export =
        |name: &str| text.lines().find_map(|line| line.strip_prefix(&format!("export {name}="))).unwrap();
    assert_passed(&smoke_py(&python, export("URL"), export("ALICE"), "gpt-4o").await, 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ollamas_client_works_with_a_server_that_speaks_openai() {
    let Some(python) = python() else { return };
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let launch = Launch::env(&issuer, &upstream).set("ENGINE_KIND", "openai");
    let gateway = launch.start().await;
    let (text, _) = smoke_py(&python, &gateway.url(), &issuer.token("alice", &[]), "gpt-4o").await;
    for line in text.lines().filter(|line| line.contains("ollama ")) {
        assert!(line.starts_with("PASS"), "{text}");
    }
    assert_eq!(text.lines().filter(|line| line.starts_with("PASS  ollama")).count(), 4, "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_llama_cpp_server_answers_whole_and_streamed() {
    let Some(llama) = Llama::start().await else { return };
    let issuer = Issuer::start().await;
    let gateway = Launch::bare()
        .arguments(&["--port", "0"])
        .set("OIDC_ISSUER", issuer.url())
        .set("OIDC_AUD", crate::support::AUDIENCE)
        .set("ENGINE_URL", &llama.url())
        .set("ENGINE_KIND", "openai,anthropic")
        .set("MAX_TOKENS_PER_MIN", "100000")
        .start()
        .await;
    let token = issuer.token("alice", &[]);
    for path in CHATS {
        for stream in [false, true] {
            let mut body = if stream {
                streamed(path, "tiny-random", "hello")
            } else {
                question(path, "tiny-random", "hello")
            };
            match path {
                "/api/chat" => body["options"] = json!({"num_predict": 8}),
                _ => body["max_tokens"] = json!(8),
            }
            if stream && path == CHATS[0] {
                body["stream_options"] = json!({"include_usage": true});
            }
            let answer = gateway.post(path).bearer(&token).json(&body).send().await.expect(200);
            assert!(!answer_text(&answer.text()).is_empty() || stream, "{}", answer.text());
            assert!(!stream || events(&answer.text()).len() > 2, "{}", answer.text());
            let trail = gateway.trail(&answer.id());
            assert_eq!(trail.end(), "complete", "{path} {stream}");
            let usage = &trail.outcome()["usage"];
            let output = usage["output_tokens"].as_u64().unwrap();
            assert!((1..=8).contains(&output), "{path} {stream}: {usage}");
            // The server leaves `message_start` out at times, and with it the input's size.
            if path != "/v1/messages" || !stream || answer.text().contains("message_start") {
                assert_eq!(usage["source"], "upstream", "{path} {stream}: {usage}");
                assert!(usage["input_tokens"].as_u64().unwrap() > 0, "{path} {stream}: {usage}");
            }
        }
    }
    let models = gateway.get("/v1/models").bearer(&token).send().await.expect(200).json();
    assert!(models["data"].as_array().is_some_and(|list| !list.is_empty()), "{models}");
}
