//! Events of our own, for what was held when a running text ends.

use attach_core::json::{Document, Value, escape_into};

use super::delta::{Field, Slot};

/// An event that carries `text` for `slot` and nothing else, in the words of `like`, an event that had a piece of it.
pub(super) fn event(slot: Slot, text: &str, like: &Document) -> Vec<u8> {
    let mut json = Vec::with_capacity(256);
    let (quoted, like) = (quoted(text), like.root());
    match slot.field {
        Field::Message => {
            ollama(r#""message":{"role":"assistant","content":"#, &quoted, "}", like, &mut json);
        }
        Field::MessageThinking => {
            let message = r#""message":{"role":"assistant","content":"","thinking":"#;
            ollama(message, &quoted, "}", like, &mut json);
        }
        Field::Response => ollama(r#""response":"#, &quoted, "", like, &mut json),
        Field::Thinking => ollama(r#""response":"","thinking":"#, &quoted, "", like, &mut json),
        Field::BlockText => anthropic(slot, r#""text_delta","text":"#, &quoted, &mut json),
        Field::BlockJson => anthropic(slot, r#""input_json_delta","partial_json":"#, &quoted, &mut json),
        Field::Item(_) => {
            let keys =
                ["type", "sequence_number", "item_id", "output_index", "content_index", "summary_index"];
            copied(like, &keys, &mut json);
            // Some clients insist on it.
            let logprobs = if like.get("logprobs").is_some() { r#""logprobs":[],"# } else { "" };
            push(&mut json, &[logprobs, r#""delta":"#, &quoted, "}"]);
        }
        _ => openai(slot, &quoted, like, &mut json),
    }
    json
}

fn ollama(before: &str, quoted: &str, after: &str, like: Value<'_>, json: &mut Vec<u8>) {
    copied(like, &["model", "created_at"], json);
    push(json, &[before, quoted, after, r#","done":false}"#]);
}

fn anthropic(slot: Slot, kind: &str, quoted: &str, json: &mut Vec<u8>) {
    let index = slot.choice.to_string();
    push(
        json,
        &[r#"{"type":"content_block_delta","index":"#, &index, r#","delta":{"type":"#, kind, quoted, "}}"],
    );
}

fn openai(slot: Slot, quoted: &str, like: Value<'_>, json: &mut Vec<u8>) {
    copied(like, &["id", "object", "created", "model", "system_fingerprint"], json);
    let (index, item) = (slot.choice.to_string(), slot.item.to_string());
    push(json, &[r#""choices":[{"index":"#, &index, ","]);
    match slot.field {
        Field::Completion => push(json, &[r#""text":"#, quoted]),
        Field::ToolCall => {
            push(
                json,
                &[
                    r#""delta":{"tool_calls":[{"index":"#,
                    &item,
                    r#","function":{"arguments":"#,
                    quoted,
                    "}}]}",
                ],
            );
        }
        Field::CustomCall => {
            let call = r#""delta":{"tool_calls":[{"index":"#;
            push(json, &[call, &item, r#","custom":{"input":"#, quoted, "}}]}"]);
        }
        Field::Transcript => push(json, &[r#""delta":{"audio":{"transcript":"#, quoted, "}}"]),
        Field::FunctionCall => push(json, &[r#""delta":{"function_call":{"arguments":"#, quoted, "}}"]),
        Field::Refusal => push(json, &[r#""delta":{"refusal":"#, quoted, "}"]),
        Field::ReasoningContent => push(json, &[r#""delta":{"reasoning_content":"#, quoted, "}"]),
        Field::Reasoning => push(json, &[r#""delta":{"reasoning":"#, quoted, "}"]),
        _ => push(json, &[r#""delta":{"content":"#, quoted, "}"]),
    }
    push(json, &[r#","finish_reason":null}]}"#]);
}

fn push(json: &mut Vec<u8>, parts: &[&str]) {
    parts.iter().for_each(|part| json.extend_from_slice(part.as_bytes()));
}

/// Opens an object with the members of `like` that are called so.
fn copied(like: Value<'_>, keys: &[&str], json: &mut Vec<u8>) {
    json.push(b'{');
    for (key, value) in keys.iter().filter_map(|key| Some((key, like.get(key)?))) {
        push(json, &["\"", key, "\":"]);
        json.extend_from_slice(value.raw());
        json.push(b',');
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = vec![b'"'];
    escape_into(text, &mut quoted);
    quoted.push(b'"');
    String::from_utf8(quoted).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_a_well_formed_event() {
        let like =
            r#"{"type":"response.output_text.delta","id":"c","model":"m","created_at":"t","item_id":"i"}"#;
        let like = Document::parse(like.into()).expect("is JSON");
        for field in [
            Field::Content,
            Field::Refusal,
            Field::ReasoningContent,
            Field::Reasoning,
            Field::Transcript,
            Field::ToolCall,
            Field::CustomCall,
            Field::FunctionCall,
            Field::Completion,
            Field::Item(super::super::delta::ItemText::Output),
            Field::BlockText,
            Field::BlockJson,
            Field::Message,
            Field::MessageThinking,
            Field::Response,
            Field::Thinking,
        ] {
            let slot = Slot { choice: 3, field, item: 1 };
            let event = Document::parse(event(slot, "P\"\\\n", &like).into()).expect("is JSON");
            let delta = super::super::delta::deltas(event.root());
            let held = delta.iter().find(|delta| delta.slot.field == field).expect("is read as what it is");
            assert_eq!(event.value(held.node).as_str().as_deref(), Some("P\"\\\n"));
        }
    }
}
