//! The pieces that an output item grows by.

use serde_json::{Value, json};

/// A text that arrives in deltas: where it stands in its item, and what its events are called.
pub(super) struct Text {
    /// The event's type without `.delta` or `.done`.
    pub(super) event: &'static str,
    pub(super) part: Option<&'static Part>,
    /// Of the part, or of the item where the text is in no part.
    pub(super) field: &'static str,
}

/// A part of an item: an element of one of its arrays.
pub(super) struct Part {
    /// The event's type without `.added` or `.done`.
    pub(super) event: &'static str,
    pub(super) array: &'static str,
    pub(super) index: &'static str,
}

pub(super) static CONTENT: Part =
    Part { event: "response.content_part", array: "content", index: "content_index" };
pub(super) static SUMMARY: Part =
    Part { event: "response.reasoning_summary_part", array: "summary", index: "summary_index" };

pub(super) static TEXTS: [Text; 7] = [
    Text { event: "response.output_text", part: Some(&CONTENT), field: "text" },
    Text { event: "response.refusal", part: Some(&CONTENT), field: "refusal" },
    Text { event: "response.reasoning_text", part: Some(&CONTENT), field: "text" },
    Text { event: "response.reasoning_summary_text", part: Some(&SUMMARY), field: "text" },
    Text { event: "response.function_call_arguments", part: None, field: "arguments" },
    Text { event: "response.mcp_call_arguments", part: None, field: "arguments" },
    Text { event: "response.custom_tool_call_input", part: None, field: "input" },
];

impl Text {
    pub(super) fn of(kind: &str) -> Option<&'static Self> {
        TEXTS.iter().find(|text| text.event == kind)
    }

    /// The event that ends it, for the text `value`.
    pub(super) fn done(&self, value: &Value) -> Value {
        let mut event = json!({"type": format!("{}.done", self.event)});
        event[self.field] = value.clone();
        if self.event == "response.output_text" {
            event["logprobs"] = json!([]);
        }
        event
    }
}

impl Part {
    pub(super) fn of(kind: &str) -> Option<&'static Self> {
        [&CONTENT, &SUMMARY].into_iter().find(|part| part.event == kind)
    }
}

/// Roughly the bytes of a value.
pub(super) fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(|value| size(value) + 16).sum(),
        Value::Object(members) => members.iter().map(|(key, value)| key.len() + size(value) + 32).sum(),
        _ => 8,
    }
}
