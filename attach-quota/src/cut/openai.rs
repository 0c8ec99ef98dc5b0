//! Chat completions and completions (OpenAI API reference, "The chat completion chunk object").

use std::collections::BTreeMap;
use std::fmt::Write;

use attach_core::Usage;
use serde_json::{Map, Value, json};

use super::tracker::{Why, name};

/// More choices than anybody asks for.
const MAX_CHOICES: usize = 128;

pub(crate) struct Completions {
    chat: bool,
    include_usage: bool,
    /// What every chunk repeats: `id`, `object`, `created`, `model`.
    head: Map<String, Value>,
    /// Whether each choice said why it stopped. An open tool call needs no end of its own.
    choices: BTreeMap<u64, bool>,
    begun: bool,
    over: bool,
}

impl Completions {
    pub(super) fn chat(include_usage: bool) -> Self {
        Self::new(true, include_usage)
    }

    pub(super) fn text(include_usage: bool) -> Self {
        Self::new(false, include_usage)
    }

    fn new(chat: bool, include_usage: bool) -> Self {
        let (head, choices) = (Map::new(), BTreeMap::new());
        Self { chat, include_usage, head, choices, begun: false, over: false }
    }

    pub(super) fn chunk(&mut self, chunk: &Value) {
        let Some(choices) = chunk["choices"].as_array() else {
            self.over |= chunk.get("error").is_some();
            return;
        };
        self.begun = true;
        self.learn(chunk);
        for choice in choices {
            let index = choice["index"].as_u64().unwrap_or(0);
            if self.choices.len() < MAX_CHOICES || self.choices.contains_key(&index) {
                *self.choices.entry(index).or_default() |= choice["finish_reason"].is_string();
            }
        }
    }

    /// The first of each that says something: some servers open with an empty chunk.
    fn learn(&mut self, chunk: &Value) {
        for key in ["id", "object", "model", "system_fingerprint"] {
            if !self.head.contains_key(key)
                && let Some(name) = name(&chunk[key])
            {
                self.head.insert(key.to_owned(), name);
            }
        }
        if !self.head.contains_key("created") && chunk["created"].is_number() {
            self.head.insert("created".to_owned(), chunk["created"].clone());
        }
    }

    pub(super) fn done(&mut self) {
        self.over = true;
    }

    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    pub(super) fn is_over(&self) -> bool {
        self.over || !self.choices.is_empty() && self.choices.values().all(|finished| *finished)
    }

    pub(super) fn ending(&self, why: &Why<'_>) -> String {
        let mut out = String::new();
        let mut open: Vec<_> =
            self.choices.iter().filter(|(_, finished)| !**finished).map(|(index, _)| *index).collect();
        if self.choices.is_empty() {
            open.push(0);
        }
        for index in open {
            self.write(&mut out, json!([self.last(index)]), Value::Null, why);
        }
        if self.include_usage {
            self.write(&mut out, json!([]), figures(&why.usage), why);
        }
        out.push_str("data: [DONE]\n\n");
        out
    }

    fn last(&self, index: u64) -> Value {
        if self.chat {
            json!({"index": index, "delta": {}, "logprobs": null, "finish_reason": "length"})
        } else {
            json!({"index": index, "text": "", "logprobs": null, "finish_reason": "length"})
        }
    }

    /// Where usage is asked for, every chunk but the last has a `usage` of null.
    fn write(&self, out: &mut String, choices: Value, usage: Value, why: &Why<'_>) {
        let mut chunk = self.head.clone();
        let object = if self.chat { "chat.completion.chunk" } else { "text_completion" };
        chunk.entry("object").or_insert_with(|| object.into());
        chunk.insert("choices".to_owned(), choices);
        if self.include_usage {
            chunk.insert("usage".to_owned(), usage);
        }
        chunk.insert("attach".to_owned(), why.mark());
        // Writing to a string cannot fail.
        let _ = write!(out, "data: {}\n\n", Value::Object(chunk));
    }
}

fn figures(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.total(),
        "prompt_tokens_details": {"cached_tokens": usage.cache_read},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    })
}
