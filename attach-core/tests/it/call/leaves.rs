//! Where a caller's own words can stand, for every API.

use attach_core::call::{Modality, Place};
use attach_core::json::Kind;
use attach_core::{Api, Call};
use proptest::prelude::*;

use super::{call, document, with};

/// What is inspected, a line per leaf: the place's initial, the path, and what stands there.
fn leaves(api: Api, body: &str) -> Vec<String> {
    let document = document(body);
    let call = Call::parse(api, &document).unwrap_or_else(|error| panic!("{error}: {body}"));
    let show = |leaf: &attach_core::call::Leaf| {
        let value = document.value(leaf.node);
        let text = value.as_str().unwrap_or_default();
        match leaf.place {
            Place::Text => format!("{} {text}", value.path()),
            Place::Arguments => format!("arguments {} {text}", value.path()),
            Place::Key => format!("key {}", value.path()),
            Place::Number => format!("number {}", value.path()),
            _ => unreachable!("a new place needs a new line here"),
        }
    };
    call.leaves.iter().map(show).collect()
}

fn opaque(api: Api, body: &str) -> Vec<(String, Modality)> {
    let document = document(body);
    let call = Call::parse(api, &document).unwrap_or_else(|error| panic!("{error}: {body}"));
    call.opaque.iter().map(|opaque| (document.value(opaque.node).path(), opaque.modality)).collect()
}

fn state(api: Api, body: &str) -> Vec<&'static str> {
    call(api, body).state.iter().map(|state| state.field).collect()
}

#[test]
fn openai_chat_lists_every_place_for_words() {
    let body = r#"{
        "model":"gpt-4o","messages":[
            {"role":"system","content":"S"},
            {"role":"user","name":"N","content":[
                {"type":"text","text":"T"},
                {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}},
                {"type":"image_url","image_url":{"url":"https://x.test/i.png"}},
                {"type":"image_url","image_url":"https://x.test/j.png"},
                {"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}},
                {"type":"file","file":{"filename":"F","file_data":"data:;base64,AA"}},
                {"type":"file","file":{"file_id":"file-1"}},
                {"type":"text","text":"data:text/plain,D"}]},
            {"role":"assistant","content":null,"refusal":"R","tool_calls":[
                {"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},
                {"id":"call_2","type":"custom","custom":{"name":"g","input":"I"}}]},
            {"role":"tool","tool_call_id":"call_1","content":"O"},
            {"role":"assistant","function_call":{"name":"f","arguments":"{}"},"content":""}],
        "tools":[{"type":"function","function":{"name":"f","description":"D","strict":true,
            "parameters":{"type":"object","properties":{"p":{"type":"string","enum":["E"],"maximum":12345678}}}}}],
        "tool_choice":{"type":"function","function":{"name":"f"}},"response_format":{"type":"json_schema",
            "json_schema":{"name":"n","description":"JD","schema":{"title":"JT"}}},
        "stop":["ST"],"user":"U","metadata":{"k":"M","phone":15551234567,"small":123},"logit_bias":{"50256":-100},
        "reasoning_effort":"low","service_tier":"auto","prompt_cache_key":"c","modalities":["text"],
        "prediction":{"type":"content","content":"P"},"extra":{"x":{"y":"Y"}},"phone":15551234567}"#;
    assert_eq!(
        leaves(Api::OpenAiChat, body),
        [
            "$.messages[0].content S",
            "$.messages[1].name N",
            "$.messages[1].content[0].text T",
            "$.messages[1].content[2].image_url.url https://x.test/i.png",
            "$.messages[1].content[3].image_url https://x.test/j.png",
            "$.messages[1].content[5].file.filename F",
            "$.messages[1].content[7].text data:text/plain,D",
            "$.messages[2].refusal R",
            "arguments $.messages[2].tool_calls[0].function.arguments {\"a\":1}",
            "$.messages[2].tool_calls[1].custom.input I",
            "$.messages[3].content O",
            "arguments $.messages[4].function_call.arguments {}",
            "$.messages[4].content ",
            "$.tools[0].function.description D",
            "$.tools[0].function.parameters.type object",
            "$.tools[0].function.parameters.properties.p.type string",
            "$.tools[0].function.parameters.properties.p.enum[0] E",
            "$.response_format.json_schema.description JD",
            "$.response_format.json_schema.schema.title JT",
            "$.stop[0] ST",
            "$.user U",
            "key $.metadata.k",
            "$.metadata.k M",
            "key $.metadata.phone",
            "number $.metadata.phone",
            "key $.metadata.small",
            r#"key $.logit_bias["50256"]"#,
            "$.prediction.content P",
            "key $.extra",
            "key $.extra.x",
            "key $.extra.x.y",
            "$.extra.x.y Y",
            "key $.phone",
            "number $.phone",
        ]
    );
    let content = |index: usize, rest: &str| format!("$.messages[1].content[{index}]{rest}");
    assert_eq!(
        opaque(Api::OpenAiChat, body),
        [
            (content(1, ".image_url.url"), Modality::Image),
            (content(2, ".image_url.url"), Modality::Image),
            (content(3, ".image_url"), Modality::Image),
            (content(4, ".input_audio.data"), Modality::Audio),
            (content(5, ".file.file_data"), Modality::File),
        ]
    );
    assert_eq!(state(Api::OpenAiChat, body), ["file_id"]);
    assert!(call(Api::OpenAiChat, body).hosted_tools.is_empty());
}

#[test]
fn free_text_does_not_get_by_in_the_place_of_a_word() {
    let body = |field: &str| format!(r#"{{"model":"m","messages":[{{{field}}}]}}"#);
    let found =
        leaves(Api::OpenAiChat, &body(r#""role":"call bob@example.com","tool_call_id":"call_abc-1:2""#));
    assert_eq!(found, ["$.messages[0].role call bob@example.com"]);
    let long = "a".repeat(300);
    assert_eq!(leaves(Api::OpenAiChat, &body(&format!(r#""tool_call_id":"{long}""#))).len(), 1);
    assert_eq!(
        leaves(Api::OpenAiChat, &with(Api::OpenAiChat, r#""modalities":["text","two words"]"#)).len(),
        1
    );
    assert_eq!(leaves(Api::OpenAiChat, &with(Api::OpenAiChat, r#""modalities":[{"a":"b"}]"#)).len(), 2);
}

#[test]
fn long_data_in_an_unknown_field_is_opaque_as_well() {
    let data = "QUJD".repeat(100);
    let numbers = (0..20).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let chat = |field: String| opaque(Api::OpenAiChat, &with(Api::OpenAiChat, &field));
    assert_eq!(chat(format!(r#""blob":{{"x":"{data}"}}"#)), [("$.blob.x".to_owned(), Modality::Unknown)]);
    assert_eq!(chat(format!(r#""ids":[{numbers}]"#)), [("$.ids".to_owned(), Modality::Unknown)]);
    assert!(chat(format!(r#""note":"{}""#, "two words ".repeat(100))).is_empty());
    assert!(chat(format!(r#""metadata":{{"x":"{data}"}}"#)).is_empty(), "the caller's own is text");
}

#[test]
fn completions_and_embeddings_take_text_or_token_ids() {
    assert_eq!(
        leaves(Api::OpenAiCompletions, &with(Api::OpenAiCompletions, r#""prompt":"P","suffix":"S""#)),
        ["$.prompt P", "$.suffix S"]
    );
    assert_eq!(
        leaves(Api::OpenAiEmbeddings, &with(Api::OpenAiEmbeddings, r#""input":["A","B"],"user":"U""#)),
        ["$.input[0] A", "$.input[1] B", "$.user U"]
    );
    for ids in ["[1,2,3]", "[[1,2],[3]]", "[\"A\",1]"] {
        let body = with(Api::OpenAiEmbeddings, &format!(r#""input":{ids}"#));
        assert_eq!(opaque(Api::OpenAiEmbeddings, &body), [("$.input".to_owned(), Modality::TokenIds)]);
    }
    assert!(opaque(Api::OpenAiEmbeddings, &with(Api::OpenAiEmbeddings, r#""input":[]"#)).is_empty());
}

#[test]
fn responses_lists_every_place_for_words() {
    let body = r#"{
        "model":"gpt-5","instructions":"INS","input":[
            {"type":"message","role":"user","content":[
                {"type":"input_text","text":"T"},
                {"type":"input_image","image_url":"https://x.test/i.png","detail":"auto"},
                {"type":"input_image","image_url":"data:image/png;base64,AAAA"},
                {"type":"input_file","file_data":"AAAA","filename":"F"},
                {"type":"input_file","file_url":"https://x.test/f.pdf"},
                {"type":"input_file","file_id":"file_1"}]},
            {"role":"assistant","content":"C"},
            {"type":"function_call","call_id":"c","name":"f","arguments":"{}","id":"fc_1","status":"completed"},
            {"type":"function_call_output","call_id":"c","output":"OUT"},
            {"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"OT"}]},
            {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"SUM"}],"encrypted_content":"gAAAA"},
            {"type":"brand_new","payload":"NEW"}],
        "tools":[{"type":"function","name":"f","description":"D","parameters":{"title":"PT"},"strict":false},
            {"type":"web_search","user_location":{"city":"Basel"}},{"type":"file_search","vector_store_ids":["vs_1"]},
            {"type":"code_interpreter","container":{"type":"auto","file_ids":["f"]}},{"type":"web_search"}],
        "text":{"format":{"type":"json_schema","name":"n","schema":{"title":"FT"}},"verbosity":"low"},
        "reasoning":{"effort":"high","summary":"auto"},"metadata":{"k":"M"},"include":["reasoning.encrypted_content"],
        "prompt":{"id":"pmpt_1","version":"2","variables":{"city":"V"}},
        "previous_response_id":"resp_1","conversation":{"id":"conv_1"},"store":true,"background":true,"user":"U"}"#;
    assert_eq!(
        leaves(Api::OpenAiResponses, body),
        [
            "$.instructions INS",
            "$.input[0].content[0].text T",
            "$.input[0].content[1].image_url https://x.test/i.png",
            "$.input[0].content[3].filename F",
            "$.input[0].content[4].file_url https://x.test/f.pdf",
            "$.input[1].content C",
            "arguments $.input[2].arguments {}",
            "$.input[3].output OUT",
            "$.input[4].output[0].text OT",
            "$.input[5].summary[0].text SUM",
            "key $.input[6].payload",
            "$.input[6].payload NEW",
            "$.tools[0].description D",
            "$.tools[0].parameters.title PT",
            "key $.tools[1].user_location",
            "key $.tools[1].user_location.city",
            "$.tools[1].user_location.city Basel",
            "$.text.format.schema.title FT",
            "key $.metadata.k",
            "$.metadata.k M",
            "key $.prompt.variables.city",
            "$.prompt.variables.city V",
            "$.user U",
        ]
    );
    assert_eq!(
        opaque(Api::OpenAiResponses, body),
        [
            ("$.input[0].content[1].image_url".to_owned(), Modality::Image),
            ("$.input[0].content[2].image_url".to_owned(), Modality::Image),
            ("$.input[0].content[3].file_data".to_owned(), Modality::File),
            ("$.input[0].content[4].file_url".to_owned(), Modality::File),
            ("$.input[5].encrypted_content".to_owned(), Modality::Encrypted),
        ]
    );
    assert_eq!(
        state(Api::OpenAiResponses, body),
        [
            "file_id",
            "vector_store_ids",
            "container",
            "prompt",
            "previous_response_id",
            "conversation",
            "store",
            "background"
        ]
    );
    assert_eq!(
        *call(Api::OpenAiResponses, body).hosted_tools,
        ["code_interpreter", "file_search", "web_search"].map(Box::<str>::from)
    );
    assert_eq!(leaves(Api::OpenAiResponses, r#"{"model":"m","input":"I"}"#), ["$.input I"]);
    let none = r#"{"model":"m","input":"","store":false,"background":false,"previous_response_id":null,"conversation":null}"#;
    assert!(state(Api::OpenAiResponses, none).is_empty());
    assert_eq!(state(Api::OpenAiResponses, r#"{"model":"m","conversation":"conv_1"}"#), ["conversation"]);
}

#[test]
fn a_reference_to_a_stored_item_is_state() {
    let body = r#"{"model":"m","input":[{"type":"item_reference","id":"msg_1"},{"id":"rs_2"},{"role":"user","content":"x","id":"mine"}]}"#;
    assert_eq!(state(Api::OpenAiResponses, body), ["item_reference", "item_reference"]);
}

#[test]
fn anthropic_lists_every_place_for_words() {
    let body = r#"{
        "model":"claude","max_tokens":10,"system":[{"type":"text","text":"SYS","cache_control":{"type":"ephemeral"}}],
        "messages":[
            {"role":"user","content":"C"},
            {"role":"user","content":[
                {"type":"text","text":"T","citations":[{"cited_text":"CT"}]},
                {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},
                {"type":"image","source":{"type":"url","url":"https://x.test/i.png"}},
                {"type":"image","source":{"type":"file","file_id":"file_1"}},
                {"type":"document","title":"TI","context":"CO","source":{"type":"text","media_type":"text/plain","data":"DOC"}},
                {"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"AAAA"}},
                {"type":"document","source":{"type":"content","content":[{"type":"text","text":"DC"}]}},
                {"type":"search_result","source":"https://s.test","title":"ST","content":[{"type":"text","text":"SC"}]},
                {"type":"container_upload","file_id":"file_2"}]},
            {"role":"assistant","content":[
                {"type":"thinking","thinking":"TH","signature":"SIG with spaces"},
                {"type":"redacted_thinking","data":"ENC"},
                {"type":"tool_use","id":"toolu_1","name":"f","input":{"email":"E","n":4111111111111111,"d":{"k":7}}}]},
            {"role":"user","content":[
                {"type":"tool_result","tool_use_id":"toolu_1","is_error":false,"content":[
                    {"type":"text","text":"TR"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]},
                {"type":"tool_result","tool_use_id":"toolu_2","content":"TS"}]}],
        "tools":[{"name":"f","description":"D","input_schema":{"type":"object","title":"IS"}},
            {"type":"web_search_20250305","name":"web_search","allowed_domains":["a.test"]},
            {"type":"bash_20250124","name":"bash"},{"type":"custom","name":"c","input_schema":{}},
            {"type":"code_execution_20250825","name":"code_execution"}],
        "tool_choice":{"type":"tool","name":"f"},"metadata":{"user_id":"UID"},"stop_sequences":["STOP"],
        "thinking":{"type":"enabled","budget_tokens":1024},"container":"cont_1",
        "mcp_servers":[{"type":"url","url":"https://mcp.test","name":"n"}]}"#;
    assert_eq!(
        leaves(Api::AnthropicMessages, body),
        [
            "$.system[0].text SYS",
            "$.messages[0].content C",
            "$.messages[1].content[0].text T",
            "key $.messages[1].content[0].citations[0].cited_text",
            "$.messages[1].content[0].citations[0].cited_text CT",
            "$.messages[1].content[2].source.url https://x.test/i.png",
            "$.messages[1].content[4].title TI",
            "$.messages[1].content[4].context CO",
            "$.messages[1].content[4].source.data DOC",
            "$.messages[1].content[6].source.content[0].text DC",
            "$.messages[1].content[7].source https://s.test",
            "$.messages[1].content[7].title ST",
            "$.messages[1].content[7].content[0].text SC",
            "$.messages[2].content[0].thinking TH",
            "key $.messages[2].content[2].input.email",
            "$.messages[2].content[2].input.email E",
            "key $.messages[2].content[2].input.n",
            "number $.messages[2].content[2].input.n",
            "key $.messages[2].content[2].input.d",
            "key $.messages[2].content[2].input.d.k",
            "$.messages[3].content[0].content[0].text TR",
            "$.messages[3].content[1].content TS",
            "$.tools[0].description D",
            "$.tools[0].input_schema.type object",
            "$.tools[0].input_schema.title IS",
            "key $.tools[1].allowed_domains",
            "$.tools[1].allowed_domains[0] a.test",
            "key $.metadata.user_id",
            "$.metadata.user_id UID",
            "$.stop_sequences[0] STOP",
            "key $.mcp_servers[0].type",
            "$.mcp_servers[0].type url",
            "key $.mcp_servers[0].url",
            "$.mcp_servers[0].url https://mcp.test",
            "key $.mcp_servers[0].name",
            "$.mcp_servers[0].name n",
        ]
    );
    assert_eq!(
        opaque(Api::AnthropicMessages, body),
        [
            ("$.messages[1].content[1].source.data".to_owned(), Modality::Image),
            ("$.messages[1].content[2].source.url".to_owned(), Modality::Image),
            ("$.messages[1].content[5].source.data".to_owned(), Modality::File),
            ("$.messages[2].content[1].data".to_owned(), Modality::Encrypted),
            ("$.messages[3].content[0].content[1].source.data".to_owned(), Modality::Image),
        ]
    );
    assert_eq!(state(Api::AnthropicMessages, body), ["file_id", "file_id", "container"]);
    let hosted = call(Api::AnthropicMessages, body).hosted_tools;
    assert_eq!(*hosted, ["code_execution_20250825", "mcp", "web_search_20250305"].map(Box::<str>::from));
}

#[test]
fn ollama_lists_every_place_for_words() {
    let chat = r#"{"model":"llama3","messages":[
            {"role":"user","content":"C","images":["AAAA","BBBB"]},
            {"role":"assistant","content":"","thinking":"TH","tool_calls":[{"function":{"name":"f","arguments":{"k":"A","n":12345678}}}]},
            {"role":"tool","content":"O","tool_name":"f"}],
        "tools":[{"type":"function","function":{"name":"f","description":"D","parameters":{}}}],
        "format":{"title":"FT"},"options":{"stop":["ST"],"num_predict":5},"keep_alive":"5m","think":"high"}"#;
    assert_eq!(
        leaves(Api::OllamaChat, chat),
        [
            "$.messages[0].content C",
            "$.messages[1].content ",
            "$.messages[1].thinking TH",
            "key $.messages[1].tool_calls[0].function.arguments.k",
            "$.messages[1].tool_calls[0].function.arguments.k A",
            "key $.messages[1].tool_calls[0].function.arguments.n",
            "number $.messages[1].tool_calls[0].function.arguments.n",
            "$.messages[2].content O",
            "$.tools[0].function.description D",
            "$.format.title FT",
            "$.options.stop[0] ST",
        ]
    );
    let image = |index| (format!("$.messages[0].images[{index}]"), Modality::Image);
    assert_eq!(opaque(Api::OllamaChat, chat), [image(0), image(1)]);

    let generate = r#"{"model":"m","prompt":"P","suffix":"S","system":"SY","template":"TE","context":[1,2],"images":["AA"],"format":"json","raw":true,"keep_alive":0}"#;
    assert_eq!(
        leaves(Api::OllamaGenerate, generate),
        ["$.prompt P", "$.suffix S", "$.system SY", "$.template TE"]
    );
    assert_eq!(
        opaque(Api::OllamaGenerate, generate),
        [("$.context".to_owned(), Modality::TokenIds), ("$.images[0]".to_owned(), Modality::Image)]
    );
    assert_eq!(
        leaves(Api::OllamaEmbed, r#"{"model":"m","input":["A","B"],"prompt":"P"}"#),
        ["$.input[0] A", "$.input[1] B", "$.prompt P"]
    );
    let words = r#"{"model":"m","context":["W",1],"images":[1,"I"],"format":"two words"}"#;
    assert_eq!(leaves(Api::OllamaGenerate, words), ["$.context[0] W", "$.images[1] I", "$.format two words"]);
    assert!(leaves(Api::OllamaShow, r#"{"model":"m","verbose":true}"#).is_empty());
}

#[test]
fn text_bytes_are_those_of_the_text() {
    let call = call(
        Api::OpenAiChat,
        r#"{"model":"a-long-name","messages":[{"role":"user","content":"12345"},{"role":"user","content":"a\n"}]}"#,
    );
    assert_eq!(call.text_bytes, 8);
}

/// JSON of any shape in which every string is a text with a space, which no word of a protocol has.
fn anything() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value as Tree;
    let leaf = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::from),
        "[a-z]{1,3} [a-z]{1,3}".prop_map(Tree::from)
    ];
    let key = proptest::sample::select(
        "type text content source url data input name function arguments tools role id thinking summary output x y"
            .split(' ')
            .collect::<Vec<_>>(),
    );
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Tree::from),
            proptest::collection::vec((key.clone().prop_map(str::to_owned), inner), 0..6)
                .prop_map(|members| Tree::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_string_of_an_accepted_body_is_listed(
        api in proptest::sample::select(Api::ALL.to_vec()),
        fields in proptest::collection::vec((
            proptest::sample::select(vec!["messages", "input", "system", "tools", "prompt", "metadata", "x", "user", "stop", "instructions", "format", "context", "tool_choice", "container", "options"]),
            anything(),
        ), 1..4),
    ) {
        let mut body = serde_json::json!({"model": "m", "messages": []});
        for (key, value) in fields {
            body[key] = value;
        }
        let document = document(&body.to_string());
        let Ok(call) = Call::parse(api, &document) else { return Ok(()) };
        for value in document.root().descendants().filter(|value| value.kind() == Kind::String && value.id() != call.model_node) {
            let listed = call.leaves.iter().any(|leaf| leaf.node == value.id() && leaf.place != Place::Key)
                || call.opaque.iter().any(|opaque| opaque.node == value.id());
            prop_assert!(listed, "{} in {}", value.path(), body);
        }
        let mut texts: Vec<_> = call.leaves.iter().filter(|leaf| leaf.place != Place::Key).map(|leaf| leaf.node).collect();
        prop_assert!(texts.is_sorted(), "in reading order");
        texts.dedup();
        prop_assert_eq!(texts.len(), call.leaves.iter().filter(|leaf| leaf.place != Place::Key).count(), "none twice");
    }
}
