//! Where the pieces of running texts stand that are judged.
//!
//! Sources: as `restore::delta`; Anthropic API reference, "Extended thinking" (`thinking_delta`); Mistral documentation,
//! "Reasoning" (content as a list of parts, in streams as well).

use attach_core::json::{Kind, NodeId, Value};

use crate::restore::{Field, Slot, deltas as restored};

/// The pieces of running texts in an event: those that are restored, and others.
pub(super) fn deltas(event: Value<'_>) -> Vec<(Slot, NodeId)> {
    let mut found = restored(event);
    found.extend(thinking(event));
    for (at, choice) in event.get("choices").into_iter().flat_map(Value::elements).enumerate() {
        let index = choice.get("index").and_then(Value::as_u64).unwrap_or(at as u64);
        let content = choice.get("delta").and_then(|delta| delta.get("content"));
        for part in content.into_iter().flat_map(Value::elements) {
            found.extend(text(part.get("text"), Slot::new(index, Field::Content, 0)));
            let thoughts = part.get("thinking").into_iter().flat_map(Value::elements);
            let slot = Slot::new(index, Field::ReasoningContent, 0);
            found.extend(thoughts.filter_map(|thought| text(thought.get("text"), slot)));
            found.extend(text(part.get("thinking"), slot));
        }
    }
    found
}

/// A piece of Anthropic's thinking, which is not restored, and so is no delta elsewhere.
fn thinking(event: Value<'_>) -> Option<(Slot, NodeId)> {
    let index = event.get("index")?.as_u64()?;
    text(event.get("delta")?.get("thinking"), Slot::new(index, Field::BlockThinking, 0))
}

fn text(value: Option<Value<'_>>, slot: Slot) -> Option<(Slot, NodeId)> {
    value.filter(|value| value.kind() == Kind::String).map(|value| (slot, value.id()))
}
