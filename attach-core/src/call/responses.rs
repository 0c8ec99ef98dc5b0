//! OpenAI's Responses.

use super::leaves::{Modality, StateUse};
use super::openai::{AUDIO_INPUT, MODEL, TOOL, TOOL_CHOICE};
use super::schema::{
    Field, Holds, Kinds, Shape, content, count, data, each, free, link, number, object, own, schema, switch,
    text, texts, word, words,
};
use crate::json::Value;

/// `POST /v1/responses`
pub(super) static RESPONSES: Shape = Shape(&[
    MODEL,
    content("input", &ITEM),
    content("instructions", &ITEM),
    switch("stream"),
    count("max_output_tokens"),
    number("temperature"),
    each("tools", &TOOL),
    TOOL_CHOICE,
    object("text", &TEXT),
    object("reasoning", &REASONING),
    word("previous_response_id").state(),
    object("conversation", &IDENTIFIED).or(Kinds::STRING).state(),
    object("prompt", &STORED_PROMPT).state(),
    switch("store").state(),
    switch("background").state(),
    own("metadata"),
    text("user"),
    text("safety_identifier"),
    number("top_p"),
    count("top_logprobs"),
    count("max_tool_calls"),
    switch("parallel_tool_calls"),
    word("truncation"),
    word("service_tier"),
    word("prompt_cache_key"),
    word("prompt_cache_retention"),
    words("include"),
    object("stream_options", &STREAM_OPTIONS),
]);

/// An input item: a message, a tool call, a tool's result, hidden reasoning.
static ITEM: Shape = Shape(&[
    word("type"),
    word("role"),
    content("content", &PART),
    word("id"),
    word("status"),
    word("phase"),
    word("call_id"),
    word("name"),
    Field::new("arguments", Kinds::STRING.or(Kinds::OBJECT), Holds::Arguments),
    text("input"),
    content("output", &PART).or(Kinds::OBJECT),
    each("summary", &PART),
    data("encrypted_content", Modality::Encrypted),
    data("result", Modality::Image),
    free("action"),
    free("results"),
    texts("queries"),
    text("code"),
    word("container_id").state(),
    each("tools", &TOOL),
    text("reason"),
    switch("approve"),
    word("approval_request_id"),
]);

static PART: Shape = Shape(&[
    word("type"),
    text("text"),
    link("image_url", Modality::Image),
    word("detail"),
    word("file_id").state(),
    data("file_data", Modality::File),
    link("file_url", Modality::File),
    text("filename"),
    object("input_audio", &AUDIO_INPUT),
    text("refusal"),
]);

static IDENTIFIED: Shape = Shape(&[word("id")]);
static STORED_PROMPT: Shape = Shape(&[word("id"), word("version"), own("variables")]);
static REASONING: Shape = Shape(&[word("effort"), word("summary"), word("generate_summary")]);
static TEXT: Shape = Shape(&[object("format", &FORMAT), word("verbosity")]);
static FORMAT: Shape =
    Shape(&[word("type"), word("name"), text("description"), schema("schema"), switch("strict")]);
static STREAM_OPTIONS: Shape = Shape(&[switch("include_obfuscation"), switch("include_usage")]);

/// The input items that only name an item which the provider keeps: the type `item_reference` may be left out.
pub(super) fn references(root: Value<'_>) -> impl Iterator<Item = StateUse> {
    let items = root.get("input").into_iter().flat_map(Value::elements);
    items.filter(|item| is_reference(*item)).map(|item| StateUse::new(item.id(), "item_reference"))
}

fn is_reference(item: Value<'_>) -> bool {
    match item.get("type").and_then(Value::as_str) {
        Some(name) => name == "item_reference",
        // Null is absent: servers read it so.
        None => {
            let has = |key| item.get(key).is_some_and(|value| !value.is_null());
            has("id") && !(has("role") && has("content"))
        }
    }
}
