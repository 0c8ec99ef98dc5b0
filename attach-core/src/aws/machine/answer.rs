use std::time::SystemTime;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde::Deserialize;

use super::{MachineError, Obtained};
use crate::aws::AccessKey;

/// What containers and instances are answered.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    /// Of an instance: `Success`, or why not.
    code: Option<String>,
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    token: Option<String>,
    expiration: Option<String>,
}

/// Reads the JSON of a metadata service.
pub(super) fn json(body: &[u8]) -> Result<Obtained, MachineError> {
    // The parser's own words could repeat what it read.
    let answer: Answer =
        serde_json::from_slice(body).map_err(|_| MachineError::new("its answer has no key"))?;
    match (answer.code.as_deref(), answer.access_key_id, answer.secret_access_key) {
        (None | Some("Success"), Some(id), Some(secret)) => {
            obtained(&id, &secret, answer.token.as_deref(), answer.expiration.as_deref())
        }
        (Some(code), ..) if code != "Success" && is_code(code) => {
            Err(MachineError::new(format!("it has no key: {code}")))
        }
        _ => Err(MachineError::new("its answer has no key")),
    }
}

/// Reads the XML of STS, which has each of these once.
pub(super) fn xml(body: &[u8]) -> Result<Obtained, MachineError> {
    let text = std::str::from_utf8(body).unwrap_or_default();
    let (Some(id), Some(secret)) = (element(text, "AccessKeyId"), element(text, "SecretAccessKey")) else {
        return Err(MachineError::new("its answer has no key"));
    };
    obtained(id, secret, element(text, "SessionToken"), element(text, "Expiration"))
}

/// The code of an error of STS.
pub(super) fn error_code(body: &[u8]) -> Option<&str> {
    element(std::str::from_utf8(body).ok()?, "Code").filter(|code| is_code(code))
}

/// The text of an element. Nothing in these answers has to be escaped.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (value, _) = rest.split_once("</")?;
    Some(value.trim()).filter(|value| !value.is_empty() && !value.contains(['<', '&']))
}

/// A word, and nothing that somebody hides in it.
fn is_code(code: &str) -> bool {
    (1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
}

fn obtained(
    id: &str,
    secret: &str,
    token: Option<&str>,
    expires: Option<&str>,
) -> Result<Obtained, MachineError> {
    if id.is_empty() || secret.is_empty() {
        return Err(MachineError::new("its answer has no key"));
    }
    let key = AccessKey::new(id, secret);
    let key = token.into_iter().fold(key, AccessKey::session_token);
    let until =
        expires.map(|text| time(text).ok_or_else(|| MachineError::new("when its key expires is no time")));
    Ok(Obtained { key, until: until.transpose()? })
}

fn time(text: &str) -> Option<SystemTime> {
    SystemTime::try_from(DateTime::from_str(text, Format::DateTimeWithOffset).ok()?).ok()
}
