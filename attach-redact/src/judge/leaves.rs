//! The texts of an answer, or of an event, that stand in it as a whole.

use std::hash::RandomState;

use attach_core::Api;
use attach_core::json::{Kind, NodeId, Value};

use super::mask::Form;
use super::paths::Paths;

/// A string or a number that a model may have written, or the key of one.
pub(super) struct Leaf {
    pub(super) node: NodeId,
    pub(super) is_key: bool,
    pub(super) form: Form,
    pub(super) text: String,
    /// Where it stands, if a later event may go on with it there. What a tool is called with comes as a whole.
    pub(super) path: Option<u64>,
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

/// The texts in `root`, but for the values in `without`, which are in their order.
pub(super) fn leaves(api: Api, root: Value<'_>, without: &[NodeId], hasher: &RandomState) -> Vec<Leaf> {
    let (mut found, mut paths) = (Vec::new(), Paths::new(hasher));
    let (mut skipped_to, mut free_to) = (0, 0);
    for value in std::iter::once(root).chain(root.descendants()) {
        let span = value.span();
        if span.start < skipped_to {
            continue;
        }
        let free = span.start < free_to;
        let (path, key) = (paths.of(value), value.key());
        if !free && key.as_deref().is_some_and(|key| is_servers(api, key, value))
            || without.binary_search(&value.id()).is_ok()
        {
            skipped_to = span.end;
            continue;
        }
        if !free && is_input(value, key.as_deref()) {
            free_to = span.end;
        }
        if free && let Some(key) = key.as_deref() {
            found.push(Leaf { is_key: true, path: None, ..Leaf::new(value, key.to_owned()) });
        }
        if let Some(text) = value.as_str() {
            let form = if is_json(key.as_deref()) { Form::Json } else { Form::Text };
            found.push(Leaf { form, path: (!free).then_some(path), ..Leaf::new(value, text.into_owned()) });
        } else if free && value.kind() == Kind::Number {
            let text = String::from_utf8_lossy(value.raw()).into_owned();
            found.push(Leaf { form: Form::Number, ..Leaf::new(value, text) });
        }
    }
    found.retain(|leaf| !leaf.text.is_empty());
    found
}

impl Leaf {
    fn new(value: Value<'_>, text: String) -> Self {
        Self { node: value.id(), is_key: false, form: Form::Text, text, path: None }
    }
}

/// What a tool is called with, as JSON in the answer's: all of it is the model's.
fn is_input(value: Value<'_>, key: Option<&str>) -> bool {
    matches!(value.kind(), Kind::Object | Kind::Array)
        && matches!(key, Some("input" | "arguments" | "parameters"))
}

/// What a tool is called with, as JSON in a string.
fn is_json(key: Option<&str>) -> bool {
    matches!(key, Some("arguments" | "partial_json"))
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
