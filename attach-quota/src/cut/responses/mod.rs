//! Responses (OpenAI API reference, "Streaming events").

use std::collections::BTreeMap;

use attach_core::Usage;
use serde_json::{Map, Value, json};

use self::item::Item;
use super::tracker::{Why, event, name};

mod item;
mod piece;

/// How many bytes of the answer are kept, because its end repeats it: more than any model's longest answer.
const ROOM: usize = 1 << 20;

/// What an entry costs besides its text.
const OVERHEAD: usize = 256;

/// The largest response object that is kept as it came; of a larger one only what it is called.
const MAX_HEAD: usize = 64 << 10;

#[derive(Default)]
pub(crate) struct Responses {
    /// The response object as it was opened.
    head: Option<Map<String, Value>>,
    /// The last `sequence_number`; `None` where the server sends none.
    sequence: Option<u64>,
    items: BTreeMap<u64, Item>,
    /// There was more than [`ROOM`]: of what follows nothing is kept, and nothing is repeated.
    full: bool,
    over: bool,
}

impl Responses {
    pub(super) fn event(&mut self, kind: &str, mut data: Value) {
        if let Some(number) = data["sequence_number"].as_u64() {
            self.sequence = self.sequence.max(Some(number));
        }
        match kind {
            "response.created" | "response.queued" | "response.in_progress" => {
                self.open(data["response"].take());
            }
            "response.completed" | "response.incomplete" | "response.failed" | "error" => self.over = true,
            _ => {}
        }
        let Some(index) = data["output_index"].as_u64().filter(|_| !self.full) else { return };
        match kind {
            "response.output_item.added" => self.put(index, Item::new(data["item"].take())),
            "response.output_item.done" => self.put(index, Item::done(data["item"].take())),
            _ => {
                if let Some(item) = self.items.get_mut(&index) {
                    item.event(kind, &mut data);
                }
            }
        }
        self.full = self.items.values().map(|item| item.size() + OVERHEAD).sum::<usize>() > ROOM;
        if self.full {
            self.items.clear();
        }
    }

    fn open(&mut self, response: Value) {
        let Value::Object(mut response) = response else { return };
        if response.values().map(piece::size).sum::<usize>() > MAX_HEAD {
            response.retain(|key, value| match key.as_str() {
                "id" | "model" | "object" => name(value).is_some(),
                "created_at" => value.is_number(),
                _ => false,
            });
        }
        self.head = Some(response);
    }

    fn put(&mut self, index: u64, item: Item) {
        self.items.insert(index, item);
    }

    pub(super) fn has_begun(&self) -> bool {
        self.head.is_some()
    }

    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    pub(super) fn ending(&self, why: &Why<'_>) -> String {
        let (mut out, mut sequence) = (String::new(), self.sequence);
        let mut send = |mut data: Value| {
            sequence = sequence.map(|number| number.saturating_add(1));
            if let Some(number) = sequence {
                data["sequence_number"] = number.into();
            }
            event(&mut out, &data);
        };
        let mut output = Vec::with_capacity(self.items.len());
        for (index, item) in &self.items {
            let (closing, whole) = item.ending(*index);
            closing.into_iter().for_each(&mut send);
            output.push(whole);
        }
        let mut response = self.head.clone().unwrap_or_default();
        response.extend([
            ("status".to_owned(), "incomplete".into()),
            ("incomplete_details".to_owned(), json!({"reason": "max_output_tokens"})),
            ("output".to_owned(), output.into()),
            ("usage".to_owned(), figures(&why.usage)),
        ]);
        send(json!({"type": "response.incomplete", "response": response, "attach": why.mark()}));
        out
    }
}

fn figures(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cache_read},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total(),
    })
}
