//! Anthropic's messages and their count.

use super::leaves::Modality;
use super::openai::{CACHE_CONTROL, MODEL};
use super::schema::{
    Field, Holds, Kinds, Shape, content, count, data, each, free, link, number, object, own, schema, switch,
    text, texts, word,
};
use crate::json::Value;

/// `POST /v1/messages` and `POST /v1/messages/count_tokens`
pub(super) static MESSAGES: Shape = Shape(&[
    MODEL,
    count("max_tokens"),
    each("messages", &MESSAGE),
    content("system", &BLOCK),
    switch("stream"),
    number("temperature"),
    each("tools", &TOOL),
    object("tool_choice", &TOOL_CHOICE),
    own("metadata"),
    texts("stop_sequences"),
    number("top_p"),
    count("top_k"),
    object("thinking", &THINKING),
    word("service_tier"),
    object("container", &CONTAINER).or(Kinds::STRING).state(),
    Field::new("mcp_servers", Kinds::ARRAY, Holds::Free),
    free("context_management"),
    object("output_config", &OUTPUT_CONFIG),
    object("output_format", &FORMAT),
    word("inference_geo"),
    object("cache_control", &CACHE_CONTROL),
]);

static MESSAGE: Shape = Shape(&[word("role"), content("content", &BLOCK)]);

/// A content block of any type. What a model thought is text: it comes back with the values that were restored
/// in it, and redacting these again gives the very text that its signature is for.
static BLOCK: Shape = Shape(&[
    word("type"),
    text("text"),
    object("cache_control", &CACHE_CONTROL),
    word("id"),
    word("name"),
    Field::new("input", Kinds::OBJECT.or(Kinds::STRING), Holds::Arguments),
    word("tool_use_id"),
    content("content", &BLOCK).or(Kinds::OBJECT),
    switch("is_error"),
    Field::new("source", Kinds::OBJECT.or(Kinds::STRING), Holds::Source),
    text("thinking"),
    Field::new("signature", Kinds::STRING, Holds::Nothing),
    data("data", Modality::Encrypted),
    data("encrypted_content", Modality::Encrypted),
    text("title"),
    text("context"),
    free("citations"),
    word("file_id").state(),
    word("server_name"),
]);

/// The fields of a source: where an image or a document comes from.
const fn source(data: Field, modality: Modality) -> [Field; 6] {
    let url = link("url", modality);
    let content = content("content", &BLOCK);
    [word("type"), word("media_type"), data, url, word("file_id").state(), content]
}

static IMAGE: [Field; 6] = source(data("data", Modality::Image), Modality::Image);
static DOCUMENT: [Field; 6] = source(data("data", Modality::File), Modality::File);
static TEXT: [Field; 6] = source(text("data"), Modality::File);

static IMAGE_SOURCE: Shape = Shape(&IMAGE);
static DOCUMENT_SOURCE: Shape = Shape(&DOCUMENT);
static TEXT_SOURCE: Shape = Shape(&TEXT);

#[cfg(test)]
pub(super) static SOURCES: [&Shape; 3] = [&IMAGE_SOURCE, &DOCUMENT_SOURCE, &TEXT_SOURCE];

/// The shape of a source by its own type and that of the block around it: the same field has text or data.
pub(super) fn source_shape(source: Value<'_>) -> &'static Shape {
    let is = |object: Value<'_>, name: &str| {
        object.get("type").and_then(Value::as_str).is_some_and(|found| found == name)
    };
    if is(source, "text") {
        &TEXT_SOURCE
    } else if source.parent().is_some_and(|block| is(block, "image")) {
        &IMAGE_SOURCE
    } else {
        &DOCUMENT_SOURCE
    }
}

static TOOL: Shape = Shape(&[
    word("name"),
    text("description"),
    schema("input_schema"),
    word("type"),
    object("cache_control", &CACHE_CONTROL),
    switch("strict"),
    switch("defer_loading"),
    Field::new("input_examples", Kinds::ARRAY, Holds::Own),
]);

static TOOL_CHOICE: Shape = Shape(&[word("type"), word("name"), switch("disable_parallel_tool_use")]);
static THINKING: Shape = Shape(&[word("type"), count("budget_tokens"), word("display")]);
static CONTAINER: Shape = Shape(&[word("id"), free("skills")]);
static OUTPUT_CONFIG: Shape = Shape(&[word("effort"), object("format", &FORMAT)]);
static FORMAT: Shape = Shape(&[word("type"), schema("schema")]);
