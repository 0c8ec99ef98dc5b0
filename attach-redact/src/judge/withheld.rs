//! What comes in place of an answer that is blocked: the same answer without its words, ended by a content filter.
//!
//! Sources: OpenAI API reference, "The chat completion object" (`finish_reason`) and "The response object"
//! (`incomplete_details`); Anthropic API reference, "Stop reasons" (`refusal`); Ollama `docs/api.md` (`done_reason`).

use attach_core::Api;
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// More choices than anybody asks for.
const CHOICES: usize = 128;

/// By which a program can tell what this gateway has blocked from what a provider has.
pub(super) fn mark() -> Value {
    json!({"code": "content_blocked"})
}

/// In place of `answer`.
pub(super) fn answer(api: Api, answer: &[u8]) -> Bytes {
    let mut answer: Map<String, Value> = serde_json::from_slice(answer).unwrap_or_default();
    match api {
        Api::AnthropicMessages => {
            keep(&mut answer, &["id", "type", "role", "model", "usage"]);
            answer.insert("content".into(), json!([]));
            answer.insert("stop_reason".into(), "refusal".into());
            answer.insert("stop_sequence".into(), Value::Null);
        }
        Api::OllamaChat | Api::OllamaGenerate => {
            keep(&mut answer, &OLLAMA);
            answer.extend(ollama(api));
        }
        Api::OpenAiResponses => answer = response(answer),
        _ => {
            let count = answer.get("choices").and_then(Value::as_array).map_or(1, Vec::len);
            keep(&mut answer, &["id", "object", "created", "model", "system_fingerprint", "usage"]);
            let choices: Vec<Value> = (0..count.clamp(1, CHOICES)).map(|index| choice(api, index)).collect();
            answer.insert("choices".into(), choices.into());
        }
    }
    answer.insert("attach".into(), mark());
    Value::Object(answer).to_string().into()
}

/// The members that are one value wherever they stand.
const SINGLE: [&str; 17] = [
    "completed_at",
    "created",
    "created_at",
    "eval_count",
    "eval_duration",
    "id",
    "load_duration",
    "model",
    "object",
    "previous_response_id",
    "prompt_eval_count",
    "prompt_eval_duration",
    "role",
    "service_tier",
    "system_fingerprint",
    "total_duration",
    "type",
];

const OLLAMA: [&str; 8] = [
    "model",
    "created_at",
    "total_duration",
    "load_duration",
    "prompt_eval_count",
    "prompt_eval_duration",
    "eval_count",
    "eval_duration",
];

/// The end of an answer of Ollama's.
pub(super) fn ollama(api: Api) -> Map<String, Value> {
    let mut end = Map::new();
    if api == Api::OllamaChat {
        end.insert("message".into(), json!({"role": "assistant", "content": ""}));
    } else {
        end.insert("response".into(), "".into());
    }
    end.insert("done".into(), true.into());
    end.insert("done_reason".into(), "content_filter".into());
    end
}

/// What stays of a response object: what the server says of the call, and what it repeats of the request.
const RESPONSE: [&str; 29] = [
    "background",
    "completed_at",
    "conversation",
    "created_at",
    "frequency_penalty",
    "id",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "object",
    "parallel_tool_calls",
    "presence_penalty",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
    "truncation",
    "usage",
    "user",
];

/// The response object `known` of the Responses API, ended without its words.
pub(super) fn response(mut known: Map<String, Value>) -> Map<String, Value> {
    keep(&mut known, &RESPONSE);
    known.insert("status".into(), "incomplete".into());
    known.insert("incomplete_details".into(), json!({"reason": "content_filter"}));
    known.insert("output".into(), json!([]));
    known
}

fn choice(api: Api, index: usize) -> Value {
    if api == Api::OpenAiCompletions {
        return json!({"index": index, "text": "", "logprobs": null, "finish_reason": "content_filter"});
    }
    let message = json!({"role": "assistant", "content": "", "refusal": null});
    json!({"index": index, "message": message, "logprobs": null, "finish_reason": "content_filter"})
}

fn keep(answer: &mut Map<String, Value>, keys: &[&str]) {
    answer.retain(|key, value| keys.contains(&key.as_str()) && is_of_server(key, value));
    if let Some(usage) = answer.get_mut("usage") {
        numbers(usage);
    }
}

/// Whether the server says it: what says of an answer which it is, and by whom, is one value.
pub(super) fn is_of_server(key: &str, value: &Value) -> bool {
    !SINGLE.contains(&key) || !(value.is_object() || value.is_array())
}

/// Leaves only what is counted.
fn numbers(usage: &mut Value) {
    match usage {
        Value::Object(members) => {
            members.retain(|_, value| value.is_number() || value.is_object());
            members.values_mut().for_each(numbers);
        }
        Value::Number(_) => {}
        other => *other = Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_model_may_have_said_hides_in_what_stays() {
        let said = br#"{"id":["poison"],"model":{"t":"poison"},"object":"x","created":1,
            "usage":{"prompt_tokens":2,"note":"poison","details":{"cached":1,"why":["poison"]}},"choices":[{}]}"#;
        let kept: Value = serde_json::from_slice(&answer(Api::OpenAiChat, said)).unwrap();
        assert!(!kept.to_string().contains("poison"), "{kept}");
        assert_eq!(kept["usage"], json!({"prompt_tokens": 2, "details": {"cached": 1}}));
        assert_eq!((&kept["object"], &kept["created"]), (&"x".into(), &1.into()));
    }
}
