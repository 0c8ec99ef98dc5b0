use attach_core::Api;
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Reply, Said};

const WHEN: &str = "2026-01-01T00:00:00Z";

pub(super) fn tags(names: &[&str]) -> Value {
    let entry = |name: &&str| {
        json!({
            "name": name, "model": name, "modified_at": WHEN, "size": 0, "digest": "",
            "details": {"format": "gguf", "family": "echo", "parameter_size": "0B", "quantization_level": "none"},
        })
    };
    json!({"models": names.iter().map(entry).collect::<Vec<_>>()})
}

pub(super) fn reply(api: Api, said: &Said<'_>) -> Reply {
    match api {
        Api::OllamaShow => Reply {
            whole: json!({
                "modelfile": "", "parameters": "", "template": "{{ .Prompt }}",
                "details": {"format": "gguf", "family": "echo"},
                "model_info": {}, "capabilities": ["completion"],
            }),
            stream: None,
        },
        Api::OllamaEmbed => Reply {
            whole: json!({"model": said.model, "embeddings": [[0.1, 0.2, 0.3]], "prompt_eval_count": said.input}),
            stream: None,
        },
        _ => generation(api == Api::OllamaChat, said),
    }
}

fn generation(chat: bool, said: &Said<'_>) -> Reply {
    let line = |text: &str, done: bool| {
        let mut line = json!({"model": said.model, "created_at": WHEN, "done": done});
        if chat {
            line["message"] = json!({"role": "assistant", "content": text});
        } else {
            line["response"] = json!(text);
        }
        if done {
            line["done_reason"] = json!("stop");
            line["prompt_eval_count"] = json!(said.input);
            line["eval_count"] = json!(said.output);
            for duration in ["total_duration", "load_duration", "prompt_eval_duration", "eval_duration"] {
                line[duration] = json!(1);
            }
        }
        line
    };
    let mut lines: Vec<_> = said.words().map(|word| line(word, false)).collect();
    lines.push(line("", true));
    let events = lines.iter().map(|line| Bytes::from(format!("{line}\n"))).collect();
    Reply { whole: line(&said.text, true), stream: Some(("application/x-ndjson", events)) }
}
