//! What a provider has signed, so that a change would be found out: Anthropic's thinking, OpenRouter's details of reasoning.

use attach_core::json::Value;

/// Whether `value` is text of a provider's own under its signature, as the history of a conversation has it: in a message
/// of the assistant, in the place that the provider's documentation gives it. Whether the signature holds only the
/// provider can tell.
pub(super) fn is_history(value: Value<'_>) -> bool {
    let list = value.parent().and_then(Value::parent);
    let place = (value.raw_key(), list.and_then(Value::raw_key));
    let known = [
        // Anthropic, "Building with extended thinking".
        (Some(&b"thinking"[..]), Some(&b"content"[..])),
        // OpenRouter, "Reasoning tokens".
        (Some(&b"text"[..]), Some(&b"reasoning_details"[..])),
    ];
    let message = list.and_then(Value::parent);
    let role = message.and_then(|message| message.get("role")?.as_str());
    let messages = message.and_then(Value::parent);
    known.contains(&place)
        && has_signature(value)
        && role.as_deref() == Some("assistant")
        && messages.is_some_and(|messages| messages.raw_key() == Some(b"messages"))
        && messages.and_then(Value::parent).is_some_and(|root| root.parent().is_none())
}

/// Whether a provider may have signed what stands here, whoever says so.
pub(super) fn is_signed(value: Value<'_>) -> bool {
    value.raw_key() == Some(b"thinking") && has_signature(value)
        || std::iter::successors(value.parent(), |value| value.parent())
            .any(|value| value.raw_key() == Some(b"reasoning_details"))
}

fn has_signature(value: Value<'_>) -> bool {
    let signature = value.parent().and_then(|block| block.get("signature")?.as_str());
    signature.is_some_and(|signature| !signature.is_empty())
}
