use serde_json::{Value, json};

use super::{INPUT, MODELS, OUTPUT, Said, pieces, vectors};
use crate::support::Reply;

pub(crate) fn tags() -> Value {
    let entry = |name: &&str| {
        json!({
            "name": name, "model": name, "modified_at": "2025-05-04T17:37:44.706015396-07:00", "size": 3_825_819_519_u64,
            "digest": "fe938a131f40e6f6d40083c9f0f430a515233eb2edaa6d72eb85c50d64f2300e",
            "details": {
                "format": "gguf", "family": "llama", "families": null, "parameter_size": "7B",
                "quantization_level": "Q4_0",
            },
        })
    };
    json!({"models": MODELS.iter().map(entry).collect::<Vec<_>>()})
}

pub(crate) fn show() -> Value {
    json!({
        "modelfile": "FROM llama3", "parameters": "", "template": "{{ .Prompt }}",
        "details": {"format": "gguf", "family": "llama"}, "model_info": {"general.architecture": "llama"},
        "capabilities": ["completion"],
    })
}

/// One line of an answer, or a whole one.
pub(crate) fn line(said: &Said, text: &str, chat: bool, done: bool) -> Value {
    let mut line =
        json!({"model": said.model, "created_at": "2023-08-04T08:52:19.385406455-07:00", "done": done});
    if chat {
        line["message"] = json!({"role": "assistant", "content": text});
    } else {
        line["response"] = json!(text);
    }
    if done {
        line["done_reason"] = json!("stop");
        line["total_duration"] = json!(4_883_583_458_u64);
        line["load_duration"] = json!(1_334_875);
        line["prompt_eval_count"] = json!(INPUT);
        line["prompt_eval_duration"] = json!(342_546_000);
        line["eval_count"] = json!(OUTPUT);
        line["eval_duration"] = json!(4_535_599_000_u64);
    }
    line
}

pub(crate) fn stream(said: &Said, chat: bool, letters: usize) -> Reply {
    let mut lines: Vec<_> =
        pieces(&said.text, letters).iter().map(|piece| line(said, piece, chat, false)).collect();
    lines.push(line(said, "", chat, true));
    Reply::events("application/x-ndjson", lines.iter().map(|line| format!("{line}\n")).collect::<Vec<_>>())
}

pub(crate) fn embeddings(said: &Said, input: &Value) -> Value {
    json!({
        "model": said.model, "embeddings": vectors(input), "total_duration": 14_143_917,
        "load_duration": 1_019_500, "prompt_eval_count": INPUT,
    })
}
