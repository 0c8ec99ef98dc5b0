use serde::Deserialize;
use serde_json::Value;

use crate::translate::canonical::Failure;

/// The body of an error as servers of this interface write it: OpenAI's object, a bare text, vLLM's older object without
/// `error` around it, FastAPI's `detail`, Gemini's list of one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    Error { error: ErrorBody },
    Flat { message: String, r#type: Option<String>, code: Option<Value> },
    Detail { detail: String },
    List([Box<Self>; 1]),
}

/// What stands under `error`, also in an event of a stream.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum ErrorBody {
    Text(String),
    Object { message: Option<String>, r#type: Option<String>, code: Option<Value> },
}

/// Reads an error's body.
pub(super) fn read_failure(bytes: &[u8]) -> Failure {
    serde_json::from_slice::<Body>(bytes).map_or_else(|_| Failure::unknown(), Body::failure)
}

impl Body {
    fn failure(self) -> Failure {
        match self {
            Self::Error { error } => error.failure(),
            Self::Flat { message, r#type, code } => {
                ErrorBody::Object { message: Some(message), r#type, code }.failure()
            }
            Self::Detail { detail } => Failure { code: None, message: detail },
            Self::List([one]) => one.failure(),
        }
    }
}

impl ErrorBody {
    pub(super) fn failure(self) -> Failure {
        match self {
            Self::Text(message) => Failure { code: None, message },
            Self::Object { message, r#type, code } => {
                let code = code.as_ref().and_then(Value::as_str).map(str::to_owned);
                let message = message.unwrap_or_else(|| Failure::unknown().message);
                Failure { code: code.or(r#type), message }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_every_shape_are_read() {
        let said = |body: &[u8]| read_failure(body).message;
        assert_eq!(said(br#"{"error":{"message":"no such model"}}"#), "no such model");
        assert_eq!(said(br#"{"error":"no such model"}"#), "no such model");
        assert_eq!(said(br#"{"object":"error","message":"no such model","code":404}"#), "no such model");
        assert_eq!(said(br#"{"detail":"Not Found"}"#), "Not Found");
        assert_eq!(said(br#"[{"error":{"code":429,"message":"quota"}}]"#), "quota");
        assert!(!said(b"<html>").is_empty());
    }

    #[test]
    fn the_code_is_the_servers_own_word() {
        let code = |body: &[u8]| read_failure(body).code;
        let both = br#"{"error":{"message":"m","type":"invalid_request_error","code":"model_not_found"}}"#;
        assert_eq!(code(both).as_deref(), Some("model_not_found"));
        let kind = br#"{"error":{"message":"m","type":"server_error","code":500}}"#;
        assert_eq!(code(kind).as_deref(), Some("server_error"));
    }
}
