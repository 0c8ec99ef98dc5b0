use bytes::Bytes;
use serde::Serialize;

use crate::config::{GuardrailConfig, Upstream};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Guarded<'a> {
    guardrail_config: Configuration<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Configuration<'a> {
    guardrail_identifier: &'a str,
    guardrail_version: &'a str,
}

/// `body`, a request to Converse, under the guardrail that `upstream` has, if it has one. A stream is looked at before it
/// goes on, which is what Bedrock does unless told otherwise.
pub(crate) fn guarded(body: Bytes, upstream: &Upstream) -> Bytes {
    let guardrail = upstream.bedrock.as_ref().and_then(|bedrock| bedrock.guardrail.as_ref());
    let Some(GuardrailConfig { id, version, .. }) = guardrail else { return body };
    let configuration = Configuration { guardrail_identifier: id, guardrail_version: version };
    let written = serde_json::to_vec(&Guarded { guardrail_config: configuration }).unwrap_or_default();
    match (written.split_last(), body.split_first()) {
        (Some((_, ours)), Some((_, theirs))) => [ours, b",", theirs].concat().into(),
        // Nothing is sent that is not under it.
        _ => Bytes::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_guardrail_stands_before_the_rest() {
        let text = "[[issuer]]\nissuer = 'https://idp.example'\naudience = ['a']\n[[upstream]]\nname = 'b'\n\
             kind = 'bedrock'\nregion = 'eu-central-1'\nkey = { env = 'KEY' }\nguardrail = { id = 'gr1', version = '2' }\n\
             [access]\ndefault = 'allow'";
        let config = Config::parse(text, |name| (name == "KEY").then(|| "key".to_owned())).unwrap();
        let body = guarded(Bytes::from_static(br#"{"messages":[]}"#), &config.upstreams[0]);
        let expected =
            r#"{"guardrailConfig":{"guardrailIdentifier":"gr1","guardrailVersion":"2"},"messages":[]}"#;
        assert_eq!(body, expected);
    }
}
