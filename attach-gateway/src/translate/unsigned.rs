//! Thoughts of other models in a conversation that goes on at Anthropic's.

use attach_core::json::Value;
use attach_core::{Payload, Rejection};

use super::canonical::Losses;

/// The call without `thinking` blocks that have no signature, as those that came from another provider have none: Anthropic
/// refuses them, and needs none of them ("Extended thinking", *Preserving thinking blocks*). A message that is nothing but
/// such thoughts goes as a whole. `None` if there are none.
///
/// # Errors
///
/// When the configuration wants refused what would be left out, or nothing is left.
pub(super) fn left_out(payload: &Payload, losses: &mut Losses) -> Result<Option<Payload>, Rejection> {
    let Some(messages) = payload.document().root().get("messages") else { return Ok(None) };
    if !messages.elements().any(|message| blocks(message).any(is_unsigned)) {
        return Ok(None);
    }
    losses.setting("messages.thinking")?;
    let kept: Vec<_> = messages.elements().filter_map(without).collect();
    let (bytes, span) = (payload.bytes(), messages.span());
    let before = bytes.get(..span.start).unwrap_or_default();
    let behind = bytes.get(span.end..).unwrap_or_default();
    let bytes = [before, b"[", &kept.join(&b","[..]), b"]", behind].concat();
    Payload::parse(payload.call().api, bytes.into()).map(Some)
}

fn blocks(message: Value<'_>) -> impl Iterator<Item = Value<'_>> {
    message.get("content").into_iter().flat_map(Value::elements)
}

fn is_unsigned(block: Value<'_>) -> bool {
    let signature = block.get("signature").and_then(Value::as_str);
    block.get("type").and_then(Value::as_str).as_deref() == Some("thinking")
        && signature.is_none_or(|signature| signature.is_empty())
}

/// The message as it is to be written; `None` if nothing of it is left.
fn without(message: Value<'_>) -> Option<Vec<u8>> {
    let content = message.get("content").filter(|_| blocks(message).any(is_unsigned));
    let Some(content) = content else { return Some(message.raw().to_vec()) };
    let kept: Vec<_> = blocks(message).filter(|block| !is_unsigned(*block)).map(Value::raw).collect();
    if kept.is_empty() {
        return None;
    }
    let (whole, inner) = (message.span(), content.span());
    let before = message.raw().get(..inner.start.checked_sub(whole.start)?)?;
    let behind = message.raw().get(inner.end.checked_sub(whole.start)?..)?;
    Some([before, b"[", &kept.join(&b","[..]), b"]", behind].concat())
}

#[cfg(test)]
mod tests {
    use attach_core::Api;
    use serde_json::{Value as Json, json};

    use super::*;

    fn sent(messages: &Json) -> (Option<String>, Vec<String>) {
        let body = format!(r#"{{"model":"m", "max_tokens": 9.0,"messages":{messages}, "x":1}}"#);
        let payload = Payload::parse(Api::AnthropicMessages, body.into()).expect("a call");
        let mut losses = Losses::refused(false);
        let changed = left_out(&payload, &mut losses).expect("left out");
        let text = changed.map(|payload| String::from_utf8(payload.bytes().to_vec()).expect("text"));
        (text, losses.into_names())
    }

    #[test]
    fn thoughts_without_a_signature_are_left_out_and_named() {
        let signed = json!({"type": "thinking", "thinking": "hm", "signature": "EqQB"});
        let hidden = json!({"type": "redacted_thinking", "data": "x"});
        let (text, names) = sent(&json!([
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "a", "signature": ""}, {"type": "text", "text": "hello"}], "y": 1.0},
            {"role": "user", "content": "and?"},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "b"}]},
            {"role": "user", "content": [{"type": "text", "text": "well?"}]},
            {"role": "assistant", "content": [signed, hidden, {"type": "text", "text": "so"}]},
        ]));
        let text = text.expect("changed");
        let messages = serde_json::from_str::<Json>(&text).expect("JSON")["messages"].clone();
        let expected = json!([
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [{"type": "text", "text": "hello"}], "y": 1.0},
            {"role": "user", "content": "and?"},
            {"role": "user", "content": [{"type": "text", "text": "well?"}]},
            {"role": "assistant", "content": [signed, hidden, {"type": "text", "text": "so"}]},
        ]);
        assert_eq!(messages, expected);
        assert!(text.starts_with(r#"{"model":"m", "max_tokens": 9.0,"#) && text.ends_with(r#", "x":1}"#));
        assert_eq!(names, ["messages.thinking"]);
    }

    #[test]
    fn a_call_without_such_thoughts_is_not_touched() {
        let signed = json!({"type": "thinking", "thinking": "hm", "signature": "EqQB"});
        for messages in [
            json!([{"role": "user", "content": "thinking"}]),
            json!([{"role": "user", "content": "hi"}, {"role": "assistant", "content": [signed]}]),
        ] {
            assert_eq!(sent(&messages), (None, vec![]));
        }
    }

    #[test]
    fn where_losses_are_refused_they_are() {
        let body = r#"{"model":"m","max_tokens":9,"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"a"}]}]}"#;
        let payload = Payload::parse(Api::AnthropicMessages, body.into()).expect("a call");
        let refused = left_out(&payload, &mut Losses::refused(true)).expect_err("refused");
        assert_eq!((refused.status().as_u16(), refused.code()), (400, "unsupported_field"));
    }
}
