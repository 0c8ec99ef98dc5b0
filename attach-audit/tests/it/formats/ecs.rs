//! Held against ECS 9.2: the values it allows, and which types it expects with which category.

use attach_audit::format::Format;
use serde_json::Value;

use super::{all, at, golden};

/// `expected_event_types` of the categories we use.
const CATEGORIES: &[(&str, &[&str])] = &[
    (
        "api",
        &[
            "access", "admin", "allowed", "change", "creation", "deletion", "denied", "end", "info", "start",
            "user",
        ],
    ),
    ("authentication", &["start", "end", "info"]),
    ("configuration", &["access", "change", "creation", "deletion", "info"]),
    ("iam", &["admin", "change", "creation", "deletion", "group", "info", "user"]),
    ("process", &["access", "change", "end", "info", "start"]),
    ("session", &["start", "end", "info"]),
];

/// The field sets of ECS that we use, and our own.
const FIELD_SETS: &[&str] = &[
    "@timestamp",
    "ecs",
    "event",
    "service",
    "user",
    "source",
    "http",
    "url",
    "user_agent",
    "tls",
    "trace",
    "transaction",
    "rule",
    "gen_ai",
    "labels",
    "attach",
];

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|one| one.as_str().expect("text")).collect()
}

#[test]
fn every_document_is_categorised_as_the_schema_allows() {
    for (record, document) in all(Format::Ecs) {
        assert_eq!((&document["@timestamp"], &document["event"]["kind"]), (&record["ts"], &"event".into()));
        let category = texts(&document["event"]["category"]);
        let expected = CATEGORIES.iter().find(|(name, _)| category == [*name]).expect("a category").1;
        let types = texts(&document["event"]["type"]);
        assert!(!types.is_empty() && types.iter().all(|one| expected.contains(one)), "{document}");
        let outcome = document["event"]["outcome"].as_str().expect("text");
        assert!(["success", "failure", "unknown"].contains(&outcome));
        let members = document.as_object().expect("an object");
        assert!(members.keys().all(|name| FIELD_SETS.contains(&&**name)), "{document}");
    }
}

#[test]
fn a_call_says_who_asked_what_and_what_was_used() {
    let documents = all(Format::Ecs);
    let (record, document) = &documents[2];
    for (path, value) in [
        ("event.outcome", "success".into()),
        ("event.duration", 1_234_567_000_u64.into()),
        ("event.hash", record["hash"].clone()),
        ("user.id", "00u1".into()),
        ("user.domain", "acme".into()),
        ("source.ip", "10.0.0.9".into()),
        ("http.request.method", "POST".into()),
        ("http.response.status_code", 200.into()),
        ("url.path", "/v1/chat/completions".into()),
        ("tls.version", "1.3".into()),
        ("trace.id", record["trace_id"].clone()),
        ("transaction.id", record["req_id"].clone()),
        ("gen_ai.request.model", "gpt-4o".into()),
        ("gen_ai.response.model", "gpt-4o-2024-08-06".into()),
        ("gen_ai.usage.input_tokens", 100.into()),
        ("rule.id", "users".into()),
        ("labels", record["custom"].clone()),
        ("attach.redaction", record["redaction"].clone()),
        ("attach.prev", record["prev"].clone()),
    ] {
        assert_eq!(at(document, path), &value, "{path}");
    }
}

#[test]
fn documents_look_as_the_file_says() {
    golden("ecs.jsonl", Format::Ecs);
}
