//! The texts of an answer, or of an event, that stand in it as a whole.

use attach_core::Api;
use attach_core::json::{Document, Edit, Kind, NodeId, Value};

use super::mask::Form;

/// A string that a model may have written, or the key of one.
pub(super) struct Leaf {
    pub(super) node: NodeId,
    pub(super) is_key: bool,
    pub(super) form: Form,
    pub(super) text: String,
}

/// What the server says, not the model: names, ids, reasons, and what only the provider can read.
const SERVERS: [&str; 27] = [
    "call_id",
    "created_at",
    "data",
    "done_reason",
    "encrypted_content",
    "finish_reason",
    "format",
    "id",
    "item_id",
    "logprobs",
    "model",
    "native_finish_reason",
    "obfuscation",
    "object",
    "previous_response_id",
    "provider",
    "reason",
    "response_id",
    "role",
    "service_tier",
    "signature",
    "status",
    "stop_reason",
    "stop_sequence",
    "system_fingerprint",
    "tool_call_id",
    "type",
];

/// What the Responses API repeats of the request.
const REPEATED: [&str; 10] = [
    "instructions",
    "metadata",
    "prompt",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "text",
    "tool_choice",
    "tools",
    "user",
];

/// The texts in `root`, but for the values in `without`.
pub(super) fn leaves(api: Api, root: Value<'_>, without: &[NodeId]) -> Vec<Leaf> {
    let mut found = Vec::new();
    let (mut skipped_to, mut free_to) = (0, 0);
    for value in std::iter::once(root).chain(root.descendants()) {
        let span = value.span();
        if span.start < skipped_to {
            continue;
        }
        let free = span.start < free_to;
        let key = value.key();
        if !free && key.as_deref().is_some_and(|key| is_servers(api, key, value))
            || without.contains(&value.id())
        {
            skipped_to = span.end;
            continue;
        }
        let is_object = matches!(value.kind(), Kind::Object | Kind::Array);
        if !free && is_object && matches!(key.as_deref(), Some("input" | "arguments" | "parameters")) {
            // What a tool is called with: all of it is the model's.
            free_to = span.end;
        }
        if free && let Some(key) = key.as_deref() {
            let leaf = Leaf { node: value.id(), is_key: true, form: Form::Text, text: key.to_owned() };
            found.push(leaf);
        }
        if let Some(text) = value.as_str().filter(|_| value.kind() == Kind::String) {
            let json = matches!(key.as_deref(), Some("arguments" | "partial_json"));
            let form = if json { Form::Json } else { Form::Text };
            found.push(Leaf { node: value.id(), is_key: false, form, text: text.into_owned() });
        }
    }
    found.retain(|leaf| !leaf.text.is_empty());
    found
}

fn is_servers(api: Api, key: &str, value: Value<'_>) -> bool {
    SERVERS.binary_search(&key).is_ok()
        || api == Api::OpenAiResponses && REPEATED.contains(&key) && value.parent().is_some_and(is_response)
}

/// Whether this is the response object of the Responses API: an answer, or a member of an event.
fn is_response(value: Value<'_>) -> bool {
    let is_object =
        |value: Value<'_>| value.get("object").and_then(Value::as_str).as_deref() == Some("response");
    is_object(value) && value.parent().is_none_or(|parent| parent.parent().is_none())
}

/// What takes the tokens out that repeat, one by one, a text in which something was masked.
pub(super) fn without_tokens(document: &Document) -> Vec<Edit> {
    let (mut edits, mut within) = (Vec::new(), 0);
    for value in document.root().descendants() {
        if value.raw_key() == Some(b"logprobs") {
            within = value.span().end.max(within);
        }
        if value.span().start >= within {
            continue;
        }
        match value.kind() {
            Kind::String => edits.push(Edit::string(value.id(), "")),
            Kind::Number if value.key().is_none() => edits.push(Edit::raw(value.id(), "0")),
            _ => {}
        }
    }
    edits
}
