//! The texts of an answer, or of an event, that stand in it as a whole.

use std::hash::{BuildHasher, RandomState};

use attach_core::Api;
use attach_core::json::{Kind, NodeId, Value};

use super::mask::Form;
use super::paths::Paths;
use super::sound::{Sound, sound};
use super::tokens;

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
const SERVERS: [&str; 26] = [
    "call_id",
    "created_at",
    "done_reason",
    "encrypted_content",
    "finish_reason",
    "format",
    "id",
    "inference_geo",
    "item_id",
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
const REPEATED: [&str; 12] = [
    "instructions",
    "metadata",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "text",
    "tool_choice",
    "tools",
    "truncation",
    "user",
];

/// What is in an answer, or in an event.
#[derive(Default)]
pub(super) struct Found {
    pub(super) leaves: Vec<Leaf>,
    /// Sound that stands in it as a whole.
    pub(super) sounds: Vec<Sound>,
}

/// What is in `root`, but for the values in `without`, which are in their order.
pub(super) fn found(api: Api, root: Value<'_>, without: &[NodeId], hasher: &RandomState) -> Found {
    let (mut found, mut paths) = (Found::default(), Paths::new(hasher));
    let (mut skipped_to, mut free_to) = (0, 0);
    for value in std::iter::once(root).chain(root.descendants()) {
        let span = value.span();
        if span.start < skipped_to {
            continue;
        }
        let (path, key) = (paths.of(value), value.key());
        let key = key.as_deref();
        if without.binary_search(&value.id()).is_ok() {
            skipped_to = span.end;
        } else if span.start < free_to {
            found.take_all(value, key);
        } else if key.is_some_and(|key| is_servers(api, key, value)) {
            skipped_to = span.end;
        } else if key == Some("logprobs") {
            found.leaves.extend(tokens(value, path, hasher));
            skipped_to = span.end;
        } else if let Some(sound) = key.and_then(|key| sound(key, value)) {
            found.sounds.push(sound);
        } else if is_input(value, key) {
            free_to = span.end;
        } else if let Some(text) = value.as_str() {
            let form = if is_json(key) { Form::Json } else { Form::Text };
            found.leaves.push(Leaf { form, path: Some(path), ..Leaf::new(value, text.into_owned()) });
        }
    }
    found.leaves.retain(|leaf| !leaf.text.is_empty());
    found
}

impl Found {
    /// Takes what a tool is called with, keys and numbers, too.
    fn take_all(&mut self, value: Value<'_>, key: Option<&str>) {
        if let Some(key) = key {
            self.leaves.push(Leaf { is_key: true, ..Leaf::new(value, key.to_owned()) });
        }
        if let Some(text) = value.as_str() {
            let form = if is_json(key) { Form::Json } else { Form::Text };
            self.leaves.push(Leaf { form, ..Leaf::new(value, text.into_owned()) });
        } else if value.kind() == Kind::Number {
            let text = String::from_utf8_lossy(value.raw()).into_owned();
            self.leaves.push(Leaf { form: Form::Number, ..Leaf::new(value, text) });
        }
    }
}

/// What the tokens in `logprobs`, which stand at `path`, say: once as text, once as bytes.
fn tokens(logprobs: Value<'_>, path: u64, hasher: &RandomState) -> [Leaf; 2] {
    let (text, bytes) = tokens::said(logprobs);
    [(text, 0_u8), (bytes, 1)].map(|(said, way)| {
        let path = Some(hasher.hash_one((path, way)));
        Leaf { form: Form::Tokens, path, ..Leaf::new(logprobs, said) }
    })
}

impl Leaf {
    fn new(value: Value<'_>, text: String) -> Self {
        Self { node: value.id(), is_key: false, form: Form::Text, text, path: None }
    }
}

/// What a tool is called with, as JSON in the answer's: all of it is the model's.
pub(super) fn is_input(value: Value<'_>, key: Option<&str>) -> bool {
    matches!(value.kind(), Kind::Object | Kind::Array)
        && matches!(key, Some("input" | "arguments" | "parameters"))
}

/// What a tool is called with, as JSON in a string.
fn is_json(key: Option<&str>) -> bool {
    matches!(key, Some("arguments" | "partial_json"))
}

fn is_servers(api: Api, key: &str, value: Value<'_>) -> bool {
    let is_one = !matches!(value.kind(), Kind::Object | Kind::Array);
    is_one && (SERVERS.binary_search(&key).is_ok() || key == "data" && is_encrypted(value))
        || api == Api::OpenAiResponses && REPEATED.contains(&key) && value.parent().is_some_and(is_response)
}

/// Whether only the provider can read this: redacted thinking of Anthropic's, encrypted reasoning of others.
fn is_encrypted(data: Value<'_>) -> bool {
    let kind = data.parent().and_then(|parent| parent.get("type")?.as_str());
    kind.is_some_and(|kind| kind == "redacted_thinking" || kind.ends_with(".encrypted"))
}

/// Whether this is the response object of the Responses API: an answer, or a member of an event.
fn is_response(value: Value<'_>) -> bool {
    let is_object =
        |value: Value<'_>| value.get("object").and_then(Value::as_str).as_deref() == Some("response");
    is_object(value) && value.parent().is_none_or(|parent| parent.parent().is_none())
}
