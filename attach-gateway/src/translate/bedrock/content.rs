//! What was said, in blocks.

use attach_core::Rejection;

use super::shapes::{Block, OutImage, OutMessage, Reasoned, Role, Source, Text, ToolResult, ToolUse};
use crate::translate::arguments::opened;
use crate::translate::canonical::{Image, Losses, Message, Part, Said, ToolCall};

/// The instructions, and the messages of both sides in turns: neighbours of one side are one message, and all results of
/// a turn stand together.
///
/// # Errors
///
/// When something is said that Converse has no block for.
pub(super) fn conversation<'a>(
    messages: &'a [Message<'a>],
) -> Result<(Vec<Text<'a>>, Vec<OutMessage<'a>>), Rejection> {
    let (mut system, mut out) = (Vec::new(), Vec::<OutMessage<'a>>::new());
    for message in messages {
        let (role, content) = match message {
            Message::System(text) => {
                system.extend(Some(Text { text }).filter(|text| !text.text.trim().is_empty()));
                continue;
            }
            Message::User(parts) => (Role::User, blocks(parts)?),
            Message::Assistant(said) => (Role::Assistant, said_blocks(said)?),
            Message::ToolResult { call_id, content, is_error } => {
                let status = is_error.then_some("error");
                let result = ToolResult { tool_use_id: call_id, content: blocks(content)?, status };
                (Role::User, vec![Block::ToolResult(result)])
            }
        };
        match out.last_mut().filter(|last| last.role == role) {
            Some(last) => last.content.extend(content),
            None => out.push(OutMessage { role, content }),
        }
    }
    out.iter_mut().for_each(|message| without_blanks(&mut message.content));
    Ok((system, out))
}

/// Whether tools are spoken of; Converse wants to be told of them then.
pub(super) fn has_tools(messages: &[Message<'_>]) -> bool {
    messages.iter().any(|message| match message {
        Message::ToolResult { .. } => true,
        Message::Assistant(said) => said.iter().any(|said| matches!(said, Said::Call(_))),
        _ => false,
    })
}

/// Converse refuses a text without a word in it; clients send one next to tool calls.
fn without_blanks(content: &mut Vec<Block<'_>>) {
    let is_blank = |block: &Block<'_>| matches!(block, Block::Text(text) if text.trim().is_empty());
    if !content.iter().all(is_blank) {
        content.retain(|block| !is_blank(block));
    }
}

fn blocks<'a>(parts: &'a [Part<'a>]) -> Result<Vec<Block<'a>>, Rejection> {
    let block = |part: &'a Part<'a>| match part {
        Part::Text(text) => Ok(Block::Text(text)),
        Part::Image(image) => Ok(Block::Image(picture(image)?)),
    };
    parts.iter().map(block).collect()
}

/// Bytes only: Converse fetches nothing but from S3.
fn picture<'a>(image: &'a Image<'a>) -> Result<OutImage<'a>, Rejection> {
    let Image::Base64 { media_type, data } = image else { return Err(Losses::content("image_url")) };
    let format = match &**media_type {
        "image/png" => "png",
        "image/jpeg" | "image/jpg" => "jpeg",
        "image/gif" => "gif",
        "image/webp" => "webp",
        _ => return Err(Losses::content("image.media_type")),
    };
    Ok(OutImage { format, source: Source { bytes: data } })
}

/// Thoughts without a signature are left out: the model's provider takes only its own.
fn said_blocks<'a>(said: &'a [Said<'a>]) -> Result<Vec<Block<'a>>, Rejection> {
    let block = |said: &'a Said<'a>| {
        Some(match said {
            Said::Text(text) => Ok(Block::Text(text)),
            Said::Thinking { text, signature } => {
                let signature = Some(signature.as_deref()?);
                Ok(Block::ReasoningContent(Reasoned::ReasoningText { text, signature }))
            }
            Said::RedactedThinking(data) => Ok(Block::ReasoningContent(Reasoned::RedactedContent(data))),
            Said::Call(call) => tool_use(call).map(Block::ToolUse),
        })
    };
    said.iter().filter_map(block).collect()
}

fn tool_use<'a>(call: &'a ToolCall<'a>) -> Result<ToolUse<'a>, Rejection> {
    let input = opened(&call.arguments).ok_or_else(|| Losses::content("tool_calls.arguments"))?;
    Ok(ToolUse { tool_use_id: &call.id, name: &call.name, input })
}
