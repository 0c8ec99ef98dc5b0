//! Callers of OpenAI's Responses in front of servers that have no such interface.

mod replay;
mod sdk;

use serde_json::{Value, json};

use crate::bedrock::replay as amazon;
use crate::support::{
    Issuer, Launch, Reply, Seen, TempDir, Upstream, World, assert_restored, assert_shape, events, sentence,
    wire,
};

const RESPONSES: &str = "/v1/responses";

/// A kind of upstream: what is said of it, and where it answers.
const KINDS: [(&str, &str, &str); 4] = [
    ("openai", "kind = \"openai\"\nresponses = false", "/v1/chat/completions"),
    ("anthropic", "kind = \"anthropic\"", "/v1/messages"),
    ("ollama", "kind = \"ollama\"\ndialects = [\"ollama\"]", "/api/chat"),
    ("bedrock", "kind = \"bedrock\"\nregion = \"eu-central-1\"", "/model/m/converse"),
];

fn file(settings: &str, more: &str) -> String {
    format!(
        "[[issuer]]\nissuer = \"{{ISSUER}}\"\naudience = [\"api://attach-test\"]\n\
         [[upstream]]\nname = \"one\"\nurl = \"{{UPSTREAM}}\"\n{settings}\n[access]\ndefault = \"allow\"\n{more}\n"
    )
}

async fn world(settings: &str, more: &str, answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> World {
    let (issuer, upstream) = (Issuer::start().await, Upstream::with(answer).await);
    let text = file(settings, more).replace("{ISSUER}", issuer.url()).replace("{UPSTREAM}", &upstream.url());
    let launch = Launch::file(&text).set("AWS_ACCESS_KEY_ID", amazon::KEY_ID);
    let gateway = launch.set("AWS_SECRET_ACCESS_KEY", amazon::SECRET).start().await;
    World { issuer, upstream, gateway }
}

fn ask(input: &str, stream: bool) -> Value {
    json!({"model": "m", "input": input, "stream": stream, "instructions": "Be brief.", "user": "u-1"})
}

fn response(text: &str) -> Value {
    let mut events = events(text);
    let last = events.pop().unwrap();
    if last["type"].is_null() || last["object"] == "response" { last } else { last["response"].clone() }
}

#[tokio::test]
async fn responses_are_translated_both_ways_for_every_kind_of_upstream() {
    for (kind, settings, path) in KINDS {
        let world =
            world(settings, "[redact]\ndefault = \"allow\"", |seen| replay::answer(seen).in_pieces_of(11))
                .await;
        for stream in [false, true] {
            let answer = world.post(RESPONSES).json(&ask("Grüße 👋", stream)).send().await.expect(200);
            let seen = world.upstream.last();
            assert!(seen.path.starts_with(path), "{kind}: {}", seen.path);
            assert!(seen.text().contains("Be brief.") && !seen.text().contains("u-1"), "{kind}");
            let dropped = answer.header("x-attach-dropped").unwrap_or_default();
            assert_eq!(dropped, "user", "{kind}");
            let content = if stream { "text/event-stream" } else { "application/json" };
            assert_eq!(answer.header("content-type"), Some(content), "{kind}");
            let said = response(&answer.text());
            assert_eq!(said["output"][0]["content"][0]["text"], "You said: Grüße 👋", "{kind}");
            assert_eq!(
                (&said["status"], &said["instructions"]),
                (&json!("completed"), &json!("Be brief.")),
                "{kind}"
            );
            assert!(said["id"].as_str().unwrap().ends_with(&answer.id().replace('-', "")), "{kind}");
            let input = if kind == "bedrock" { amazon::INPUT } else { wire::INPUT };
            let usage = ["input_tokens", "output_tokens"].map(|name| said["usage"][name].clone());
            assert_eq!(usage, [json!(input), json!(wire::OUTPUT)], "{kind}");
            let trail = world.gateway.finished(&answer.id()).await;
            assert_eq!(
                (trail.end(), &trail.intent()["route"]["api"]),
                ("complete", &json!("openai.responses")),
                "{kind}"
            );
            let counted = &trail.outcome()["usage"];
            let counted = (&counted["input_tokens"], &counted["output_tokens"], &counted["source"]);
            assert_eq!(counted, (&json!(input), &json!(wire::OUTPUT), &json!("upstream")), "{kind}");
        }
    }
}

#[tokio::test]
async fn what_was_replaced_on_the_way_out_is_restored_in_a_translated_response() {
    for (kind, settings, _) in KINDS {
        for letters in [1, 5] {
            let world = world(settings, "", move |seen| {
                if kind == "bedrock" { amazon::model(seen) } else { wire::model_in_words(seen, letters) }
            })
            .await;
            for stream in [false, true] {
                let mut body = ask(&sentence(), stream);
                body["instructions"] = json!(sentence());
                let answer = world.post(RESPONSES).json(&body).send().await.expect(200);
                assert_restored(&world, &answer);
                let said = response(&answer.text());
                assert_eq!(
                    said["output"][0]["content"][0]["text"],
                    format!("You said: {}", sentence()),
                    "{kind}"
                );
                assert_eq!(said["instructions"], sentence(), "{kind}");
            }
        }
    }
}

#[tokio::test]
async fn refusals_and_broken_streams_are_told_in_the_words_of_responses() {
    for (kind, settings, _) in KINDS {
        let world = world(settings, "", replay::answer).await;
        let answer = world.post(RESPONSES).json(&ask("limited", true)).send().await.expect(429);
        assert_eq!(answer.header("retry-after"), Some("17"), "{kind}");
        let error = answer.json()["error"].clone();
        assert_eq!(
            (&error["type"], &error["message"]),
            (&json!("rate_limit_error"), &json!("not now")),
            "{kind}"
        );
        let answer = world.post(RESPONSES).json(&ask("broken", true)).send().await.expect(200);
        let events = events(&answer.text());
        let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!(kinds[..2], ["response.created", "response.in_progress"], "{kind}");
        assert_eq!(kinds.last(), Some(&"error"), "{kind}: {kinds:?}");
        assert_eq!(events.last().unwrap()["code"], "upstream_broke", "{kind}");
        assert_eq!(world.gateway.finished(&answer.id()).await.end(), "upstream_error", "{kind}");
    }
}

#[tokio::test]
async fn what_a_provider_would_keep_is_refused_in_front_of_every_upstream() {
    for (kind, settings, _) in KINDS {
        let world = world(settings, "", replay::answer).await;
        for (member, value) in
            [("previous_response_id", json!("resp_1")), ("store", json!(true)), ("background", json!(true))]
        {
            let mut body = ask("hello", false);
            body[member] = value;
            let refused = world.post(RESPONSES).json(&body).send().await;
            assert_shape(RESPONSES, &refused, "provider_state_not_allowed");
        }
        let mut body = ask("hello", false);
        body["input"] = json!([{"type": "web_search_call", "id": "ws_1", "status": "completed"}]);
        let refused = world.post(RESPONSES).json(&body).send().await.expect(400);
        assert_shape(RESPONSES, &refused, "unsupported_field");
        assert_eq!(refused.json()["error"]["param"], "$.input[0].web_search_call", "{kind}");
        assert!(world.upstream.seen().is_empty(), "{kind}");
    }
}

#[tokio::test]
async fn an_upstream_that_must_not_keep_a_call_is_told_so_in_the_words_it_has() {
    let settings = "kind = \"openai\"\nresponses = false\nzero_retention = true\nretention = \"store\"";
    let world = world(settings, "", replay::answer).await;
    for body in [ask("hello", false), json!({"model": "m", "input": "hello", "store": false})] {
        let answer = world.post(RESPONSES).json(&body).send().await.expect(200);
        assert_eq!(answer.json()["store"], false);
        let seen = world.upstream.last();
        assert_eq!((&*seen.path, &seen.json()["store"]), ("/v1/chat/completions", &json!(false)));
    }
}

#[tokio::test]
async fn a_limit_cuts_a_translated_response_as_it_would_cut_one_that_passes() {
    let quota = "[redact]\ndefault = \"allow\"\n[[quota]]\nid = \"out\"\neach = \"user\"\ntokens = \"200/h\"\naction = \"cut\"";
    for (kind, settings, _) in KINDS {
        let world = world(settings, quota, replay::answer).await;

        let answer = world.post(RESPONSES).json(&ask("long", true)).send().await.expect(200);
        let events = events(&answer.text());
        let last = events.last().unwrap();
        assert_eq!(last["type"], "response.incomplete", "{kind}: {last}");
        assert_eq!(last["response"]["incomplete_details"]["reason"], "max_output_tokens", "{kind}");
        let text = last["response"]["output"][0]["content"][0]["text"].as_str().unwrap();
        assert!(text.starts_with("word word") && text.len() < 2000, "{kind}: {text}");
        let numbers: Vec<_> = events.iter().map(|event| event["sequence_number"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (0..events.len() as u64).collect::<Vec<_>>(), "{kind}");
        assert_eq!(world.gateway.finished(&answer.id()).await.end(), "cut", "{kind}");
    }
}

#[tokio::test]
async fn a_server_that_has_responses_gets_them_as_they_are_unless_the_file_says_otherwise() {
    let world =
        world("kind = \"openai\"", "[redact]\ndefault = \"allow\"", |seen| wire::model_in_words(seen, 3))
            .await;
    let body = r#"{ "model": "m", "input": "hello", "store": false, "new_field": 1.0 }"#;
    let answer = world.post(RESPONSES).body(body).send().await.expect(200);
    assert_eq!((&*world.upstream.only().path, &*world.upstream.only().text()), (RESPONSES, body));
    assert_eq!(answer.json()["id"], "resp_67ccd2");
}

#[tokio::test]
async fn a_response_goes_to_a_server_without_them_when_the_one_that_has_them_fails() {
    let failing = Upstream::with(|_| Reply::json(503, &json!({"error": {"message": "down"}}))).await;
    let more = format!(
        "[[upstream]]\nname = \"two\"\nkind = \"openai\"\nurl = \"{}\"\n[[model]]\nname = \"team\"\nto = [\"two\", \"one\"]",
        failing.url()
    );
    let world = world(KINDS[1].1, &more, replay::answer).await;
    for stream in [false, true] {
        let mut body = ask("hello", stream);
        body["model"] = json!("team");
        let answer = world.post(RESPONSES).json(&body).send().await.expect(200);
        assert_eq!((&*failing.last().path, &*world.upstream.last().path), (RESPONSES, "/v1/messages"));
        let said = response(&answer.text());
        assert_eq!(said["output"][0]["content"][0]["text"], "You said: hello");
        assert_eq!(said["model"], "team");
    }
}

#[tokio::test]
async fn check_says_which_upstream_has_no_responses() {
    let folder = TempDir::new();
    let text = file(KINDS[0].1, "")
        .replace("{ISSUER}", "https://idp.example")
        .replace("{UPSTREAM}", "http://127.0.0.1:1");
    folder.write("attach.toml", &text);
    let finished = Launch::file(&text).check().await;
    assert!(
        finished.stdout.contains("upstream one: has no Responses API; calls of it are translated"),
        "{finished:?}"
    );
}
