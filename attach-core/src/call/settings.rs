//! The fields that are read, once their types were checked.

use super::api::Api;
use super::error::{CallError, CallErrorKind};
use super::model::ModelName;
use super::schema::whole;
use crate::json::{Kind, NodeId, Value};

/// The field unless it is null.
fn set<'a>(object: Value<'a>, key: &str) -> Option<Value<'a>> {
    object.get(key).filter(|value| !value.is_null())
}

pub(super) fn model(api: Api, root: Value<'_>) -> Result<(ModelName, NodeId), CallError> {
    // Ollama's show still takes the older spelling.
    let older = if api == Api::OllamaShow { set(root, "name") } else { None };
    let value = set(root, "model").or(older).ok_or_else(|| CallError::missing("model"))?;
    let name = value.as_str().unwrap_or_default();
    match ModelName::parse(&name) {
        Ok(name) => Ok((name, value.id())),
        Err(error) => Err(CallError::at(value, CallErrorKind::Model(error))),
    }
}

pub(super) fn require_messages(api: Api, root: Value<'_>) -> Result<(), CallError> {
    let has_messages =
        matches!(api, Api::OpenAiChat | Api::AnthropicMessages | Api::AnthropicCountTokens | Api::OllamaChat);
    if has_messages && set(root, "messages").is_none() {
        return Err(CallError::missing("messages"));
    }
    Ok(())
}

pub(super) fn stream(api: Api, root: Value<'_>) -> bool {
    match api {
        Api::OllamaChat | Api::OllamaGenerate => switch(root, "stream").unwrap_or(true),
        Api::OpenAiChat | Api::OpenAiCompletions | Api::OpenAiResponses | Api::AnthropicMessages => {
            switch(root, "stream").unwrap_or(false)
        }
        Api::OpenAiEmbeddings | Api::AnthropicCountTokens | Api::OllamaEmbed | Api::OllamaShow => false,
    }
}

pub(super) fn include_usage(root: Value<'_>) -> bool {
    set(root, "stream_options").and_then(|options| switch(options, "include_usage")).unwrap_or(false)
}

fn switch(object: Value<'_>, key: &str) -> Option<bool> {
    set(object, key)?.as_bool()
}

/// `n` and `best_of` say how often each prompt is answered; `best_of` are all produced and charged.
pub(super) fn choices(api: Api, root: Value<'_>) -> Result<u32, CallError> {
    if !matches!(api, Api::OpenAiChat | Api::OpenAiCompletions) {
        return Ok(1);
    }
    let mut choices = 1;
    for key in ["n", "best_of"] {
        let Some(value) = set(root, key) else { continue };
        let count = whole(value).and_then(|count| u32::try_from(count).ok()).filter(|&count| count > 0);
        choices = choices.max(count.ok_or_else(|| CallError::at(value, CallErrorKind::OutOfRange))?);
    }
    Ok(choices.saturating_mul(if api == Api::OpenAiCompletions { prompts(root) } else { 1 }))
}

/// An array of numbers is one prompt; any other array is one prompt per element.
fn prompts(root: Value<'_>) -> u32 {
    let Some(prompt) = set(root, "prompt") else {
        return 1;
    };
    let many = prompt.elements().take_while(|element| element.kind() != Kind::Number).count();
    u32::try_from(many).unwrap_or(u32::MAX).max(1)
}

/// The largest of the caps that are set; one that is not above zero means none.
///
/// Zero is none because Ollama generates without end then, also behind its OpenAI-compatible paths (`runner.go`:
/// `seq.numPredict > 0 &&`); servers that mean nothing by it refuse it or generate nothing.
pub(super) fn output_cap(api: Api, root: Value<'_>) -> Option<u64> {
    let fields: &[&str] = match api {
        Api::OpenAiChat => &["max_tokens", "max_completion_tokens"],
        Api::OpenAiCompletions | Api::AnthropicMessages => &["max_tokens"],
        Api::OpenAiResponses => &["max_output_tokens"],
        Api::OllamaChat | Api::OllamaGenerate => &["num_predict"],
        Api::OpenAiEmbeddings | Api::AnthropicCountTokens | Api::OllamaEmbed | Api::OllamaShow => &[],
    };
    let object = if api.dialect() == super::Dialect::Ollama { set(root, "options")? } else { root };
    let cap = |cap: Value<'_>| u64::try_from(whole(cap)?).ok().filter(|cap| *cap > 0);
    // A server may read only one of two caps, so the larger one counts; `None` if one is none.
    let caps = fields.iter().filter_map(|field| set(object, field)).map(cap);
    let largest = caps.collect::<Option<Vec<_>>>()?.into_iter().max()?;
    match set(root, "n_predict").filter(|_| matches!(api, Api::OpenAiChat | Api::OpenAiCompletions)) {
        // llama.cpp goes by it whatever `max_tokens` says (`oaicompat_chat_params_parse`); no other server knows it.
        Some(overriding) => cap(overriding).map(|overriding| overriding.max(largest)),
        None => Some(largest),
    }
}
