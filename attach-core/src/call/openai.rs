//! OpenAI's chat completions, completions and embeddings, with what vLLM and llama.cpp add.

use super::leaves::Modality;
use super::schema::{
    Field, Holds, Kinds, Shape, content, count, data, each, free, link, link_or, number, object, own, schema,
    switch, text, word, words,
};

/// `POST /v1/chat/completions`
pub(super) static CHAT: Shape = Shape(&[
    MODEL,
    each("messages", &MESSAGE),
    switch("stream"),
    number("temperature"),
    count("max_tokens"),
    count("max_completion_tokens"),
    count("n_predict"),
    each("tools", &TOOL),
    TOOL_CHOICE,
    object("stream_options", &STREAM_OPTIONS),
    object("response_format", &RESPONSE_FORMAT),
    text("user"),
    own("metadata"),
    STOP,
    count("n"),
    number("top_p"),
    count("top_k"),
    number("min_p"),
    number("frequency_penalty"),
    number("presence_penalty"),
    number("repetition_penalty"),
    number("seed"),
    own("logit_bias"),
    switch("logprobs"),
    count("top_logprobs"),
    switch("parallel_tool_calls"),
    word("reasoning_effort"),
    word("verbosity"),
    words("modalities"),
    object("audio", &AUDIO_OUTPUT),
    object("prediction", &PREDICTION),
    word("service_tier"),
    switch("store").state(),
    text("safety_identifier"),
    word("prompt_cache_key"),
    word("prompt_cache_retention"),
    free("web_search_options"),
    each("functions", &FUNCTION),
    object("function_call", &NAMED).or(Kinds::STRING),
]);

/// `POST /v1/completions`
pub(super) static COMPLETIONS: Shape = Shape(&[
    MODEL,
    PROMPT,
    switch("stream"),
    count("max_tokens"),
    count("n_predict"),
    number("temperature"),
    object("stream_options", &STREAM_OPTIONS),
    text("suffix"),
    text("user"),
    STOP,
    count("n"),
    count("best_of"),
    switch("echo"),
    number("top_p"),
    count("top_k"),
    number("min_p"),
    number("frequency_penalty"),
    number("presence_penalty"),
    number("repetition_penalty"),
    number("seed"),
    own("logit_bias"),
    count("logprobs"),
    object("response_format", &RESPONSE_FORMAT),
    data("prompt_embeds", Modality::Unknown).or(Kinds::ARRAY),
]);

/// `POST /v1/embeddings`
pub(super) static EMBEDDINGS: Shape = Shape(&[
    MODEL,
    Field::new("input", Kinds::STRING.or(Kinds::ARRAY), Holds::Prompt),
    word("encoding_format"),
    count("dimensions"),
    text("user"),
]);

/// Checked by itself, so never text.
pub(super) const MODEL: Field = Field::new("model", Kinds::STRING, Holds::Nothing);
pub(super) const PROMPT: Field = Field::new("prompt", Kinds::STRING.or(Kinds::ARRAY), Holds::Prompt);
pub(super) const STOP: Field = text("stop").or(Kinds::ARRAY);
pub(super) const TOOL_CHOICE: Field = object("tool_choice", &TOOL_CHOSEN).or(Kinds::STRING);

static MESSAGE: Shape = Shape(&[
    word("role"),
    content("content", &PART),
    each("tool_calls", &TOOL_CALL),
    word("tool_call_id"),
    text("name"),
    object("function_call", &CALLED),
    text("refusal"),
    object("audio", &AUDIO_ANSWER),
    text("reasoning_content"),
    text("reasoning"),
]);

static PART: Shape = Shape(&[
    word("type"),
    text("text"),
    link_or("image_url", Modality::Image, &IMAGE_URL),
    object("input_audio", &AUDIO_INPUT),
    object("file", &FILE),
    text("refusal"),
    link_or("video_url", Modality::Video, &VIDEO_URL),
    link_or("audio_url", Modality::Audio, &AUDIO_URL),
    object("cache_control", &CACHE_CONTROL),
]);

static IMAGE_URL: Shape = Shape(&[link("url", Modality::Image), word("detail")]);
static VIDEO_URL: Shape = Shape(&[link("url", Modality::Video)]);
static AUDIO_URL: Shape = Shape(&[link("url", Modality::Audio)]);

pub(super) static AUDIO_INPUT: Shape = Shape(&[data("data", Modality::Audio), word("format")]);
static AUDIO_OUTPUT: Shape = Shape(&[object("voice", &NAMED).or(Kinds::STRING), word("format")]);
/// An earlier spoken answer, which the provider keeps.
static AUDIO_ANSWER: Shape =
    Shape(&[word("id").state(), data("data", Modality::Audio), text("transcript"), number("expires_at")]);
static FILE: Shape = Shape(&[data("file_data", Modality::File), word("file_id").state(), text("filename")]);
static PREDICTION: Shape = Shape(&[word("type"), content("content", &PART)]);
static STREAM_OPTIONS: Shape = Shape(&[switch("include_usage"), switch("include_obfuscation")]);
static RESPONSE_FORMAT: Shape = Shape(&[word("type"), object("json_schema", &JSON_SCHEMA), schema("schema")]);
static JSON_SCHEMA: Shape = Shape(&[word("name"), text("description"), schema("schema"), switch("strict")]);
pub(super) static CACHE_CONTROL: Shape = Shape(&[word("type"), word("ttl")]);

/// A tool as chat has it (`function` around its definition) or as Responses has it (flat), and the settings of
/// hosted tools that name things the provider keeps.
pub(super) static TOOL: Shape = Shape(&[
    word("type"),
    object("function", &FUNCTION),
    word("name"),
    text("description"),
    schema("parameters"),
    switch("strict"),
    object("custom", &CUSTOM),
    words("vector_store_ids").state(),
    words("file_ids").state(),
    object("container", &CONTAINER).or(Kinds::STRING).state(),
]);

static CONTAINER: Shape = Shape(&[word("type"), word("id"), words("file_ids")]);
static FUNCTION: Shape = Shape(&[word("name"), text("description"), schema("parameters"), switch("strict")]);
static CUSTOM: Shape =
    Shape(&[word("name"), text("description"), Field::new("format", Kinds::ANY, Holds::Schema)]);
static TOOL_CHOSEN: Shape = Shape(&[
    word("type"),
    object("function", &NAMED),
    object("custom", &NAMED),
    word("name"),
    word("mode"),
    Field::new("tools", Kinds::ARRAY, Holds::Free),
    Field::new("allowed_tools", Kinds::OBJECT, Holds::Free),
]);
static NAMED: Shape = Shape(&[word("name"), word("id")]);

/// A call of a tool: OpenAI's arguments are a string, Ollama's an object.
pub(super) static TOOL_CALL: Shape = Shape(&[
    word("id"),
    word("type"),
    object("function", &CALLED),
    object("custom", &CUSTOM_CALLED),
    count("index"),
]);
static CALLED: Shape = Shape(&[
    word("name"),
    Field::new("arguments", Kinds::STRING.or(Kinds::OBJECT), Holds::Arguments),
    count("index"),
]);
static CUSTOM_CALLED: Shape = Shape(&[word("name"), text("input")]);
