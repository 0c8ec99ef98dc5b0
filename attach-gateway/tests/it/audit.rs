//! What the log says, when it says it, and what it never says.

use std::sync::{Arc, Mutex, OnceLock};

use serde_json::{Value, json};

use crate::support::{CHATS, Launch, Upstream, World, question, streamed, wire};

#[tokio::test]
async fn what_is_about_to_happen_is_on_record_before_the_model_server_is_asked() {
    let folder: Arc<OnceLock<std::path::PathBuf>> = Arc::default();
    let known: Arc<Mutex<Vec<Vec<Value>>>> = Arc::default();
    let (place, notes) = (Arc::clone(&folder), Arc::clone(&known));
    let upstream = Upstream::with(move |seen| {
        let records = crate::support::audit::records(place.get().unwrap());
        notes.lock().unwrap().push(records);
        wire::model(seen)
    })
    .await;
    let mut world = World::with(upstream, |launch| launch).await;
    folder.set(world.gateway.audit_folder()).unwrap();
    for path in CHATS {
        for body in [question(path, "gpt-4o", "hello"), streamed(path, "gpt-4o", "hello")] {
            let answer = world.post(path).json(&body).send().await.expect(200);
            let id = answer.id();
            let at_that_time = known.lock().unwrap().pop().unwrap();
            let then: Vec<_> = at_that_time.iter().filter(|record| record["req_id"] == *id).collect();
            assert_eq!(then.len(), 1, "{then:?}");
            assert_eq!(then[0]["kind"], "intent");
            assert_eq!(then[0]["mode"], "strict");
            assert!(then[0].get("usage").is_none() && then[0].get("end").is_none());
            // The answer was complete only when its outcome was on record.
            let trail = world.gateway.trail(&id);
            assert_eq!(trail.kinds(), ["intent", "outcome"]);
            let (intent, outcome) = (trail.intent(), trail.outcome());
            assert_eq!(outcome["intent_id"], intent["id"]);
            assert_eq!(
                (&outcome["end"], &outcome["decision"]["http_status"]),
                (&json!("complete"), &json!(200))
            );
            assert_eq!(
                outcome["usage"]["source"],
                if path == CHATS[0] && body["stream"] == true { "estimated" } else { "upstream" }
            );
            assert_eq!(outcome["route"]["path"], path);
            assert_eq!(outcome["src"]["ip"], "127.0.0.1");
            assert_eq!(outcome["model"]["stream"], body["stream"] == true);
            assert!(outcome["timing"]["total_ms"].as_f64().unwrap() > 0.0);
        }
    }
    world.gateway.stop_and_verify().await;
}

#[tokio::test]
async fn reported_usage_is_on_record_for_every_api() {
    let world = World::start().await;
    let chat = |stream: bool| {
        let mut body = question(CHATS[0], "gpt-4o", "hello");
        body["stream"] = json!(stream);
        body["stream_options"] = if stream { json!({"include_usage": true}) } else { Value::Null };
        body
    };
    for (path, body) in [
        ("/v1/chat/completions", chat(false)),
        ("/v1/chat/completions", chat(true)),
        ("/v1/completions", json!({"model": "m", "prompt": "hello"})),
        ("/v1/responses", json!({"model": "m", "input": "hello"})),
        ("/v1/responses", json!({"model": "m", "input": "hello", "stream": true})),
        ("/v1/messages", question("/v1/messages", "m", "hello")),
        ("/v1/messages", streamed("/v1/messages", "m", "hello")),
        ("/api/chat", question("/api/chat", "m", "hello")),
        ("/api/chat", streamed("/api/chat", "m", "hello")),
        ("/api/generate", json!({"model": "m", "prompt": "hello"})),
        ("/v1/embeddings", json!({"model": "m", "input": "hello"})),
        ("/api/embed", json!({"model": "m", "input": "hello"})),
    ] {
        let answer = world.post(path).json(&body).send().await.expect(200);
        let trail = world.gateway.trail(&answer.id());
        let usage = &trail.outcome()["usage"];
        let output = if path.contains("embed") { 0 } else { wire::OUTPUT };
        assert_eq!(
            (&usage["input_tokens"], &usage["output_tokens"]),
            (&json!(wire::INPUT), &json!(output)),
            "{path}: {usage}"
        );
        assert_eq!(usage["source"], "upstream", "{path}");
    }
}

#[tokio::test]
async fn no_prompt_answer_token_address_or_name_is_in_any_log() {
    let mut world = World::with(Upstream::model().await, |launch| launch.set("RUST_LOG", "debug")).await;
    let token = world.token("alice");
    let mut ids = Vec::new();
    for path in CHATS {
        for body in [
            question(path, "gpt-4o", "prompt-canary 4111 1111 1111 1111"),
            streamed(path, "gpt-4o", "prompt-canary"),
        ] {
            let answer = world.gateway.post(path).bearer(&token).json(&body).send().await.expect(200);
            assert!(answer.text().contains("prompt-canary") || path != CHATS[0] || body["stream"] == true);
            ids.push(answer.id());
        }
        world.gateway.post(path).bearer(&token).body("{\"prompt-canary\": ").send().await.expect(400);
        world
            .gateway
            .post(path)
            .bearer("token-canary")
            .json(&json!({"prompt-canary": 1}))
            .send()
            .await
            .expect(401);
    }
    let logs = format!(
        "{} {} {}",
        crate::support::audit::text(&world.gateway.audit_folder()),
        world.gateway.stderr.text(),
        world.gateway.stdout.text()
    );
    assert!(ids.iter().all(|id| logs.contains(id)));
    let signature = token.rsplit('.').next().unwrap();
    for canary in [
        "prompt-canary",
        "token-canary",
        "4111 1111",
        "You said",
        "alice@people.example",
        "Canaryname",
        signature,
    ] {
        let line = logs.lines().find(|line| line.contains(canary));
        assert_eq!(line, None, "{canary}");
    }
    world.gateway.stop_and_verify().await;
}

#[tokio::test]
async fn refusals_are_on_record_each_with_its_reason() {
    let world = World::with(Upstream::model().await, |launch| launch.set("MAX_REQUEST_BYTES", "400")).await;
    let large = question(CHATS[0], "gpt-4o", &"x".repeat(500));
    for (call, status, reason) in [
        (world.gateway.post(CHATS[0]).json(&json!({})), 401, "no_credentials"),
        (world.gateway.post(CHATS[0]).bearer("nonsense").json(&json!({})), 401, "malformed_token"),
        (world.post("/no/such/path"), 404, "not_found"),
        (world.post(CHATS[0]).body("{"), 400, "invalid_json"),
        (world.post(CHATS[0]).json(&large), 413, "body_too_large"),
    ] {
        let answer = call.send().await.expect(status);
        let trail = world.gateway.trail(&answer.id());
        let reject = trail.reject();
        assert_eq!(
            (&reject["decision"]["reason"], &reject["decision"]["http_status"]),
            (&json!(reason), &json!(status))
        );
        assert_eq!((&reject["decision"]["result"], &reject["end"]), (&json!("deny"), &json!("rejected")));
    }
    assert!(world.upstream.seen().is_empty());
}

#[tokio::test]
async fn a_flood_of_refusals_is_counted_and_not_written_one_by_one() {
    let mut world = World::start().await;
    for _ in 0..150 {
        world.gateway.post(CHATS[0]).json(&json!({})).send().await.expect(401);
    }
    world.gateway.stop_and_verify().await;
    let records = world.gateway.records();
    let rejects: Vec<_> = records.iter().filter(|record| record["kind"] == "reject").collect();
    assert!(rejects.len() < 50, "{}", rejects.len());
    let counted: u64 = rejects.iter().map(|record| record["fold"]["n"].as_u64().unwrap_or(1)).sum();
    assert_eq!(counted, 150);
}

#[tokio::test]
async fn probes_are_not_on_record() {
    let world = World::start().await;
    for _ in 0..3 {
        world.gateway.get("/healthz").send().await.expect(200);
        world.gateway.get("/readyz").send().await.expect(200);
    }
    let of_requests = |record: &Value| record["kind"] != "start" && record["kind"] != "checkpoint";
    assert!(!world.gateway.records().iter().any(of_requests), "the log's own records alone");
}

#[tokio::test]
async fn a_changed_byte_is_found_with_its_records_number() {
    let mut world = World::start().await;
    for _ in 0..3 {
        world.post(CHATS[0]).json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(200);
    }
    world.gateway.terminate();
    assert!(world.gateway.ended().await.success());
    let folder = world.gateway.audit_folder();
    let segment = std::fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path());
    let segment =
        segment.into_iter().find(|path| path.extension().is_some_and(|end| end == "jsonl")).unwrap();
    let text = std::fs::read_to_string(&segment).unwrap();
    let verify = async |path: &std::path::Path| {
        let path = path.display().to_string();
        Launch::bare().arguments(&["audit", "verify", &path]).run().await
    };
    for path in [&folder, &segment] {
        let whole = verify(path).await;
        assert!(
            whole.ok && whole.stdout.contains(&format!("ok: {} records", text.lines().count())),
            "{whole:?}"
        );
        assert!(whole.stdout.contains("self-consistent only"), "{whole:?}");
    }
    for (line, record) in text.lines().enumerate().skip(1) {
        let seq = serde_json::from_str::<Value>(record).unwrap()["seq"].as_u64().unwrap();
        let tampered = text.lines().enumerate().map(|(at, one)| {
            let changed =
                if at == line { one.replacen("\"req_id\":\"0", "\"req_id\":\"1", 1) } else { one.to_owned() };
            changed + "\n"
        });
        std::fs::write(&segment, tampered.collect::<String>()).unwrap();
        let found = verify(&folder).await;
        assert!(!found.ok, "{found:?}");
        assert!(
            found.stderr.contains(&format!("record {seq} ")) && found.stderr.contains("changed"),
            "{found:?}"
        );
    }
    let without = text.lines().enumerate().filter(|(at, _)| *at != 3).map(|(_, one)| format!("{one}\n"));
    std::fs::write(&segment, without.collect::<String>()).unwrap();
    let found = verify(&folder).await;
    assert!(!found.ok && found.stderr.contains("missing"), "{found:?}");
    std::fs::write(&segment, &text).unwrap();
    assert!(verify(&folder).await.ok);
}

#[tokio::test]
async fn records_may_go_to_standard_output_too() {
    let (issuer, upstream) = (crate::support::Issuer::start().await, Upstream::model().await);
    let text = format!(
        "[[issuer]]\nissuer = \"{}\"\naudience = [\"api://attach-test\"]\n[[upstream]]\nname = \"one\"\n\
         kind = \"openai\"\nurl = \"{}\"\n[access]\ndefault = \"allow\"\n[[audit.egress]]\nkind = \"stdout\"\n",
        issuer.url(),
        upstream.url()
    );
    let world = World { gateway: Launch::file(&text).start().await, issuer, upstream };
    let answer = world.post(CHATS[0]).json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(200);
    let id = answer.id();
    world
        .gateway
        .stdout
        .find("the outcome", |line| (line.contains(&id) && line.contains("outcome")).then_some(()))
        .await;
    let printed: Vec<String> = world.gateway.stdout.text().lines().map(str::to_owned).collect();
    let written = crate::support::audit::text(&world.gateway.audit_folder());
    assert!(printed.iter().all(|line| written.contains(line)), "{printed:?}");
}

#[tokio::test]
async fn a_restart_goes_on_where_the_log_ended() {
    let (issuer, upstream) = (crate::support::Issuer::start().await, Upstream::model().await);
    let state = crate::support::TempDir::new();
    let place = state.path().display().to_string();
    for round in 1..=3 {
        let gateway = Launch::env(&issuer, &upstream).set("ATTACH_STATE_DIR", &place).start().await;
        let mut gateway = gateway.with_state(state.path());
        let call = gateway.post(CHATS[0]).bearer(&issuer.token("alice", &[]));
        call.json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(200);
        let finished = gateway.stop_and_verify().await;
        let of_requests = ["start", "intent", "outcome", "stop"];
        let records = gateway.records();
        let kinds = records.iter().filter_map(|record| record["kind"].as_str());
        assert_eq!(kinds.filter(|kind| of_requests.contains(kind)).count(), 4 * round);
        assert!(finished.stdout.contains(&format!("ok: {} records", records.len())), "{finished:?}");
    }
}
