//! What is read from the bodies of every API.

use attach_core::call::CallErrorKind;
use attach_core::json::Document;
use attach_core::{Api, Call};

mod leaves;

fn document(body: &str) -> Document {
    Document::parse(body.to_owned().into()).unwrap_or_else(|error| panic!("{error}: {body}"))
}

fn call(api: Api, body: &str) -> Call {
    Call::parse(api, &document(body)).unwrap_or_else(|error| panic!("{error}: {body}"))
}

/// The refusal, as people see it.
fn refusal(api: Api, body: &str) -> String {
    match Call::parse(api, &document(body)) {
        Ok(_) => panic!("accepted: {body}"),
        Err(error) => error.to_string(),
    }
}

/// `field` as the only one besides what every body of `api` needs.
fn with(api: Api, field: &str) -> String {
    let needed = match api {
        Api::OpenAiChat | Api::OllamaChat | Api::AnthropicMessages | Api::AnthropicCountTokens => {
            r#","messages":[]"#
        }
        _ => "",
    };
    format!(r#"{{"model":"m"{needed},{field}}}"#)
}

#[test]
fn a_model_and_messages_are_needed() {
    for api in Api::ALL {
        assert_eq!(refusal(api, "{}"), "missing field $.model");
        assert_eq!(refusal(api, r#"{"model":null}"#), "missing field $.model");
        assert_eq!(refusal(api, "[]"), "wrong type at $: expected an object");
        assert_eq!(refusal(api, "null"), "wrong type at $: expected an object");
        assert_eq!(refusal(api, r#"{"model":["a"]}"#), "wrong type at $.model: expected a string");
    }
    for api in [Api::OpenAiChat, Api::AnthropicMessages, Api::AnthropicCountTokens, Api::OllamaChat] {
        assert_eq!(refusal(api, r#"{"model":"m"}"#), "missing field $.messages");
        assert_eq!(refusal(api, r#"{"model":"m","messages":null}"#), "missing field $.messages");
    }
}

#[test]
fn the_model_is_a_name() {
    assert_eq!(refusal(Api::OpenAiChat, r#"{"model":"","messages":[]}"#), "empty model name at $.model");
    let control = refusal(Api::OpenAiChat, r#"{"model":"gpt\u0000","messages":[]}"#);
    assert_eq!(control, "control character in the model name at $.model");
    let show = call(Api::OllamaShow, r#"{"name":"llama3:latest"}"#);
    assert_eq!((show.model.as_str(), show.model.canonical()), ("llama3:latest", "llama3"));
    let both = document(r#"{"name":"a","model":"b"}"#);
    let call = Call::parse(Api::OllamaShow, &both).expect("a call");
    assert_eq!(both.value(call.model_node).as_str().as_deref(), Some("b"));
}

#[test]
fn a_known_field_of_another_type_is_refused() {
    let cases = [
        (Api::OpenAiChat, r#""stream":"true""#, "$.stream: expected a boolean"),
        (Api::OpenAiChat, r#""stream":1"#, "$.stream: expected a boolean"),
        (Api::OllamaChat, r#""stream":"false""#, "$.stream: expected a boolean"),
        (Api::OpenAiChat, r#""max_tokens":"10""#, "$.max_tokens: expected a whole number"),
        (Api::OpenAiChat, r#""n":1.5"#, "$.n: expected a whole number"),
        (Api::OpenAiChat, r#""metadata":"x""#, "$.metadata: expected an object"),
        (Api::OpenAiChat, r#""tools":{}"#, "$.tools: expected an array"),
        (Api::OpenAiChat, r#""tools":[null]"#, "$.tools[0]: expected an object"),
        (Api::OpenAiChat, r#""tools":[{"type":7}]"#, "$.tools[0].type: expected a string"),
        (
            Api::OpenAiChat,
            r#""tools":[{"function":{"name":[]}}]"#,
            "$.tools[0].function.name: expected a string",
        ),
        (
            Api::OpenAiChat,
            r#""stream_options":{"include_usage":"yes"}"#,
            "$.stream_options.include_usage: expected a boolean",
        ),
        (
            Api::OpenAiCompletions,
            r#""prompt":[true]"#,
            "$.prompt[0]: expected a string or a number or an array",
        ),
        (Api::OpenAiCompletions, r#""prompt":[["a"]]"#, "$.prompt[0][0]: expected a number"),
        (Api::OpenAiCompletions, r#""prompt":{}"#, "$.prompt: expected a string or an array"),
        (Api::OpenAiResponses, r#""input":[1]"#, "$.input[0]: expected an object"),
        (Api::OpenAiResponses, r#""store":"true""#, "$.store: expected a boolean"),
        (
            Api::OllamaGenerate,
            r#""options":{"num_predict":"7"}"#,
            "$.options.num_predict: expected a whole number",
        ),
        (Api::OllamaGenerate, r#""context":"x""#, "$.context: expected an array"),
        (Api::AnthropicMessages, r#""system":7"#, "$.system: expected a string or an array"),
    ];
    for (api, field, expected) in cases {
        assert_eq!(refusal(api, &with(api, field)), format!("wrong type at {expected}"), "{field}");
    }
    let message =
        |message: &str| refusal(Api::OpenAiChat, &format!(r#"{{"model":"m","messages":[{message}]}}"#));
    assert_eq!(message("\"x\""), "wrong type at $.messages[0]: expected an object");
    assert_eq!(message(r#"{"role":1}"#), "wrong type at $.messages[0].role: expected a string");
    assert_eq!(
        message(r#"{"content":[null]}"#),
        "wrong type at $.messages[0].content[0]: expected an object"
    );
    assert_eq!(
        message(r#"{"content":[{"text":1}]}"#),
        "wrong type at $.messages[0].content[0].text: expected a string"
    );
}

#[test]
fn null_is_not_set() {
    let chat = call(
        Api::OpenAiChat,
        r#"{"model":"m","messages":[{"role":"assistant","content":null,"tool_calls":null}],"stream":null,"n":null,
            "max_tokens":null,"tools":null,"metadata":null,"stop":null,"store":null,"stream_options":null}"#,
    );
    assert!(!chat.stream && chat.choices == 1 && chat.output_cap.is_none() && chat.state.is_empty());
    assert!(call(Api::OllamaChat, r#"{"model":"m","messages":[],"stream":null,"options":null}"#).stream);
}

#[test]
fn a_key_that_only_resembles_a_known_one_is_refused_where_we_know_the_keys() {
    let cases = [
        (Api::OpenAiChat, r#"{"Model":"m"}"#, r#"$.Model: some servers would read it as "model""#),
        (
            Api::OllamaChat,
            r#"{"model":"m","me\u017f\u017fages":[]}"#,
            r#"$["meſſages"]: some servers would read it as "messages""#,
        ),
        (
            Api::OllamaChat,
            r#"{"\u212aeep_alive":1}"#,
            "$[\"\u{212a}eep_alive\"]: some servers would read it as \"keep_alive\"",
        ),
        (Api::OllamaChat, r#"{" stream":true}"#, r#"$[" stream"]: some servers would read it as "stream""#),
        (
            Api::OllamaChat,
            r#"{"stream\u3000":true}"#,
            "$[\"stream\u{3000}\"]: some servers would read it as \"stream\"",
        ),
        (
            Api::OpenAiChat,
            r#"{"messages":[{"Role":"user"}]}"#,
            r#"$.messages[0].Role: some servers would read it as "role""#,
        ),
        (
            Api::OpenAiChat,
            r#"{"messages":[{"content":[{"TEXT":"x"}]}]}"#,
            r#"$.messages[0].content[0].TEXT: some servers would read it as "text""#,
        ),
        (
            Api::OpenAiChat,
            r#"{"tools":[{"function":{"Name":"x"}}]}"#,
            r#"$.tools[0].function.Name: some servers would read it as "name""#,
        ),
        (
            Api::OpenAiChat,
            r#"{"stream_options":{"Include_Usage":true}}"#,
            r#"$.stream_options.Include_Usage: some servers would read it as "include_usage""#,
        ),
        (
            Api::OllamaChat,
            r#"{"options":{"Num_Predict":1}}"#,
            r#"$.options.Num_Predict: some servers would read it as "num_predict""#,
        ),
        (
            Api::OllamaChat,
            r#"{"messages":[{"tool_calls":[{"function":{"Arguments":{}}}]}]}"#,
            r#"$.messages[0].tool_calls[0].function.Arguments: some servers would read it as "arguments""#,
        ),
        (
            Api::AnthropicMessages,
            r#"{"messages":[{"content":[{"type":"tool_result","content":[{"Text":"x"}]}]}]}"#,
            r#"$.messages[0].content[0].content[0].Text: some servers would read it as "text""#,
        ),
    ];
    for (api, body, expected) in cases {
        assert_eq!(refusal(api, body), format!("ambiguous key at {expected}"));
    }
    let own = r#"{"model":"m","messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":{"Model":1}}}]}],
        "metadata":{"Model":"x"},"tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{"Name":{"Type":"x"}}}}}]}"#;
    call(Api::OpenAiChat, own);
    call(Api::OllamaChat, own);
    call(
        Api::AnthropicMessages,
        r#"{"model":"m","messages":[{"content":[{"type":"tool_use","input":{"Text":"x","ID":1}}]}]}"#,
    );
}

#[test]
fn streaming_is_ollamas_default_and_nobody_elses() {
    for api in Api::ALL {
        let streams = matches!(api, Api::OllamaChat | Api::OllamaGenerate);
        assert_eq!(call(api, &with(api, r#""x":0"#)).stream, streams, "{api:?}");
    }
    for api in [
        Api::OpenAiChat,
        Api::OpenAiCompletions,
        Api::OpenAiResponses,
        Api::AnthropicMessages,
        Api::OllamaChat,
    ] {
        assert!(call(api, &with(api, r#""stream":true"#)).stream);
        assert!(!call(api, &with(api, r#""stream":false"#)).stream);
    }
    assert!(
        call(Api::OpenAiChat, &with(Api::OpenAiChat, r#""stream_options":{"include_usage":true}"#))
            .include_usage
    );
}

#[test]
fn the_output_cap_is_the_largest_one_given() {
    let cases = [
        (Api::OpenAiChat, r#""max_tokens":10"#, Some(10)),
        (Api::OpenAiChat, r#""max_completion_tokens":20,"max_tokens":10"#, Some(20)),
        (Api::OpenAiChat, r#""max_completion_tokens":20,"max_tokens":-1"#, None),
        (Api::OpenAiChat, r#""max_tokens":1e3"#, Some(1000)),
        (Api::OpenAiChat, r#""max_tokens":0"#, None),
        (Api::OpenAiChat, r#""max_completion_tokens":0,"max_tokens":10"#, None),
        (Api::OpenAiChat, r#""max_tokens":10,"n_predict":4000"#, Some(4000)),
        (Api::OpenAiCompletions, r#""max_tokens":10,"n_predict":-1"#, None),
        (Api::OpenAiChat, r#""max_tokens":10,"n_predict":1"#, Some(10)),
        (Api::OpenAiChat, r#""n_predict":1"#, None),
        (Api::OpenAiChat, r#""max_tokens":18446744073709551615"#, Some(u64::MAX)),
        (Api::OpenAiChat, r#""max_output_tokens":10"#, None),
        (Api::OpenAiCompletions, r#""max_tokens":5"#, Some(5)),
        (Api::OpenAiResponses, r#""max_output_tokens":7"#, Some(7)),
        (Api::AnthropicMessages, r#""max_tokens":8192"#, Some(8192)),
        (Api::OllamaChat, r#""options":{"num_predict":12}"#, Some(12)),
        (Api::OllamaGenerate, r#""options":{"num_predict":100.0}"#, Some(100)),
        (Api::OllamaGenerate, r#""options":{"num_predict":-2}"#, None),
        (Api::OllamaGenerate, r#""options":{"num_predict":0}"#, None),
        (Api::OllamaGenerate, r#""num_predict":12"#, None),
    ];
    for (api, field, expected) in cases {
        assert_eq!(call(api, &with(api, field)).output_cap, expected, "{field}");
    }
    let huge = refusal(Api::OpenAiChat, &with(Api::OpenAiChat, r#""max_tokens":1e30"#));
    assert_eq!(huge, "wrong type at $.max_tokens: expected a whole number");
}

#[test]
fn choices_count_what_is_produced() {
    let cases = [
        (Api::OpenAiChat, r#""n":3"#, 3),
        (Api::OpenAiCompletions, r#""n":2,"best_of":5"#, 5),
        (Api::OpenAiCompletions, r#""prompt":["a","b","c"],"n":2"#, 6),
        (Api::OpenAiCompletions, r#""prompt":[1,2,3],"n":2"#, 2),
        (Api::OpenAiCompletions, r#""prompt":[[1,2],[3]]"#, 2),
        (Api::OpenAiCompletions, r#""prompt":[]"#, 1),
        (Api::OllamaChat, r#""n":3"#, 1),
    ];
    for (api, field, expected) in cases {
        assert_eq!(call(api, &with(api, field)).choices, expected, "{field}");
    }
    for n in ["0", "-1", "4294967296", "1e18"] {
        let body = with(Api::OpenAiChat, &format!(r#""n":{n}"#));
        let error = Call::parse(Api::OpenAiChat, &document(&body)).expect_err("makes no sense");
        assert!(
            matches!(error.kind, CallErrorKind::OutOfRange | CallErrorKind::WrongType { .. }),
            "{n}: {error}"
        );
    }
}

#[test]
fn hosted_tools_are_those_the_provider_runs() {
    let hosted = |api: Api, field: &str| call(api, &with(api, field)).hosted_tools.join(" ");
    let tools = r#""tools":[{"type":"function","function":{"name":"f"}},{"type":"custom","custom":{"name":"c"}},{"type":"mcp","server_url":"u"},{"type":"local_shell"},{"type":"Function"}]"#;
    assert_eq!(hosted(Api::OpenAiChat, tools), "Function local_shell mcp");
    assert_eq!(hosted(Api::OpenAiChat, r#""web_search_options":{}"#), "web_search");
    assert_eq!(hosted(Api::OpenAiChat, r#""web_search_options":null"#), "");
    assert_eq!(hosted(Api::OpenAiChat, r#""plugins":[{"id":"web"},{"id":"web"},{}]"#), "unknown web");
    assert_eq!(hosted(Api::OpenAiChat, r#""plugins":[]"#), "");
    let client = r#""tools":[{"type":"text_editor_20250728","name":"e"},{"type":"computer_20250124","name":"c"},{"type":"memory_20250818","name":"m"},{"type":null,"name":"x"}],"mcp_servers":[]"#;
    assert_eq!(hosted(Api::AnthropicMessages, client), "");
    assert_eq!(hosted(Api::AnthropicMessages, r#""tools":[{"type":"function","name":"x"}]"#), "function");
}

#[test]
fn a_tool_of_no_type_is_the_callers_only_if_it_describes_a_function() {
    let hosted = |tool: &str| {
        let body = format!(r#"{{"model":"m","messages":[],"tools":[{tool}]}}"#);
        let payload = attach_core::Payload::parse(Api::OpenAiChat, body.into()).unwrap();
        payload.call().hosted_tools.clone()
    };
    assert_eq!(hosted(r#"{"function":{"name":"f"}}"#), Vec::<Box<str>>::new());
    assert_eq!(hosted(r#"{"type":null,"server_url":"https://x.test"}"#), ["unknown"].map(Box::<str>::from));
    assert_eq!(hosted(r#"{"server_url":"https://x.test"}"#), ["unknown"].map(Box::<str>::from));
}
