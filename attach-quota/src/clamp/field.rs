//! Where each interface keeps its output cap.

use attach_core::json::{Edit, Value};
use attach_core::{Api, Dialect, Payload};

/// OpenAI's Responses refuse a smaller `max_output_tokens` (API reference, "Create a model response").
const LEAST_OF_RESPONSES: u64 = 16;

/// The smallest cap that an upstream takes from this call, in tokens.
///
/// Anthropic's `max_tokens` must be above the budget for thinking (Anthropic documentation, "Extended thinking").
pub(super) fn least(payload: &Payload) -> u64 {
    match payload.call().api {
        Api::OpenAiResponses => LEAST_OF_RESPONSES,
        Api::AnthropicMessages => {
            let thinking = payload.document().root().get("thinking");
            let budget = thinking.and_then(|it| it.get("budget_tokens")).and_then(Value::as_u64);
            budget.unwrap_or(0).saturating_add(1)
        }
        _ => 1,
    }
}

/// The edits after which no cap of the call is above `tokens`, and there is one. `newer` says that the model is one of
/// those that take `max_completion_tokens` only.
pub(super) fn edits(payload: &Payload, tokens: u64, newer: bool) -> Vec<Edit> {
    let (api, root) = (payload.call().api, payload.document().root());
    if api.dialect() != Dialect::Ollama {
        let mut edits = lowered(root, fields(api, newer), tokens);
        // llama.cpp goes by it whatever the other fields say; no other server knows it.
        let overriding = root.get("n_predict").filter(|cap| !cap.is_null() && !fits(*cap, tokens));
        edits.extend(overriding.map(|cap| Edit::raw(cap.id(), tokens.to_string())));
        return edits;
    }
    match root.get("options") {
        None => vec![Edit::insert(root.id(), "options", format!("{{\"num_predict\":{tokens}}}"))],
        Some(null) if null.is_null() => vec![Edit::raw(null.id(), format!("{{\"num_predict\":{tokens}}}"))],
        Some(options) => lowered(options, &["num_predict"], tokens),
    }
}

/// The one that is put there if there is none comes first.
fn fields(api: Api, newer: bool) -> &'static [&'static str] {
    match (api, newer) {
        (Api::OpenAiChat, true) => &["max_completion_tokens", "max_tokens"],
        (Api::OpenAiChat, false) => &["max_tokens", "max_completion_tokens"],
        (Api::OpenAiResponses, _) => &["max_output_tokens"],
        _ => &["max_tokens"],
    }
}

fn lowered(object: Value<'_>, fields: &[&str], tokens: u64) -> Vec<Edit> {
    let set: Vec<_> =
        fields.iter().filter_map(|field| object.get(field)).filter(|cap| !cap.is_null()).collect();
    let Some(first) = fields.first().filter(|_| set.is_empty()) else {
        return set
            .iter()
            .filter(|cap| !fits(**cap, tokens))
            .map(|cap| Edit::raw(cap.id(), tokens.to_string()))
            .collect();
    };
    vec![match object.get(first) {
        Some(null) => Edit::raw(null.id(), tokens.to_string()),
        None => Edit::insert(object.id(), *first, tokens.to_string()),
    }]
}

/// However a number is spelled; one that is not above zero stands for no cap.
fn fits(cap: Value<'_>, tokens: u64) -> bool {
    cap.as_f64().is_some_and(|cap| cap > 0.0 && cap <= tokens as f64)
}

/// Whether `model` is one of OpenAI's that refuse `max_tokens`: the `o` series, and GPT-5 and later. Other servers may
/// not know `max_completion_tokens`, and would ignore it.
pub(super) fn is_newer(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let name = name.strip_prefix("ft:").unwrap_or(name);
    let number = |rest: &str| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        rest.get(..digits).and_then(|digits| digits.parse::<u32>().ok())
    };
    match (name.strip_prefix("gpt-"), name.strip_prefix('o')) {
        (Some(rest), _) => number(rest).is_some_and(|generation| generation >= 5),
        (_, Some(rest)) => number(rest).is_some(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clamped(api: Api, body: &str, newer: bool) -> String {
        let payload = Payload::parse(api, body.to_owned().into()).expect("a call");
        let spliced = payload.splice(&edits(&payload, 50, newer)).expect("can be spliced");
        let again = Payload::parse(api, spliced.bytes().clone()).expect("a call");
        assert!(again.call().output_cap.is_some_and(|cap| cap <= 50), "{body}");
        String::from_utf8(spliced.bytes().to_vec()).expect("text")
    }

    #[test]
    fn the_cap_is_lowered_where_the_caller_wrote_it() {
        for (api, before, after) in [
            (Api::OpenAiChat, r#""max_tokens" : 1e2,"x":1.0"#, r#""max_tokens" : 50,"x":1.0"#),
            (Api::OpenAiChat, r#""max_completion_tokens":100"#, r#""max_completion_tokens":50"#),
            (
                Api::OpenAiChat,
                r#""max_completion_tokens":100,"max_tokens":30"#,
                r#""max_completion_tokens":50,"max_tokens":30"#,
            ),
            (
                Api::OpenAiChat,
                r#""max_completion_tokens":null,"max_tokens":-1"#,
                r#""max_completion_tokens":null,"max_tokens":50"#,
            ),
            (Api::OpenAiCompletions, r#""prompt":"x","max_tokens":100"#, r#""prompt":"x","max_tokens":50"#),
            (
                Api::OpenAiResponses,
                r#""input":"x","max_output_tokens":51"#,
                r#""input":"x","max_output_tokens":50"#,
            ),
            (Api::AnthropicMessages, r#""max_tokens":64000"#, r#""max_tokens":50"#),
            (Api::OllamaChat, r#""options":{"num_predict":-1}"#, r#""options":{"num_predict":50}"#),
            (Api::OllamaGenerate, r#""options":{"num_predict":-2}"#, r#""options":{"num_predict":50}"#),
            (Api::OllamaGenerate, r#""options":{"num_predict":0}"#, r#""options":{"num_predict":50}"#),
            (Api::OpenAiChat, r#""max_tokens":0"#, r#""max_tokens":50"#),
            (Api::OpenAiChat, r#""max_tokens":10,"n_predict":-1"#, r#""max_tokens":10,"n_predict":50"#),
        ] {
            let body = |text: &str| format!(r#"{{"model":"m","messages":[],{text}}}"#);
            for newer in [false, true] {
                assert_eq!(clamped(api, &body(before), newer), body(after));
            }
        }
    }

    #[test]
    fn a_cap_is_put_where_there_was_none() {
        const REST: &str = r#""model":"m","messages":[]"#;
        for (api, newer, before, after) in [
            (Api::OpenAiChat, false, "", r#"{"max_tokens":50,REST}"#),
            (Api::OpenAiChat, true, "", r#"{"max_completion_tokens":50,REST}"#),
            (
                Api::OpenAiChat,
                true,
                r#","max_completion_tokens":null"#,
                r#"{REST,"max_completion_tokens":50}"#,
            ),
            (Api::OpenAiCompletions, true, "", r#"{"max_tokens":50,REST}"#),
            (Api::OpenAiResponses, true, "", r#"{"max_output_tokens":50,REST}"#),
            (Api::OllamaChat, false, "", r#"{"options":{"num_predict":50},REST}"#),
            (Api::OllamaChat, false, r#","options":null"#, r#"{REST,"options":{"num_predict":50}}"#),
            (Api::OllamaGenerate, false, r#","options":{ }"#, r#"{REST,"options":{"num_predict":50 }}"#),
            (
                Api::OllamaChat,
                false,
                r#","options":{"seed":1}"#,
                r#"{REST,"options":{"num_predict":50,"seed":1}}"#,
            ),
        ] {
            assert_eq!(clamped(api, &format!("{{{REST}{before}}}"), newer), after.replace("REST", REST));
        }
    }

    #[test]
    fn models_that_take_only_the_newer_field_are_known_by_name() {
        for model in
            ["o1", "o3-mini", "openai/o4-mini", "gpt-5", "gpt-5.1-codex", "gpt-10", "ft:o4-mini:acme"]
        {
            assert!(is_newer(model), "{model}");
        }
        for model in
            ["gpt-4o", "gpt-4.1", "gpt-oss:20b", "llama3", "olmo-2", "orca", "o", "ft:gpt-4o:x", "gpt-"]
        {
            assert!(!is_newer(model), "{model}");
        }
    }

    #[test]
    fn an_answer_is_not_made_shorter_than_its_upstream_takes() {
        for (api, body, tokens) in [
            (Api::OpenAiChat, r#"{"model":"m","messages":[]}"#, 1),
            (Api::OpenAiResponses, r#"{"model":"m","input":"x"}"#, 16),
            (Api::AnthropicMessages, r#"{"model":"m","messages":[],"max_tokens":9}"#, 1),
            (
                Api::AnthropicMessages,
                r#"{"model":"m","messages":[],"max_tokens":9000,"thinking":{"type":"enabled","budget_tokens":2048}}"#,
                2049,
            ),
        ] {
            assert_eq!(least(&Payload::parse(api, body.into()).expect("a call")), tokens, "{body}");
        }
    }
}
