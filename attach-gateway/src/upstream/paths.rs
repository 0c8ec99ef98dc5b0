//! Where an upstream has its operations.

use attach_core::aws::path_segment;
use attach_core::{Api, Dialect};
use http::Uri;

use super::dispatch;
use crate::config::{Azure, AzureVersion, Kind, Upstream};
use crate::translate::Operation;

/// Where `upstream` has `operation` for `model`, which only some have in the path. `None` if it has none.
pub(super) fn uri(upstream: &Upstream, operation: Operation, model: &str) -> Option<Uri> {
    let path = match operation {
        Operation::Api(api) => api_path(upstream, api, model),
        Operation::Converse => format!("/model/{}/converse", path_segment(model)),
        Operation::ConverseStream => format!("/model/{}/converse-stream", path_segment(model)),
    };
    dispatch::uri(&upstream.url, &path).ok()
}

/// Where `upstream` lists its models.
pub(super) fn list(upstream: &Upstream, dialect: Dialect) -> String {
    match (&upstream.azure, dialect) {
        (Some(azure), _) => azure_path(azure, "/models", None),
        (None, Dialect::Ollama) => "/api/tags".to_owned(),
        (None, Dialect::OpenAi) => without_version(upstream, "/v1/models").to_owned(),
        _ => "/v1/models".to_owned(),
    }
}

/// Whether the path is the same for every model, so that it can be worked out once.
pub(super) fn is_fixed(upstream: &Upstream) -> bool {
    let dated = |azure: &Azure| matches!(azure.version, AzureVersion::Dated(_));
    upstream.kind != Kind::Bedrock && !upstream.azure.as_ref().is_some_and(dated)
}

fn api_path(upstream: &Upstream, api: Api, model: &str) -> String {
    if api.dialect() != Dialect::OpenAi {
        return api.path().to_owned();
    }
    let Some(azure) = &upstream.azure else { return without_version(upstream, api.path()).to_owned() };
    let operation = api.path().strip_prefix("/v1").unwrap_or(api.path());
    // Responses are no deployment's: the model is in their body.
    azure_path(azure, operation, (api != Api::OpenAiResponses).then_some(model))
}

fn azure_path(azure: &Azure, operation: &str, model: Option<&str>) -> String {
    match (&azure.version, model) {
        (AzureVersion::V1(None), _) => format!("/openai/v1{operation}"),
        (AzureVersion::V1(Some(version)), _) => format!("/openai/v1{operation}?api-version={version}"),
        (AzureVersion::Dated(version), Some(model)) => {
            format!("/openai/deployments/{}{operation}?api-version={version}", path_segment(model))
        }
        (AzureVersion::Dated(version), None) => format!("/openai{operation}?api-version={version}"),
    }
}

/// A base that has a version in it, such as Gemini's `/v1beta/openai`, is followed by the operation alone.
fn without_version<'a>(upstream: &Upstream, path: &'a str) -> &'a str {
    let versioned = upstream.url.path().split('/').any(is_version);
    if versioned { path.strip_prefix("/v1").unwrap_or(path) } else { path }
}

/// `v1`, `v1beta`, `v4`.
fn is_version(segment: &str) -> bool {
    let Some(rest) = segment.strip_prefix('v') else { return false };
    let word = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    word.len() < rest.len()
        && matches!(word.trim_end_matches(|c: char| c.is_ascii_digit()), "" | "alpha" | "beta")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn at(settings: &str, api: Api, model: &str) -> String {
        let text = format!(
            "[[issuer]]\nissuer = 'https://idp.example'\naudience = ['a']\n[[upstream]]\nname = 'u'\n{settings}\n\
             [access]\ndefault = 'allow'"
        );
        let config = Config::parse(&text, |_| None).unwrap();
        uri(&config.upstreams[0], Operation::Api(api), model).unwrap().to_string()
    }

    #[test]
    fn every_form_of_a_url_leads_to_the_operation() {
        for (settings, expected) in [
            (
                "kind = 'openai'\nurl = 'https://api.openai.com/v1/'",
                "https://api.openai.com/v1/chat/completions",
            ),
            ("kind = 'openai'\nurl = 'https://api.mistral.ai'", "https://api.mistral.ai/v1/chat/completions"),
            (
                "kind = 'openai'\nurl = 'https://api.groq.com/openai/v1'",
                "https://api.groq.com/openai/v1/chat/completions",
            ),
            (
                "kind = 'openai'\nurl = 'https://openrouter.ai/api/v1'",
                "https://openrouter.ai/api/v1/chat/completions",
            ),
            (
                "kind = 'openai'\nurl = 'https://generativelanguage.googleapis.com/v1beta/openai/'",
                "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions",
            ),
            ("kind = 'openai'\nurl = 'http://litellm:4000'", "http://litellm:4000/v1/chat/completions"),
            (
                "kind = 'openai'\nurl = 'https://h.example/paas/v4'",
                "https://h.example/paas/v4/chat/completions",
            ),
        ] {
            assert_eq!(at(settings, Api::OpenAiChat, "m"), expected, "{settings}");
        }
    }

    #[test]
    fn azure_has_two_shapes_of_paths() {
        let base = "kind = 'azure'\nurl = 'https://r.openai.azure.com/openai/v1/'";
        let host = "https://r.openai.azure.com";
        assert_eq!(at(base, Api::OpenAiChat, "m"), format!("{host}/openai/v1/chat/completions"));
        let preview = format!("{base}\napi_version = 'preview'");
        assert_eq!(
            at(&preview, Api::OpenAiResponses, "m"),
            format!("{host}/openai/v1/responses?api-version=preview")
        );
        let dated = format!("{base}\napi_version = '2024-10-21'");
        assert_eq!(
            at(&dated, Api::OpenAiChat, "my gpt/4"),
            format!("{host}/openai/deployments/my%20gpt%2F4/chat/completions?api-version=2024-10-21")
        );
        assert_eq!(
            at(&dated, Api::OpenAiResponses, "m"),
            format!("{host}/openai/responses?api-version=2024-10-21")
        );
    }

    #[test]
    fn a_version_is_a_letter_and_a_number() {
        assert!(["v1", "v1beta", "v1beta1", "v4", "v2alpha"].into_iter().all(is_version));
        assert!(!["v", "vertex", "1", "api", "v1x", ""].into_iter().any(is_version));
    }
}
