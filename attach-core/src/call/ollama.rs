//! Ollama's chat, generate, embed and show.

use super::leaves::Modality;
use super::openai::{MODEL, TOOL, TOOL_CALL};
use super::schema::{Field, Holds, Kinds, Shape, count, data, each, number, object, switch, text, word};

/// `POST /api/chat`. A bare `prompt` is ours: see [`Payload::parse`](crate::Payload::parse).
pub(super) static CHAT: Shape = Shape(&[
    MODEL,
    each("messages", &MESSAGE),
    switch("stream"),
    OPTIONS_FIELD,
    each("tools", &TOOL),
    FORMAT,
    KEEP_ALIVE,
    THINK,
    switch("truncate"),
    switch("shift"),
    switch("logprobs"),
    count("top_logprobs"),
    text("prompt"),
]);

/// `POST /api/generate`
pub(super) static GENERATE: Shape = Shape(&[
    MODEL,
    text("prompt"),
    text("system"),
    switch("stream"),
    OPTIONS_FIELD,
    FORMAT,
    IMAGES,
    text("suffix"),
    text("template"),
    Field::new("context", Kinds::ARRAY, Holds::Data(Modality::TokenIds)),
    switch("raw"),
    KEEP_ALIVE,
    THINK,
    switch("truncate"),
    switch("shift"),
    switch("logprobs"),
    count("top_logprobs"),
]);

/// `POST /api/embed`
pub(super) static EMBED: Shape = Shape(&[
    MODEL,
    Field::new("input", Kinds::STRING.or(Kinds::ARRAY), Holds::Prompt),
    text("prompt"),
    switch("truncate"),
    count("dimensions"),
    OPTIONS_FIELD,
    KEEP_ALIVE,
]);

/// `POST /api/show`
pub(super) static SHOW: Shape = Shape(&[
    MODEL,
    Field::new("name", Kinds::STRING, Holds::Nothing),
    switch("verbose"),
    text("system"),
    text("template"),
    OPTIONS_FIELD,
]);

const OPTIONS_FIELD: Field = object("options", &OPTIONS);
/// `"json"`, or the schema of the answer.
const FORMAT: Field = Field::new("format", Kinds::STRING.or(Kinds::OBJECT), Holds::Schema);
const KEEP_ALIVE: Field = word("keep_alive").or(Kinds::NUMBER);
const THINK: Field = word("think").or(Kinds::BOOL);
const IMAGES: Field = data("images", Modality::Image).or(Kinds::ARRAY);

static MESSAGE: Shape = Shape(&[
    word("role"),
    text("content"),
    each("tool_calls", &TOOL_CALL),
    word("tool_name"),
    word("tool_call_id"),
    text("thinking"),
    IMAGES,
]);

static OPTIONS: Shape = Shape(&[
    count("num_predict"),
    count("num_ctx"),
    number("temperature"),
    number("seed"),
    count("top_k"),
    number("top_p"),
    number("min_p"),
    number("typical_p"),
    number("repeat_penalty"),
    count("repeat_last_n"),
    number("presence_penalty"),
    number("frequency_penalty"),
    text("stop").or(Kinds::ARRAY),
    count("num_keep"),
    count("num_batch"),
    count("num_gpu"),
    count("main_gpu"),
    count("num_thread"),
    switch("use_mmap"),
]);
