//! How upstreams are reached, where their operations are, and what they are shown of the gateway.

use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::sync::Notify;

use crate::support::{
    CHATS, Launch, Reply, Seen, Step, TempDir, Upstream, World, eventually, question, wire,
};

/// A file with one upstream, of which `settings` are said.
fn file(settings: &str) -> String {
    format!(
        r#"
        [[issuer]]
        issuer = "{{ISSUER}}"
        audience = ["api://attach-test"]
        [[upstream]]
        name = "one"
        trusted = true
        {settings}
        [access]
        default = "allow"
        "#
    )
}

async fn world(settings: &str) -> World {
    let model = Upstream::with(|seen| {
        let known = Seen { path: "/v1/chat/completions".into(), ..seen.clone() };
        wire::model(&known)
    });
    World::file(model.await, &file(settings)).await
}

async fn ask(world: &World) -> Seen {
    let body = json!({"model": "my gpt", "messages": [{"role": "user", "content": "hello"}]});
    world.post("/v1/chat/completions").json(&body).send().await.expect(200);
    world.upstream.last()
}

#[tokio::test]
async fn operations_are_where_each_providers_base_says() {
    for (base, path) in [
        ("", "/v1/chat/completions"),
        ("/v1/", "/v1/chat/completions"),
        ("/openai/v1", "/openai/v1/chat/completions"),
        ("/api/v1", "/api/v1/chat/completions"),
        ("/v1beta/openai/", "/v1beta/openai/chat/completions"),
        ("/proxy/mistral", "/proxy/mistral/v1/chat/completions"),
    ] {
        let world = world(&format!("kind = \"openai\"\nurl = \"{{UPSTREAM}}{base}\"")).await;
        assert_eq!(ask(&world).await.path, path, "{base}");
    }
}

#[tokio::test]
async fn azure_is_asked_at_its_own_paths_with_its_own_key() {
    let folder = TempDir::new();
    let key = folder.write("azure.key", "azure-key-example\n");
    let azure =
        |more: &str| format!("kind = \"azure\"\nurl = \"{{UPSTREAM}}\"\nkey = {{ file = {key:?} }}\n{more}");
    let seen = ask(&world(&azure("")).await).await;
    assert_eq!(seen.path, "/openai/v1/chat/completions");
    assert_eq!((seen.header("api-key"), seen.header("authorization")), (Some("azure-key-example"), None));
    let seen = ask(&world(&azure("api_version = \"2024-10-21\"")).await).await;
    assert_eq!(seen.path, "/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21");
    let seen = ask(&world(&azure("auth = \"bearer\"\napi_version = \"preview\"")).await).await;
    assert_eq!(seen.path, "/openai/v1/chat/completions?api-version=preview");
    assert_eq!(seen.header("authorization"), Some("Bearer azure-key-example"));
    assert_eq!(seen.header("api-key"), None);
}

#[tokio::test]
async fn azures_content_filter_passes_as_it_is() {
    let blocked = json!({"error": {
        "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
        "type": null, "param": "prompt", "code": "content_filter", "status": 400,
        "innererror": {"code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {"hate": {"filtered": true, "severity": "high"}}},
    }});
    let answer = blocked.clone();
    let upstream = Upstream::with(move |_| Reply::json(400, &answer)).await;
    let world = World::file(upstream, &file("kind = \"azure\"\nurl = \"{UPSTREAM}\"")).await;
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "hello"}]});
    let answer = world.post("/v1/chat/completions").json(&body).send().await.expect(400);
    assert_eq!(answer.json(), blocked);
}

/// A model server that takes one key, which can be replaced.
#[derive(Clone)]
struct Lock(Arc<Mutex<String>>);

impl Lock {
    async fn upstream(&self) -> Upstream {
        let taken = Arc::clone(&self.0);
        Upstream::with(move |seen| {
            let right = format!("Bearer {}", taken.lock().unwrap());
            if seen.header("authorization") == Some(&right) {
                wire::model(seen)
            } else {
                Reply::json(401, &json!({"error": {"message": "Incorrect API key provided"}}))
            }
        })
        .await
    }
}

/// Ten callers ask while the key is replaced twice: no answer is an error, and both new keys are used.
async fn rotation_loses_nothing(key: impl Fn(&str) -> String) {
    let folder = TempDir::new();
    let kept = folder.write("key", "key-0");
    let lock = Lock(Arc::new(Mutex::new("key-0".into())));
    let settings =
        format!("kind = \"openai\"\nurl = \"{{UPSTREAM}}\"\nkey = {}", key(kept.to_str().unwrap()));
    let world = Arc::new(World::file(lock.upstream().await, &file(&settings)).await);
    let used = |key: &str| {
        let header = format!("Bearer {key}");
        world.upstream.seen().iter().filter(|seen| seen.header("authorization") == Some(&header)).count()
    };
    let callers: Vec<_> = (0..10).map(|_| tokio::spawn(keep_asking(Arc::clone(&world)))).collect();
    for round in 1..=2 {
        let before = format!("key-{}", round - 1);
        eventually("answers for this key", || (used(&before) > 10).then_some(())).await;
        // What is refused is looked for again only so often.
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        let mut taken = lock.0.lock().unwrap();
        *taken = format!("key-{round}");
        let new = folder.write("new", &taken);
        std::fs::rename(new, &kept).unwrap();
    }
    eventually("answers for the last key", || (used("key-2") > 10).then_some(())).await;
    for caller in callers {
        caller.abort();
        let ended = caller.await;
        assert!(ended.is_err_and(|error| error.is_cancelled()), "an answer was an error");
    }
    let log = world.gateway.stderr.text();
    assert!(log.contains("credential was replaced") && !log.contains("key-1"), "{log}");
}

async fn keep_asking(world: Arc<World>) {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "hello"}]});
    let call = world.post("/v1/chat/completions").json(&body);
    loop {
        let answer = call.send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

#[tokio::test]
async fn a_key_in_a_file_is_replaced_under_load_and_no_request_is_lost() {
    rotation_loses_nothing(|path| format!("{{ file = {path:?} }}")).await;
}

#[tokio::test]
async fn a_command_is_run_again_when_its_key_is_refused() {
    rotation_loses_nothing(|path| format!("{{ command = [\"cat\", {path:?}], refresh = \"1h\" }}")).await;
}

#[tokio::test]
async fn a_key_that_is_gone_stays_as_it_was() {
    let folder = TempDir::new();
    let kept = folder.write("key", "key-0");
    let lock = Lock(Arc::new(Mutex::new("key-0".into())));
    let settings = format!("kind = \"openai\"\nurl = \"{{UPSTREAM}}\"\nkey = {{ file = {kept:?} }}");
    let world = World::file(lock.upstream().await, &file(&settings)).await;
    std::fs::remove_file(&kept).unwrap();
    world.gateway.stderr.line("cannot be read again").await;
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "hello"}]});
    world.post("/v1/chat/completions").json(&body).send().await.expect(200);
    *lock.0.lock().unwrap() = "another".into();
    let answer = world.post("/v1/chat/completions").json(&body).send().await.expect(502);
    assert_eq!(answer.code(), "upstream_credential_rejected");
}

#[tokio::test]
async fn a_key_that_was_replaced_while_its_call_ran_is_held_back_however_it_is_written() {
    for written in ["old+key/1", r"old\u002bkey\/1"] {
        let folder = TempDir::new();
        let kept = folder.write("key", "old+key/1");
        let told = Arc::new(Notify::new());
        let (said, held) =
            (format!(r#"{{"error": {{"message": "no such key: {written}"}}}}"#), Arc::clone(&told));
        let upstream = Upstream::with(move |_| {
            let steps = vec![Step::Await(Arc::clone(&held)), Step::Send(said.clone().into())];
            Reply::stream("application/json", steps).status(400)
        });
        let settings = format!("kind = \"openai\"\nurl = \"{{UPSTREAM}}\"\nkey = {{ file = {kept:?} }}");
        let world = World::file(upstream.await, &file(&settings)).await;
        // Anthropic's interface has the error translated: what was escaped would be plain there.
        for path in [CHATS[0], CHATS[1]] {
            let (calls, call) =
                (world.upstream.seen().len(), world.post(path).json(&question(path, "m", "hello")));
            let running = tokio::spawn(async move { call.send().await });
            eventually("the call", || (world.upstream.seen().len() > calls).then_some(())).await;
            let replaced = || world.gateway.stderr.text().matches("credential was replaced").count();
            let before = replaced();
            let new = folder.write("new", "another");
            std::fs::rename(new, &kept).unwrap();
            eventually("another key", || (replaced() > before).then_some(())).await;
            told.notify_one();
            let answer = running.await.unwrap().expect(502);
            assert_eq!(answer.code(), "upstream_credential_rejected");
            assert!(
                !answer.text().contains("key/1") && !answer.text().contains("key\\/1"),
                "{}",
                answer.text()
            );
            let back = folder.write("new", "old+key/1");
            std::fs::rename(back, &kept).unwrap();
            eventually("the first key", || (replaced() > before + 1).then_some(())).await;
        }
    }
}

#[tokio::test]
async fn settings_of_another_kind_and_those_that_make_no_sense_are_refused() {
    for (settings, part) in [
        ("kind = \"openai\"\nurl = \"https://x.example\"\napi_version = \"2024-10-21\"", "kind azure"),
        (
            "kind = \"openai\"\nurl = \"https://x.example\"\nguardrail = { id = \"a\", version = \"1\" }",
            "kind bedrock",
        ),
        ("kind = \"azure\"\nurl = \"https://x.example\"\napi_version = \"soon\"", "is not a version"),
        ("kind = \"azure\"\nurl = \"https://x.example\"\nauth = \"basic\"", "api-key, bearer"),
        ("kind = \"bedrock\"", "region"),
        ("kind = \"bedrock\"\nregion = \"eu.evil.example/\"", "no region of AWS"),
        ("kind = \"openai\"", "url: say where"),
        ("kind = \"openai\"\nurl = \"http://x.example\"\nproxy = \"http://p:1\"", "https URL"),
        ("kind = \"openai\"\nurl = \"https://x.example\"\nproxy = \"socks5://p:1\"", "proxy"),
        ("kind = \"openai\"\nurl = \"https://x.example\"\nca = \"/no/such\"", "cannot read"),
    ] {
        let text = file(settings).replace("{ISSUER}", "https://idp.example");
        let refused = Launch::file(&text).check().await;
        assert!(!refused.ok && refused.stderr.contains(part), "{settings}: {refused:?}");
    }
}
