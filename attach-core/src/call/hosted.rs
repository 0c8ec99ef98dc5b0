//! Tools that the provider runs, rather than the caller.

use std::borrow::Cow;

use super::api::{Api, Dialect};
use crate::json::Value;

/// Anthropic's predefined tools that the caller runs, by the beginning of their types.
const CLIENT_SIDE: [&str; 4] = ["bash_", "text_editor_", "computer_", "memory_"];

/// The types of the hosted tools, sorted, each once.
pub(super) fn tools(api: Api, root: Value<'_>) -> Vec<Box<str>> {
    let listed = root.get("tools").into_iter().flat_map(Value::elements);
    let mut found: Vec<Box<str>> = listed.filter_map(|tool| hosted_type(api, tool)).map(Box::from).collect();
    if root.get("web_search_options").is_some_and(|options| !options.is_null()) {
        found.push("web_search".into());
    }
    if root.get("mcp_servers").is_some_and(|servers| servers.elements().next().is_some()) {
        found.push("mcp".into());
    }
    let plugins = root.get("plugins").into_iter().flat_map(Value::elements);
    found.extend(plugins.map(|plugin| plugin_name(plugin).map_or_else(|| "unknown".into(), Box::from)));
    if root.get("model").and_then(Value::as_str).is_some_and(|model| is_online(&model)) {
        found.push("web".into());
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// `:online` behind a model's name is OpenRouter's short form for its plugin `web`.
fn is_online(model: &str) -> bool {
    model.split(':').skip(1).any(|variant| variant.eq_ignore_ascii_case("online"))
}

/// OpenRouter's plugins search the web and read files for the model. One that is switched off may be on by the account.
fn plugin_name(plugin: Value<'_>) -> Option<Cow<'_, str>> {
    plugin.get("id").and_then(Value::as_str)
}

fn hosted_type<'a>(api: Api, tool: Value<'a>) -> Option<Cow<'a, str>> {
    let Some(name) = tool.get("type").and_then(Value::as_str) else { return untyped(api, tool) };
    let callers = match api.dialect() {
        Dialect::Anthropic => name == "custom" || CLIENT_SIDE.iter().any(|prefix| name.starts_with(prefix)),
        _ => name == "function" || name == "custom",
    };
    (!callers).then_some(name)
}

/// A tool without a type is the caller's if it says what the caller's function takes; of any other nobody knows.
fn untyped<'a>(api: Api, tool: Value<'a>) -> Option<Cow<'a, str>> {
    let describes = |key| tool.get(key).is_some_and(|value: Value<'_>| !value.is_null());
    let callers = describes("function") || describes("parameters") || api.dialect() == Dialect::Anthropic;
    (!callers).then_some(Cow::Borrowed("unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Document;

    #[test]
    fn a_name_that_searches_the_web_is_a_hosted_tool() {
        let tools = |model: &str| {
            let body = format!(r#"{{"model":"{model}","messages":[]}}"#);
            tools(Api::OpenAiChat, Document::parse(body.into()).expect("JSON").root())
        };
        for model in ["openai/gpt-4o:online", "gpt-4o:ONLINE", "deepseek/deepseek-r1:free:online"] {
            assert_eq!(*tools(model), [Box::from("web")], "{model}");
        }
        for model in ["openai/gpt-4o", "online", "llama3:latest", "x:onlines"] {
            assert!(tools(model).is_empty(), "{model}");
        }
    }
}
