//! Callers of Ollama's interface in front of Amazon Bedrock, whose streams are binary and whose requests are signed.

use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::support::{Issuer, Launch, Reply, Response, Seen, TempDir, Upstream, World, answer_text, events};

mod machine;
mod pairs;
pub(crate) mod replay;

use self::replay::{
    INPUT, KEY_ID, OUTPUT, SECRET, checked, failure, message, metadata, model, stop, stream, text,
};

const MODEL: &str = "anthropic.claude-3-5-sonnet-20240620-v1:0";

/// A file with an upstream of Bedrock; `more` is said of it.
fn file(more: &str) -> String {
    format!(
        r#"
        [[issuer]]
        issuer = "{{ISSUER}}"
        audience = ["api://attach-test"]
        [[upstream]]
        name = "amazon"
        kind = "bedrock"
        region = "eu-central-1"
        url = "{{UPSTREAM}}"
        trusted = true
        {more}
        [access]
        default = "allow"
        "#
    )
}

/// With an access key from the environment, under the names that AWS's tools use.
async fn world(upstream: Upstream, more: &str) -> World {
    let issuer = Issuer::start().await;
    let text = file(more).replace("{ISSUER}", issuer.url()).replace("{UPSTREAM}", &upstream.url());
    let launch = Launch::file(&text).set("AWS_ACCESS_KEY_ID", KEY_ID).set("AWS_SECRET_ACCESS_KEY", SECRET);
    let gateway = launch.start().await;
    World { issuer, upstream, gateway }
}

async fn signed(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> World {
    world(Upstream::with(move |seen| checked(seen, SECRET, &answer)).await, "").await
}

async fn ask(world: &World, stream: bool) -> Response {
    let body = json!({"model": MODEL, "stream": stream, "messages": [{"role": "user", "content": "hello"}]});
    world.post("/api/chat").json(&body).send().await
}

#[tokio::test]
async fn a_chat_is_signed_and_translated_both_ways() {
    let world = signed(model).await;
    let body = json!({
        "model": MODEL,
        "stream": false,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}],
        "options": {"temperature": 0.5, "top_k": 40, "num_predict": 64, "stop": ["\n"], "seed": 7},
    });
    let answer = world.post("/api/chat").json(&body).send().await.expect(200);
    let seen = world.upstream.only();
    assert_eq!(seen.path, "/model/anthropic.claude-3-5-sonnet-20240620-v1%3A0/converse");
    assert_eq!(
        seen.json(),
        json!({
            "messages": [{"role": "user", "content": [{"text": "hello"}]}],
            "system": [{"text": "Be brief."}],
            "inferenceConfig": {"maxTokens": 64, "temperature": 0.5, "stopSequences": ["\n"]},
            "additionalModelRequestFields": {"top_k": 40},
            "additionalModelResponseFieldPaths": ["/stop_sequence"],
        })
    );
    assert!(!seen.everything().contains(&world.token("alice")));
    let said = answer.json();
    assert_eq!(said["message"], json!({"role": "assistant", "content": "You said: hello"}));
    assert_eq!((&said["model"], &said["done_reason"]), (&json!(MODEL), &json!("stop")));
    assert_eq!((&said["prompt_eval_count"], &said["eval_count"]), (&json!(INPUT), &json!(OUTPUT)));
    assert_eq!(answer.header("x-attach-dropped"), Some("seed"));
    let trail = world.gateway.finished(&answer.id()).await;
    let outcome = trail.outcome();
    assert_eq!((trail.end(), &outcome["usage"]["source"]), ("complete", &json!("upstream")));
    assert_eq!(outcome["usage"]["cache_read_input_tokens"], 10, "{outcome}");
}

#[tokio::test]
async fn a_stream_is_translated_wherever_its_frames_are_cut() {
    for size in [1, 17, 64, 100_000] {
        let world = signed(move |seen| model(seen).in_pieces_of(size)).await;
        let answer = ask(&world, true).await.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
        assert!(world.upstream.only().path.ends_with("/converse-stream"));
        assert_eq!(answer_text(&answer.text()), "You said: hello");
        let last = events(&answer.text()).pop().unwrap();
        assert_eq!((&last["done"], &last["done_reason"]), (&json!(true), &json!("stop")));
        assert_eq!((&last["prompt_eval_count"], &last["eval_count"]), (&json!(INPUT), &json!(OUTPUT)));
        let trail = world.gateway.finished(&answer.id()).await;
        let usage = &trail.outcome()["usage"];
        assert_eq!((trail.end(), &usage["output_tokens"]), ("complete", &json!(OUTPUT)), "{usage}");
        assert_eq!((&usage["source"], &usage["cache_read_input_tokens"]), (&json!("upstream"), &json!(10)));
    }
}

#[tokio::test]
async fn a_tool_is_called_in_a_stream_and_its_result_goes_back() {
    let world = signed(|seen| {
        if seen.json()["messages"].as_array().unwrap().len() > 1 {
            return model(seen);
        }
        let start = json!({"toolUse": {"toolUseId": "tooluse_1", "name": "weather"}});
        let delta = |input: &str| {
            let delta = json!({"toolUse": {"input": input}});
            replay::event("contentBlockDelta", &json!({"contentBlockIndex": 1, "delta": delta}))
        };
        stream(vec![
            text("Let me look. "),
            replay::event("contentBlockStart", &json!({"contentBlockIndex": 1, "start": start})),
            delta("{\"city\":"),
            delta("\"Paris\"}"),
            replay::event("contentBlockStop", &json!({"contentBlockIndex": 1})),
            stop("tool_use"),
            metadata(),
        ])
    })
    .await;
    let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let function = json!({"name": "weather", "description": "Weather of a city", "parameters": parameters});
    let tools = json!([{"type": "function", "function": function}]);
    let question = json!({"role": "user", "content": "Paris?"});
    let mut body = json!({"model": MODEL, "messages": [question], "tools": tools});
    let answer = world.post("/api/chat").json(&body).send().await.expect(200);
    let call = events(&answer.text()).into_iter().find_map(|line| line["message"].get("tool_calls").cloned());
    let call = call.expect("a line with the call");
    assert_eq!(call[0]["function"], json!({"name": "weather", "arguments": {"city": "Paris"}}));
    body["messages"] = json!([
        question,
        {"role": "assistant", "content": "", "tool_calls": call},
        {"role": "tool", "tool_name": "weather", "content": "sunny"},
    ]);
    world.post("/api/chat").json(&body).send().await.expect(200);
    let sent = world.upstream.last().json();
    assert_eq!(sent["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"], parameters);
    let used = &sent["messages"][1]["content"][0]["toolUse"];
    assert_eq!(used["input"], json!({"city": "Paris"}));
    let result = &sent["messages"][2]["content"][0]["toolResult"];
    assert_eq!((&result["toolUseId"], &result["content"][0]["text"]), (&used["toolUseId"], &json!("sunny")));
}

#[tokio::test]
async fn a_stream_that_breaks_ends_in_an_error_and_counts_as_one() {
    let throttled = message("exception", "throttlingException", &json!({"message": "slow down"}));
    let mut flipped = text("lo");
    let at = flipped.len() / 2;
    flipped[at] ^= 4;
    for (rest, said) in [
        (vec![throttled], "slow down"),
        (vec![flipped, stop("end_turn"), metadata()], "could not be read"),
        (vec![text("lo")], "broke off"),
        (vec![metadata()], "broke off"),
        (vec![stop("malformed_model_output")], "malformed"),
    ] {
        let events_sent: Vec<_> = std::iter::once(text("Hel")).chain(rest).collect();
        let world = signed(move |_| stream(events_sent.clone())).await;
        let answer = ask(&world, true).await.expect(200);
        let lines = events(&answer.text());
        let error = lines.last().unwrap()["error"].as_str().unwrap_or_default().to_owned();
        assert!(error.contains(said), "{said}: {lines:?}");
        assert!(lines.iter().all(|line| line["done"] != true), "{lines:?}");
        assert_eq!(world.gateway.finished(&answer.id()).await.end(), "upstream_error", "{said}");
    }
}

#[tokio::test]
async fn errors_keep_their_meaning() {
    for (status, name, seen_by_caller) in [
        (429, "ThrottlingException", 429),
        (400, "ValidationException", 400),
        (404, "ResourceNotFoundException", 404),
        (408, "ModelTimeoutException", 504),
        (424, "ModelErrorException", 502),
        (503, "ServiceUnavailableException", 503),
        (403, "AccessDeniedException", 502),
    ] {
        let world = signed(move |_| failure(status, name, "as Bedrock puts it")).await;
        let answer = ask(&world, false).await;
        assert_eq!(answer.status, seen_by_caller, "{name}: {answer:?}");
        let ours = status == 403;
        assert_eq!(answer.text().contains("as Bedrock puts it"), !ours, "{name}: {answer:?}");
    }
}

#[tokio::test]
async fn what_a_guardrail_blocks_says_so_in_the_callers_words() {
    let upstream = Upstream::with(|seen| {
        checked(seen, SECRET, |seen| {
            let text = "Sorry, the model cannot answer this question.";
            if seen.path.ends_with("/converse") {
                replay::whole(&json!([{"text": text}]), "guardrail_intervened")
            } else {
                replay::streamed(text, "guardrail_intervened")
            }
        })
    });
    let world = world(upstream.await, "guardrail = { id = \"gr1d2e3f4g5h\", version = \"2\" }").await;
    for stream in [false, true] {
        let answer = ask(&world, stream).await.expect(200);
        let sent = world.upstream.last().json();
        let expected = json!({"guardrailIdentifier": "gr1d2e3f4g5h", "guardrailVersion": "2"});
        assert_eq!(sent["guardrailConfig"], expected);
        let last = events(&answer.text()).pop().unwrap();
        assert!(last["done"] == true && last["done_reason"].is_string(), "{last}");
        assert_eq!(answer_text(&answer.text()), "Sorry, the model cannot answer this question.");
    }
}

#[tokio::test]
async fn a_bedrock_api_key_is_a_bearer_token_and_nothing_is_signed() {
    let upstream = Upstream::with(model).await;
    let issuer = Issuer::start().await;
    let text = file("key = { env = \"BEDROCK_KEY\" }");
    let text = text.replace("{ISSUER}", issuer.url()).replace("{UPSTREAM}", &upstream.url());
    let gateway = Launch::file(&text).set("BEDROCK_KEY", "bedrock-api-key-example").start().await;
    let world = World { issuer, upstream, gateway };
    let arn = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/a1b2c3";
    let body = json!({"model": arn, "stream": false, "messages": [{"role": "user", "content": "hello"}]});
    world.post("/api/chat").json(&body).send().await.expect(200);
    let seen = world.upstream.only();
    let path = "/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A123456789012%3Aapplication-inference-profile%2Fa1b2c3/converse";
    assert_eq!(seen.path, path);
    assert_eq!(seen.header("authorization"), Some("Bearer bedrock-api-key-example"));
    assert!(seen.header("x-amz-date").is_none());
}

#[tokio::test]
async fn a_temporary_key_that_has_expired_is_replaced_and_the_request_signed_again() {
    let folder = TempDir::new();
    let parts =
        [("access_key", KEY_ID), ("secret_key", "first-secret-example"), ("session_token", "first-token")];
    let kept = |(name, text): (&str, &str)| format!("{name} = {{ file = {:?} }}\n", folder.write(name, text));
    let more: String = parts.into_iter().map(kept).collect();
    let right = Arc::new(Mutex::new(("first-secret-example".to_owned(), "first-token".to_owned())));
    let taken = Arc::clone(&right);
    let upstream = Upstream::with(move |seen| {
        let (secret, token) = taken.lock().unwrap().clone();
        if seen.header("x-amz-security-token") != Some(&token) {
            return failure(
                403,
                "ExpiredTokenException",
                "The security token included in the request is expired",
            );
        }
        checked(seen, &secret, model)
    });
    let world = world(upstream.await, &more).await;
    ask(&world, false).await.expect(200);
    {
        let mut right = right.lock().unwrap();
        *right = ("second-secret-example".to_owned(), "second-token".to_owned());
        folder.write("session_token", &right.1);
        folder.write("secret_key", &right.0);
    }
    ask(&world, true).await.expect(200);
    let last = world.upstream.last();
    assert_eq!(last.header("x-amz-security-token"), Some("second-token"));
    let signed = last.header("authorization").unwrap();
    assert!(signed.contains("x-amz-security-token") && !last.everything().contains("second-secret-example"));
}

#[tokio::test]
async fn check_says_what_bedrock_is_asked_for_and_shows_no_key() {
    let text = file("guardrail = { id = \"gr1\", version = \"DRAFT\" }")
        .replace("{UPSTREAM}", "https://vpce.example");
    let text = text.replace("{ISSUER}", "https://idp.example");
    let launch = || Launch::file(&text).set("AWS_ACCESS_KEY_ID", KEY_ID).set("AWS_SECRET_ACCESS_KEY", SECRET);
    let checked = launch().check().await;
    assert!(
        checked.ok && checked.stdout.contains("region eu-central-1, signed, guardrail gr1 version DRAFT"),
        "{checked:?}"
    );
    assert!(!format!("{checked:?}").contains(KEY_ID) && !format!("{checked:?}").contains(SECRET));
    let refused = Launch::file(&text).set("AWS_EC2_METADATA_DISABLED", "true").check().await;
    assert!(!refused.ok && refused.stderr.contains("AWS_ACCESS_KEY_ID"), "{refused:?}");
    let other = text.replace("guardrail =", "timeout = { drain = \"1s\" }\nguardrail =");
    let refused = Launch::file(&other).check().await;
    assert!(!refused.ok && refused.stderr.contains("drain"), "{refused:?}");
}

#[tokio::test]
async fn an_error_of_amazons_that_repeats_the_key_is_held_back() {
    let upstream = Upstream::with(|seen| {
        let shown = seen.header("authorization").unwrap_or_default();
        failure(400, "ValidationException", &format!("what is {shown}?"))
    });
    let issuer = Issuer::start().await;
    let upstream = upstream.await;
    let text = file("key = { env = \"BEDROCK_KEY\" }");
    let text = text.replace("{ISSUER}", issuer.url()).replace("{UPSTREAM}", &upstream.url());
    let gateway = Launch::file(&text).set("BEDROCK_KEY", "not-for-clients").start().await;
    let world = World { issuer, upstream, gateway };
    let answer = ask(&world, false).await.expect(502);
    assert_eq!(world.upstream.only().header("authorization"), Some("Bearer not-for-clients"));
    assert!(!answer.text().contains("not-for-clients"), "{}", answer.text());
}
