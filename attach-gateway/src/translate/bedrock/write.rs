use attach_core::Rejection;
use bytes::Bytes;
use serde_json::value::RawValue;

use super::content::{conversation, has_tools};
use super::extra::{Family, fields};
use super::shapes::{
    Body, Choice, Inference, InputSchema, NamedSchema, OutTool, OutputConfig, Spec, Structure, TextFormat,
    ToolConfig,
};
use crate::translate::canonical::{Chat, Format, Losses, Tool, ToolChoice};

/// A function without parameters takes an empty object.
const NO_PARAMETERS: &str = r#"{"type":"object","properties":{}}"#;

/// The body of `Converse` and `ConverseStream` for `model`.
///
/// # Errors
///
/// When Converse has no word for something that matters.
pub(crate) fn write_chat(chat: &Chat<'_>, model: &str, losses: &mut Losses) -> Result<Bytes, Rejection> {
    note_losses(chat, losses)?;
    let family = Family::of(model);
    let (system, messages) = conversation(&chat.messages)?;
    let sampling = &chat.sampling;
    let body = Body {
        messages,
        system,
        inference_config: Inference {
            max_tokens: sampling.max_tokens,
            temperature: sampling.temperature,
            top_p: sampling.top_p,
            stop_sequences: &sampling.stop,
        },
        tool_config: tool_config(chat)?,
        output_config: output_config(&chat.format),
        additional_model_request_fields: fields(chat, family, losses)?,
        // Which of several stop sequences it came to.
        additional_model_response_field_paths: match family {
            Family::Anthropic if !sampling.stop.is_empty() => &["/stop_sequence"],
            _ => &[],
        },
    };
    // No map key that is not a string is written, the one thing that can fail.
    Ok(serde_json::to_vec(&body).map(Bytes::from).unwrap_or_default())
}

fn note_losses(chat: &Chat<'_>, losses: &mut Losses) -> Result<(), Rejection> {
    let sampling = &chat.sampling;
    let unknown = [
        ("seed", sampling.seed.is_some()),
        ("presence_penalty", sampling.presence_penalty.is_some()),
        ("frequency_penalty", sampling.frequency_penalty.is_some()),
        ("parallel_tool_calls", chat.parallel_tools == Some(false)),
        ("response_format", matches!(chat.format, Format::Json)),
    ];
    unknown.into_iter().filter(|(_, is_set)| *is_set).try_for_each(|(name, _)| losses.setting(name))
}

fn tool_config<'a>(chat: &'a Chat<'a>) -> Result<Option<ToolConfig<'a>>, Rejection> {
    if chat.tools.is_empty() {
        return Ok(None);
    }
    let tool_choice = match &chat.tool_choice {
        None => None,
        Some(ToolChoice::Auto) => Some(Choice::Auto {}),
        Some(ToolChoice::Required) => Some(Choice::Any {}),
        Some(ToolChoice::Named(name)) => Some(Choice::Tool { name }),
        // There is no word for it; without tools none can be called, unless the conversation speaks of some.
        Some(ToolChoice::None) if has_tools(&chat.messages) => return Err(Losses::content("tool_choice")),
        Some(ToolChoice::None) => return Ok(None),
    };
    let tools = chat.tools.iter().map(tool).collect::<Result<_, _>>()?;
    Ok(Some(ToolConfig { tools, tool_choice }))
}

fn tool<'a>(from: &'a Tool<'a>) -> Result<OutTool<'a>, Rejection> {
    let Tool { name, description, parameters, strict } = from;
    let json = match parameters {
        Some(schema) => *schema,
        None => serde_json::from_str::<&RawValue>(NO_PARAMETERS).map_err(|_| Losses::content("tools"))?,
    };
    let description = description.as_deref().filter(|text| !text.is_empty());
    let input_schema = InputSchema { json };
    let strict = strict.filter(|strict| *strict);
    Ok(OutTool { tool_spec: Spec { name, description, input_schema, strict } })
}

fn output_config<'a>(format: &'a Format<'a>) -> Option<OutputConfig<'a>> {
    let Format::Schema { name, schema, .. } = format else { return None };
    let json_schema = NamedSchema { name: name.as_deref(), schema: schema.get() };
    let text_format = TextFormat { r#type: "json_schema", structure: Structure { json_schema } };
    Some(OutputConfig { text_format })
}

#[cfg(test)]
mod tests;
