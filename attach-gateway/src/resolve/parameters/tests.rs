use attach_core::destination::Labels;
use serde_json::{Value as Json, json};

use super::*;
use crate::config::Config;

const ALL: &str = "defaults = { temperature = 0.5, top_k = 40, seed = 7 }, overrides = { max_tokens = 100, reasoning_effort = \"low\" }";

fn adjusted(api: Api, body: &Json, parameters: &str, url: &str) -> Option<(Json, Vec<&'static str>)> {
    let file = format!(
        "[[issuer]]\nissuer = \"https://login.example\"\naudience = [\"a\"]\n\
         [[upstream]]\nname = \"one\"\nkind = \"openai\"\nurl = \"{url}\"\n\
         [[model]]\nname = \"m\"\nto = [\"one\"]\nparameters = {{ {parameters} }}"
    );
    let config = Config::parse(&file, |_| None).expect("a valid configuration");
    let parameters = config.models[0].targets[0].parameters.clone().expect("parameters");
    let candidate = Candidate::new("one", "m", Arc::new(Labels::default()));
    let payload = Payload::parse(api, body.to_string().into()).expect("a valid call");
    let adjustments = Adjustments::new(vec![(candidate.clone(), parameters)]);
    let adjusted = adjustments.apply(&payload, &candidate, &config.upstreams[0]).expect("applied")?;
    let body = serde_json::from_slice(adjusted.payload.bytes()).expect("JSON");
    Some((body, adjusted.overridden))
}

fn at(api: Api, body: &Json) -> (Json, Vec<&'static str>) {
    adjusted(api, body, ALL, "http://vllm.example").expect("something changed")
}

#[test]
fn what_is_missing_comes_in_where_the_dialect_has_it() {
    let messages = json!([{"role": "user", "content": "hi"}]);
    let cases = [
        (
            Api::OpenAiChat,
            json!({"model": "m", "messages": messages}),
            json!({"temperature": 0.5, "seed": 7, "max_tokens": 100, "reasoning_effort": "low"}),
        ),
        (
            Api::OpenAiResponses,
            json!({"model": "m", "input": "hi"}),
            json!({"temperature": 0.5, "max_output_tokens": 100, "reasoning": {"effort": "low"}}),
        ),
        (
            Api::OllamaChat,
            json!({"model": "m", "messages": messages}),
            json!({"options": {"temperature": 0.5, "top_k": 40, "seed": 7, "num_predict": 100}, "think": "low"}),
        ),
    ];
    for (api, body, added) in cases {
        let (changed, overridden) = at(api, &body);
        let mut expected = body.clone();
        expected.as_object_mut().expect("an object").extend(added.as_object().expect("an object").clone());
        assert_eq!(changed, expected);
        assert!(overridden.is_empty(), "{overridden:?}");
    }
}

#[test]
fn what_the_caller_said_stays_unless_it_is_overridden() {
    let body = json!({
        "model": "m", "max_tokens": 5000, "temperature": 1, "top_k": null,
        "messages": [{"role": "user", "content": "hi"}],
    });
    let (changed, overridden) = at(Api::AnthropicMessages, &body);
    assert_eq!(
        (&changed["temperature"], &changed["top_k"], &changed["max_tokens"]),
        (&json!(1), &json!(40), &json!(100))
    );
    assert_eq!(overridden, ["max_tokens"]);
    assert_eq!(changed["messages"], body["messages"]);
}

#[test]
fn either_name_of_the_longest_answer_is_replaced() {
    for (name, url) in
        [("max_tokens", "https://api.openai.com"), ("max_completion_tokens", "http://vllm.example")]
    {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
        body[name] = json!(9);
        let (changed, overridden) =
            adjusted(Api::OpenAiChat, &body, "overrides = { max_tokens = 3 }", url).expect("changed");
        assert_eq!((&changed[name], overridden), (&json!(3), vec!["max_tokens"]));
    }
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let (changed, _) =
        adjusted(Api::OpenAiChat, &body, "overrides = { max_tokens = 3 }", "https://api.openai.com")
            .expect("changed");
    assert_eq!(changed["max_completion_tokens"], 3);
}

#[test]
fn an_object_that_is_there_keeps_the_rest_of_its_members() {
    let body = json!({
        "model": "m", "options": {"num_ctx": 4096, "temperature": 0.9},
        "messages": [{"role": "user", "content": "hi"}],
    });
    let (changed, overridden) = at(Api::OllamaChat, &body);
    let options = json!({"num_ctx": 4096, "temperature": 0.9, "top_k": 40, "seed": 7, "num_predict": 100});
    assert_eq!(changed["options"], options);
    assert!(overridden.is_empty());
}

#[test]
fn a_call_without_parameters_stays_as_it_is() {
    let body = json!({"model": "m", "input": "hi"});
    assert!(adjusted(Api::OpenAiEmbeddings, &body, ALL, "http://vllm.example").is_none());
    let body = json!({"model": "m", "max_tokens": 3, "messages": [{"role": "user", "content": "hi"}]});
    assert!(adjusted(Api::OpenAiChat, &body, "overrides = { max_tokens = 3 }", "http://x.example").is_none());
}
