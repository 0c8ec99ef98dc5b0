//! Embeddings between OpenAI's and Ollama's interfaces. Fixtures: OpenAI API reference, "Create embeddings"; Ollama
//! `docs/api.md`, "Generate embeddings".

use attach_core::{Api, Payload};
use bytes::Bytes;
use serde_json::{Value, json};

use super::openai_to_ollama::OLLAMA;
use super::{Plan, exchange};
use crate::config::Config;

fn plan(body: &Value) -> Result<Plan, attach_core::Rejection> {
    let config = Config::parse(OLLAMA, |_| None).unwrap();
    let payload = Payload::parse(Api::OpenAiEmbeddings, Bytes::from(body.to_string()))?;
    Ok(Plan::new(&payload, &"all-minilm".into(), &config.upstreams[0])?.unwrap())
}

fn answer(body: &Value, from: &str) -> Option<Value> {
    let plan = plan(body).unwrap();
    let bytes = plan.translator().unwrap().whole(from.as_bytes(), &exchange(Api::OpenAiEmbeddings))?.0;
    serde_json::from_slice(&bytes).ok()
}

const ANSWER: &str = r#"{"model":"all-minilm","embeddings":[[0.010071029,-0.0017594862],[1,-0.5]],"total_duration":14143917,"load_duration":1019500,"prompt_eval_count":8}"#;

#[test]
fn texts_are_asked_for_and_too_long_ones_are_errors() {
    let body = json!({"model": "e", "input": ["Why is the sky blue?", "Why is the grass green?"], "dimensions": 64, "user": "u"});
    let sent: Value = serde_json::from_slice(&plan(&body).unwrap().body()).unwrap();
    assert_eq!(
        sent,
        json!({"model": "all-minilm", "input": body["input"], "truncate": false, "dimensions": 64})
    );
    assert_eq!(plan(&body).unwrap().dropped().as_deref(), Some("user"));
    let one: Value =
        serde_json::from_slice(&plan(&json!({"model": "e", "input": "a"})).unwrap().body()).unwrap();
    assert_eq!(one["input"], json!("a"));
}

#[test]
fn vectors_come_as_numbers_unless_base64_is_asked_for() {
    let body = json!({"model": "e", "input": ["a", "b"]});
    let floats = answer(&body, ANSWER).unwrap();
    assert_eq!(
        floats,
        json!({
            "object": "list", "model": "e", "usage": {"prompt_tokens": 8, "total_tokens": 8},
            "data": [
                {"object": "embedding", "index": 0, "embedding": [0.010071029, -0.0017594862]},
                {"object": "embedding", "index": 1, "embedding": [1, -0.5]},
            ],
        })
    );
    let body = json!({"model": "e", "input": ["a", "b"], "encoding_format": "base64"});
    // 1.0 is 00 00 80 3f, and -0.5 is 00 00 00 bf.
    assert_eq!(answer(&body, ANSWER).unwrap()["data"][1]["embedding"], json!("AACAPwAAAL8="));
}

#[test]
fn token_ids_mean_nothing_to_another_model() {
    for input in [json!([1, 2]), json!([[1], [2]])] {
        let rejection = plan(&json!({"model": "e", "input": input})).unwrap_err();
        assert_eq!((rejection.code(), rejection.param()), ("unsupported_field", Some("$.input")));
    }
}

#[test]
fn what_is_no_vector_is_no_answer() {
    let body = json!({"model": "e", "input": "a", "encoding_format": "base64"});
    assert!(answer(&body, r#"{"embeddings":["x"]}"#).is_none());
    assert!(answer(&body, r#"{"error":"x"}"#).is_none());
}

#[test]
fn a_wish_to_shorten_is_named() {
    let body = json!({"model": "e", "input": "a", "truncate": true});
    let dropped = super::plan(Api::OllamaEmbed, &body).unwrap().unwrap().dropped();
    assert_eq!(dropped.as_deref(), Some("truncate"));
    let body = json!({"model": "e", "input": "a", "truncate": false});
    assert_eq!(super::plan(Api::OllamaEmbed, &body).unwrap().unwrap().dropped(), None);
}
