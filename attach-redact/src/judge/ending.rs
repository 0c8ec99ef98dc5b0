//! The end of a stream that is blocked, in the words of its dialect's content filter.
//!
//! Sources: as [`withheld`]; OpenAI API reference, "The chat completion chunk object" and "Responses streaming
//! events"; Anthropic API reference, "Streaming messages".

use std::collections::BTreeMap;

use attach_core::json::Value;
use attach_core::{Api, Usage};
use serde_json::{Map, json};

use super::withheld;

/// More choices or blocks than anybody asks for.
const MOST: usize = 128;
/// The largest response object that is kept.
const HEAD: usize = 64 << 10;

/// What has to be known of a stream to end it.
pub(super) struct Ending {
    api: Api,
    /// What every event repeats; the response object of the Responses API.
    head: Map<String, serde_json::Value>,
    /// The choices, and whether the client has been told why each ended.
    choices: BTreeMap<u64, bool>,
    /// Content blocks that the client has seen begin and not end.
    open: Vec<u64>,
    /// The last number of an event that has gone on.
    sequence: Option<u64>,
}

impl Ending {
    pub(super) fn new(api: Api) -> Self {
        Self { api, head: Map::new(), choices: BTreeMap::new(), open: Vec::new(), sequence: None }
    }

    /// Learns from an event as it comes.
    pub(super) fn begun(&mut self, event: Value<'_>) {
        if let Some(response) = event.get("response").filter(|value| value.get("object").is_some()) {
            if self.head.is_empty() && response.raw().len() <= HEAD {
                self.head = serde_json::from_slice(response.raw()).unwrap_or_default();
            }
            return;
        }
        for key in ["id", "object", "created", "model", "system_fingerprint", "created_at"] {
            let known = self.head.get(key).is_some_and(|known| known != "") && key != "created_at";
            let value = event.get(key).filter(|value| !known && value.raw().len() <= HEAD);
            let value = value.and_then(|value| serde_json::from_slice(value.raw()).ok());
            if let Some(value) = value.filter(|value| withheld::is_of_server(key, value)) {
                self.head.insert(key.to_owned(), value);
            }
        }
        for (index, _) in choices(event) {
            if self.choices.len() < MOST {
                self.choices.entry(index).or_default();
            }
        }
    }

    /// Learns from an event that goes on.
    pub(super) fn gone(&mut self, event: Value<'_>) {
        self.sequence = event.get("sequence_number").and_then(Value::as_u64).or(self.sequence);
        for (index, _) in choices(event).into_iter().filter(|(_, finished)| *finished) {
            // Those that are known: a stream may name any number of others.
            if let Some(told) = self.choices.get_mut(&index) {
                *told = true;
            }
        }
        let index = event.get("index").and_then(Value::as_u64);
        match (event.get("type").and_then(Value::as_str).as_deref(), index) {
            (Some("content_block_start"), Some(index)) if self.open.len() < MOST => self.open.push(index),
            (Some("content_block_stop"), Some(index)) => self.open.retain(|open| *open != index),
            _ => {}
        }
    }

    /// The events that end the answer, of which `usage` was used.
    pub(super) fn events(&self, usage: Usage) -> bytes::Bytes {
        let events = match self.api {
            Api::AnthropicMessages => self.anthropic(usage),
            Api::OllamaChat | Api::OllamaGenerate => self.ollama(usage),
            Api::OpenAiResponses => self.responses(),
            _ => self.openai(),
        };
        events.into()
    }

    fn openai(&self) -> String {
        let open = self.choices.iter().filter(|(_, finished)| !**finished).map(|(index, _)| *index);
        let mut open: Vec<u64> = open.collect();
        if self.choices.is_empty() {
            open.push(0);
        }
        let choices: Vec<_> = open.into_iter().map(|index| self.choice(index)).collect();
        let mut chunk = self.head.clone();
        chunk.remove("created_at");
        chunk.insert("choices".into(), choices.into());
        chunk.insert("attach".into(), withheld::mark());
        format!("data: {}\n\ndata: [DONE]\n\n", serde_json::Value::Object(chunk))
    }

    fn choice(&self, index: u64) -> serde_json::Value {
        if self.api == Api::OpenAiCompletions {
            json!({"index": index, "text": "", "logprobs": null, "finish_reason": "content_filter"})
        } else {
            json!({"index": index, "delta": {}, "logprobs": null, "finish_reason": "content_filter"})
        }
    }

    fn anthropic(&self, usage: Usage) -> String {
        let stops = self.open.iter().map(|index| json!({"type": "content_block_stop", "index": index}));
        let ends = [
            json!({
                "type": "message_delta",
                "delta": {"stop_reason": "refusal", "stop_sequence": null},
                "usage": {"output_tokens": usage.output},
                "attach": withheld::mark(),
            }),
            json!({"type": "message_stop"}),
        ];
        stops.chain(ends).map(|event| named(&event)).collect()
    }

    fn ollama(&self, usage: Usage) -> String {
        let mut line = Map::new();
        for key in ["model", "created_at"] {
            line.extend(self.head.get(key).map(|value| (key.to_owned(), value.clone())));
        }
        line.extend(withheld::ollama(self.api));
        line.insert("prompt_eval_count".into(), usage.input.into());
        line.insert("eval_count".into(), usage.output.into());
        line.insert("attach".into(), withheld::mark());
        format!("{}\n", serde_json::Value::Object(line))
    }

    fn responses(&self) -> String {
        let response = withheld::response(self.head.clone());
        let mut event =
            json!({"type": "response.incomplete", "response": response, "attach": withheld::mark()});
        if let Some(number) = self.sequence {
            event["sequence_number"] = number.saturating_add(1).into();
        }
        named(&event)
    }
}

/// The choices in an event, and whether each is told to end.
fn choices(event: Value<'_>) -> Vec<(u64, bool)> {
    let choices = event.get("choices").into_iter().flat_map(Value::elements);
    let choices = choices.enumerate().map(|(at, choice)| {
        let index = choice.get("index").and_then(Value::as_u64).unwrap_or(at as u64);
        (index, choice.get("finish_reason").is_some_and(|reason| !reason.is_null()))
    });
    choices.collect()
}

fn named(event: &serde_json::Value) -> String {
    format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default())
}
