use attach_core::json::{Kind, Value};
use attach_core::{Payload, Rejection};

/// Members with which routers behind a model server's interface are told of further models, and of what to say to them:
/// OpenRouter's "Model Fallbacks" and "Presets", and LiteLLM's "Client-Side Fallbacks".
const OTHERS: [&str; 6] =
    ["models", "route", "preset", "fallbacks", "context_window_fallbacks", "content_policy_fallbacks"];

/// What stands in a model's name before that of a preset: what OpenRouter's account has kept of models, providers and tools.
const PRESET: &str = "@preset/";

/// Refuses a call that names other models than the one for which access, quota and prices were looked at.
///
/// # Errors
///
/// 400 `unsupported_field`, with the member's name.
pub(super) fn one_model(payload: &Payload) -> Result<(), Rejection> {
    let root = payload.document().root();
    let Some(name) = OTHERS.into_iter().find(|name| root.get(name).is_some_and(says)) else { return Ok(()) };
    let message = format!("`{name}` names models besides `model`; a call is for one");
    Err(Rejection::bad_request("unsupported_field", message).with_param(format!("$.{name}")))
}

/// Refuses a name that `asked` for a preset, unless the configuration has put another one, `sent`, in its place: what was
/// judged by the name is not what would answer.
///
/// # Errors
///
/// 400 `unsupported_field`.
pub(super) fn one_name(asked: &str, sent: &str) -> Result<(), Rejection> {
    let is_preset = || asked.contains('@') && asked.to_ascii_lowercase().contains(PRESET);
    if asked != sent || !is_preset() {
        return Ok(());
    }
    let message = "a preset may stand for any model; only the configuration names one";
    Err(Rejection::bad_request("unsupported_field", message).with_param("$.model"))
}

fn says(value: Value<'_>) -> bool {
    !matches!(value.kind(), Kind::Null) && value.as_bool() != Some(false)
}
