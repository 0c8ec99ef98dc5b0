//! Messages (Anthropic API reference, "Streaming messages").

use serde_json::{Value, json};

use super::tracker::{Why, event};

/// Blocks follow each other, so that one is open at a time; a server that opens them side by side gets this far.
const MAX_OPEN: usize = 64;

/// Id and model are in `message_start` only, so there is nothing of them to repeat.
#[derive(Default)]
pub(crate) struct Messages {
    begun: bool,
    over: bool,
    /// The blocks that were started and not stopped, in that order.
    open: Vec<u64>,
}

impl Messages {
    pub(super) fn event(&mut self, kind: &str, data: &Value) {
        match (kind, data["index"].as_u64()) {
            ("message_start", _) => self.begun = true,
            ("content_block_start", Some(index)) if self.may_open(index) => self.open.push(index),
            ("content_block_stop", Some(index)) => self.open.retain(|open| *open != index),
            ("message_delta", _) => self.over |= data["delta"]["stop_reason"].is_string(),
            ("message_stop" | "error", _) => self.over = true,
            _ => {}
        }
    }

    fn may_open(&self, index: u64) -> bool {
        self.open.len() < MAX_OPEN && !self.open.contains(&index)
    }

    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// A tool's input that was not whole yet stays so: `max_tokens` is how clients know that it may be.
    pub(super) fn ending(&self, why: &Why<'_>) -> String {
        let mut out = String::new();
        for index in &self.open {
            event(&mut out, &json!({"type": "content_block_stop", "index": index}));
        }
        event(
            &mut out,
            &json!({
                "type": "message_delta",
                "delta": {"stop_reason": "max_tokens", "stop_sequence": null},
                "usage": {"output_tokens": why.usage.output},
                "attach": why.mark(),
            }),
        );
        event(&mut out, &json!({"type": "message_stop", "attach": why.mark()}));
        out
    }
}
