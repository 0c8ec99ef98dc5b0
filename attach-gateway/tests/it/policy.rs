//! Who may use which model, and which things nobody may.

use serde_json::{Value, json};

use crate::support::{CHATS, Response, Upstream, World, assert_shape, question};

const FILE: &str = r#"
[[issuer]]
issuer = "{ISSUER}"
audience = ["api://attach-test"]

[[upstream]]
name = "everything"
kind = "openai"
dialects = ["openai", "anthropic", "ollama"]
url = "{UPSTREAM}"

[[model]]
name = "gpt-4*"
to = ["everything"]

[[model]]
name = "team-chat"
aliases = ["house-model"]
to = [{ upstream = "everything", model = "llama3:70b" }]

[[model]]
name = "llama3"
to = ["everything"]

[access]
default = "deny"
[[access.allow]]
id = "power-users"
groups = ["AI-Power-Users"]
models = ["gpt-4*"]
[[access.allow]]
id = "everyone"
models = ["team-chat", "house-model", "llama3"]
[[access.allow]]
id = "researchers"
groups = ["research"]
models = ["gpt-4*"]
tools = ["web_search*"]
[[access.deny]]
id = "no-previews"
models = ["gpt-4*-preview"]
"#;

async fn world() -> World {
    World::file(Upstream::model().await, FILE).await
}

async fn ask(world: &World, path: &str, groups: &[&str], model: &str) -> Response {
    let call = world.gateway.post(path).bearer(&world.issuer.token("alice", groups));
    call.json(&question(path, model, "hello")).send().await
}

#[tokio::test]
async fn groups_decide_which_models_may_be_used() {
    let world = world().await;
    for path in CHATS {
        let answer = ask(&world, path, &["AI-Power-Users"], "gpt-4o").await.expect(200);
        let trail = world.gateway.trail(&answer.id());
        let intent = trail.intent();
        assert_eq!(intent["decision"]["rule_ids"], json!(["power-users"]));
        assert_eq!(intent["actor"]["groups_used"], json!(["AI-Power-Users"]));
        assert_eq!(
            (&intent["model"]["requested"], &intent["decision"]["result"]),
            (&json!("gpt-4o"), &json!("allow"))
        );
        ask(&world, path, &["eng"], "llama3").await.expect(200);
        ask(&world, path, &[], "llama3:latest").await.expect(200);
        let before = world.upstream.seen().len();
        let answer = ask(&world, path, &["eng"], "gpt-4o").await.expect(403);
        assert_shape(path, &answer, "model_not_available");
        assert_eq!(world.upstream.seen().len(), before);
        let trail = world.gateway.trail(&answer.id());
        let reject = trail.reject();
        assert_eq!(
            (&reject["actor"]["sub"], &reject["model"]["requested"]),
            (&json!("alice"), &json!("gpt-4o"))
        );
        assert_eq!((&reject["decision"]["http_status"], &reject["end"]), (&json!(403), &json!("rejected")));
        assert_eq!(reject["decision"]["detail"], "no_rule_allows");
    }
    let line = world.gateway.stderr.line("the token has none of its groups").await;
    assert!(line.contains("AI-Power-Users") && line.contains("eng"), "{line}");
}

#[tokio::test]
async fn an_unknown_model_and_a_forbidden_one_are_told_the_same() {
    let world = world().await;
    for path in CHATS {
        let told = |answer: Response| {
            let mut json = answer.expect(403).json();
            json["request_id"] = Value::Null;
            if let Some(error) = json["error"].as_object_mut() {
                error.remove("request_id");
            }
            json
        };
        let forbidden = told(ask(&world, path, &["eng"], "gpt-4o").await);
        let unknown = told(ask(&world, path, &["eng"], "no-such-model").await);
        assert_eq!(forbidden, unknown);
        let unknown = told(ask(&world, path, &["AI-Power-Users"], "no-such-model").await);
        assert_eq!(forbidden, unknown);
    }
}

#[tokio::test]
async fn a_rule_that_denies_wins() {
    let world = world().await;
    ask(&world, CHATS[0], &["AI-Power-Users"], "gpt-4-preview").await.expect(403);
    ask(&world, CHATS[0], &["AI-Power-Users"], "GPT-4-Preview").await.expect(403);
    ask(&world, CHATS[0], &["AI-Power-Users"], "gpt-4-turbo").await.expect(200);
}

#[tokio::test]
async fn a_public_name_becomes_the_upstreams_own_and_nothing_else_changes() {
    let world = world().await;
    let body = r#"{ "messages":[{"role":"user","content":"hi"}],  "model" : "team-chat","x":1.50}"#;
    let answer = world.post(CHATS[0]).body(body).send().await.expect(200);
    assert_eq!(world.upstream.only().text(), body.replace("team-chat", "llama3:70b"));
    let trail = world.gateway.trail(&answer.id());
    let model = &trail.outcome()["model"];
    assert_eq!((&model["requested"], &model["routed"]), (&json!("team-chat"), &json!("llama3:70b")));
    assert_eq!(model["upstream"], "everything");
    ask(&world, "/api/chat", &[], "house-model").await.expect(200);
    assert_eq!(world.upstream.last().json()["model"], "llama3:70b");
}

#[tokio::test]
async fn lists_of_models_show_what_the_caller_may_use() {
    let world = world().await;
    let names = |list: &Value, key: &str| -> Vec<String> {
        list.as_array().unwrap().iter().map(|one| one[key].as_str().unwrap().to_owned()).collect()
    };
    let list = async |groups: &[&str], path: &str| {
        world.gateway.get(path).bearer(&world.issuer.token("alice", groups)).send().await
    };
    let all = list(&["AI-Power-Users"], "/v1/models").await.expect(200).json();
    assert_eq!(all["object"], "list");
    assert_eq!(names(&all["data"], "id"), ["gpt-4o", "team-chat", "house-model", "llama3"]);
    let few = list(&["eng"], "/v1/models").await.expect(200).json();
    assert_eq!(names(&few["data"], "id"), ["team-chat", "house-model", "llama3"]);
    let tags = list(&["eng"], "/api/tags").await.expect(200).json();
    assert_eq!(names(&tags["models"], "name"), ["team-chat", "house-model", "llama3"]);
    let one = list(&["AI-Power-Users"], "/v1/models/gpt-4o").await.expect(200).json();
    assert_eq!((&one["id"], &one["object"]), (&json!("gpt-4o"), &json!("model")));
    for (groups, path) in [(&["eng"], "/v1/models/gpt-4o"), (&["eng"], "/v1/models/no-such-model")] {
        let answer = list(groups, path).await.expect(404);
        assert_eq!(answer.code(), "model_not_available");
    }
    let anthropic =
        world.get("/v1/models").header("anthropic-version", "2023-06-01").send().await.expect(200).json();
    assert_eq!((&anthropic["has_more"], &anthropic["data"][0]["type"]), (&json!(false), &json!("model")));
}

#[tokio::test]
async fn a_model_with_a_slash_in_its_name_is_found_by_clients_that_escape_it() {
    let world = World::start().await;
    for path in ["/v1/models/meta-llama/Llama-3.1-8B", "/v1/models/meta-llama%2FLlama-3.1-8B"] {
        let one = world.get(path).send().await.expect(200).json();
        assert_eq!(one["id"], "meta-llama/Llama-3.1-8B");
    }
}

#[tokio::test]
async fn a_rule_may_ask_for_an_api_a_scope_a_client_or_a_kind_of_caller() {
    let rules = |condition: &str| {
        let head = FILE.split("[[model]]").next().unwrap();
        format!("{head}\n[[access.allow]]\nid = \"one\"\n{condition}\n")
    };
    for (condition, alice, machine) in [
        ("apis = [\"openai.chat\"]", 200, 200),
        ("apis = [\"ollama.chat\"]", 403, 403),
        ("scopes = [\"llm\"]", 200, 200),
        ("scopes = [\"admin\"]", 403, 403),
        ("client_ids = [\"test-client\"]", 200, 403),
        ("kind = \"person\"", 200, 403),
        ("kind = \"service\"", 403, 200),
    ] {
        let world = World::file(Upstream::model().await, &rules(condition)).await;
        let mut claims = world.issuer.claims("svc-a", &[]);
        claims["client_id"] = json!("svc-a");
        let service = crate::support::issuer::sign(crate::support::Alg::Es256, &claims);
        let ask = question(CHATS[0], "m", "hello");
        world.post(CHATS[0]).json(&ask).send().await.expect(alice);
        world.gateway.post(CHATS[0]).bearer(&service).json(&ask).send().await.expect(machine);
    }
}

#[tokio::test]
async fn a_list_of_models_is_on_record() {
    let world = world().await;
    let answer = world.get("/v1/models").send().await.expect(200);
    let trail = world.gateway.finished(&answer.id()).await;
    assert_eq!((&trail.outcome()["route"]["path"], trail.end()), (&json!("/v1/models"), "complete"));
}

#[tokio::test]
async fn hosted_tools_need_a_rule_that_lists_them() {
    let world = world().await;
    let mut body = question("/v1/responses", "gpt-4o", "hello");
    body = json!({"model": body["model"], "input": "hello", "tools": [{"type": "web_search_preview"}]});
    let ask = async |groups: &[&str], body: &Value| {
        let call = world.gateway.post("/v1/responses").bearer(&world.issuer.token("alice", groups));
        call.json(body).send().await
    };
    let answer = ask(&["AI-Power-Users"], &body).await.expect(403);
    assert_shape("/v1/responses", &answer, "hosted_tool_not_allowed");
    assert!(world.upstream.seen().is_empty());
    ask(&["research"], &body).await.expect(200);
    body["tools"][0]["type"] = json!("code_interpreter");
    ask(&["research"], &body).await.expect(403);
    body["tools"] = json!([{"type": "function", "name": "f", "parameters": {"type": "object"}}]);
    ask(&["AI-Power-Users"], &body).await.expect(200);
}

#[tokio::test]
async fn by_environment_alone_hosted_tools_and_what_a_provider_keeps_are_refused() {
    let world = World::start().await;
    let chat = |extra: Value| {
        let mut body = question(CHATS[0], "gpt-4o", "hello");
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    };
    let response = |extra: Value| {
        let mut body = json!({"model": "gpt-4o", "input": "hello"});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    };
    let file = json!([{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}]);
    let cases = [
        ("/v1/chat/completions", chat(json!({"web_search_options": {}})), "hosted_tool_not_allowed"),
        ("/v1/chat/completions", chat(json!({"store": true})), "provider_state_not_allowed"),
        (
            "/v1/responses",
            response(
                json!({"tools": [{"type": "mcp", "server_label": "x", "server_url": "https://x.example"}]}),
            ),
            "hosted_tool_not_allowed",
        ),
        ("/v1/responses", response(json!({"previous_response_id": "resp_1"})), "provider_state_not_allowed"),
        ("/v1/responses", response(json!({"conversation": "conv_1"})), "provider_state_not_allowed"),
        ("/v1/responses", response(json!({"prompt": {"id": "pmpt_1"}})), "provider_state_not_allowed"),
        ("/v1/responses", response(json!({"background": true})), "provider_state_not_allowed"),
        ("/v1/responses", response(json!({"store": true})), "provider_state_not_allowed"),
        ("/v1/responses", response(json!({"input": file})), "provider_state_not_allowed"),
    ];
    for (path, body, code) in &cases {
        let answer = world.post(path).json(body).send().await.expect(403);
        assert_shape(path, &answer, code);
        assert_eq!(world.gateway.trail(&answer.id()).reject()["decision"]["reason"], *code, "{body}");
    }
    let mut messages = question("/v1/messages", "claude-sonnet-4", "hello");
    messages["tools"] = json!([{"type": "web_search_20250305", "name": "web_search"}]);
    let answer = world.post("/v1/messages").json(&messages).send().await.expect(403);
    assert_shape("/v1/messages", &answer, "hosted_tool_not_allowed");
    messages["tools"] = json!([{"name": "mine", "input_schema": {"type": "object"}}]);
    messages["container"] = json!("container_1");
    world.post("/v1/messages").json(&messages).send().await.expect(403);
    assert!(world.upstream.seen().is_empty());
    world.post("/v1/responses").json(&response(json!({"store": false}))).send().await.expect(200);
}
