use std::sync::Arc;

use attach_core::Payload;
use attach_core::json::Value;

use super::read_settings::SEALED;
use crate::translate::fields::{each, set};

/// What of a call its answer repeats, and what it says where the call did not. What a server decides without being told
/// is not known here, hence null.
const REPEATED: [(&str, &str); 17] = [
    ("instructions", "null"),
    ("max_output_tokens", "null"),
    ("max_tool_calls", "null"),
    ("metadata", "{}"),
    ("parallel_tool_calls", "true"),
    ("previous_response_id", "null"),
    ("prompt_cache_key", "null"),
    ("reasoning", r#"{"effort":null,"summary":null}"#),
    ("safety_identifier", "null"),
    ("store", "false"),
    ("temperature", "null"),
    ("text", r#"{"format":{"type":"text"}}"#),
    ("tool_choice", "\"auto\""),
    ("tools", "[]"),
    ("top_p", "null"),
    ("truncation", "\"disabled\""),
    ("user", "null"),
];

/// A longer setting is not repeated, in bytes: a stream says it three times, and clients know what they asked.
const MOST: usize = 32 << 10;

/// The settings of a call as its answer repeats them.
#[derive(Debug, Clone)]
pub(crate) struct Echo {
    /// Members of an object, without its braces and without a line's end.
    members: Arc<str>,
    /// Whether thoughts are to come with what their provider signed or encrypted.
    pub(super) sealed: bool,
}

impl Echo {
    /// What `payload` says.
    pub(crate) fn of(payload: &Payload) -> Self {
        let root = payload.document().root();
        let members: Vec<String> = REPEATED
            .iter()
            .map(|(name, unsaid)| format!("\"{name}\":{}", repeated(root, name, unsaid)))
            .collect();
        let sealed = each(root, "include").any(|name| name.as_str().as_deref() == Some(SEALED));
        Self { members: members.join(",").into(), sealed }
    }

    pub(super) fn members(&self) -> &str {
        &self.members
    }
}

/// Between the tokens of JSON a line's end means nothing, and within a text there is none; in an event it would be one.
fn repeated(root: Value<'_>, name: &str, unsaid: &str) -> String {
    let said = set(root, name).map(Value::raw).filter(|raw| raw.len() <= MOST);
    let said = said.and_then(|raw| std::str::from_utf8(raw).ok());
    said.unwrap_or(unsaid).replace(['\n', '\r'], "")
}

#[cfg(test)]
mod tests {
    use attach_core::Api;
    use serde_json::{Value as Json, json};

    use super::*;

    fn echoed(body: &str) -> Json {
        let payload = Payload::parse(Api::OpenAiResponses, body.to_owned().into()).unwrap();
        let echo = Echo::of(&payload);
        assert!(!echo.members().contains('\n'));
        serde_json::from_str(&format!("{{{}}}", echo.members())).unwrap()
    }

    #[test]
    fn settings_are_repeated_as_they_were_written() {
        let body = "{\"model\":\"m\",\"input\":\"hi\",\n\"metadata\":{\n\"a\":\"b\\nc\"},\"temperature\":1.50,\"user\":null}";
        let echo = echoed(body);
        assert_eq!(echo["metadata"], json!({"a": "b\nc"}));
        assert_eq!(echo["temperature"], json!(1.5));
        assert_eq!((&echo["user"], &echo["top_p"], &echo["tools"]), (&Json::Null, &Json::Null, &json!([])));
        assert_eq!((&echo["store"], &echo["tool_choice"]), (&json!(false), &json!("auto")));
    }

    #[test]
    fn what_is_too_long_is_not_repeated() {
        let body = json!({"model": "m", "input": "hi", "instructions": "x".repeat(MOST)}).to_string();
        assert_eq!(echoed(&body)["instructions"], Json::Null);
    }
}
