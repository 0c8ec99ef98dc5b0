use serde_json::{Value, json};

use super::{plan, question};

/// Status, code and place of a refusal.
fn refused(body: &Value) -> (u16, String, String) {
    let rejection = plan("openai", body).expect_err(&body.to_string());
    let place = rejection.param().unwrap_or_default().to_owned();
    (rejection.status().as_u16(), rejection.code().to_owned(), place)
}

#[test]
fn what_cannot_be_said_is_refused_by_its_name() {
    let input = |item: Value| question(&json!({"input": [item]}));
    let part = |part: Value| input(json!({"role": "user", "content": [part]}));
    let function = json!({"type": "function", "name": "f", "parameters": {}});
    for (body, place) in [
        (question(&json!({"previous_response_id": "resp_1"})), "$.previous_response_id"),
        (question(&json!({"conversation": "conv_1"})), "$.conversation"),
        (question(&json!({"prompt": {"id": "pmpt_1"}})), "$.prompt"),
        (question(&json!({"background": true})), "$.background"),
        (question(&json!({"store": true})), "$.store"),
        (question(&json!({"tools": [{"type": "web_search"}]})), "$.tools[0]"),
        (question(&json!({"tools": [function, {"type": "custom", "name": "c"}]})), "$.tools[1]"),
        (question(&json!({"tool_choice": {"type": "web_search"}})), "$.tool_choice"),
        (question(&json!({"tool_choice": "sometimes"})), "$.tool_choice"),
        (question(&json!({"text": {"format": {"type": "grammar"}}})), "$.text.format"),
        (
            question(&json!({"text": {"format": {"type": "json_schema", "name": "n"}}})),
            "$.text.format.schema",
        ),
        (input(json!({"type": "item_reference", "id": "msg_1"})), "$.input[0].item_reference"),
        (
            input(json!({"type": "web_search_call", "id": "ws_1", "status": "completed"})),
            "$.input[0].web_search_call",
        ),
        (
            input(json!({"type": "custom_tool_call_output", "call_id": "c", "output": "x"})),
            "$.input[0].custom_tool_call_output",
        ),
        (
            part(json!({"type": "input_file", "file_url": "https://example.com/a.pdf"})),
            "$.input[0].content[0].input_file",
        ),
        (part(json!({"type": "input_image", "file_id": "file-1"})), "$.input[0].content[0].input_image"),
        (
            part(json!({"type": "input_image", "image_url": "ftp://example.com/a"})),
            "$.input[0].content[0].input_image",
        ),
        (part(json!({"type": "input_audio", "input_audio": {}})), "$.input[0].content[0].input_audio"),
        (part(json!({"type": "jane.doe@example.com"})), "$.input[0].content[0].type"),
        (input(json!({"type": "x".repeat(5000)})), "$.input[0].type"),
        (
            input(
                json!({"role": "system", "content": [{"type": "input_image", "image_url": "https://example.com/a"}]}),
            ),
            "$.input[0].content",
        ),
    ] {
        assert_eq!(refused(&body), (400, "unsupported_field".into(), place.into()), "{body}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_where_it_stands() {
    let input = |item: Value| question(&json!({"input": [item]}));
    for (body, place) in [
        (json!({"model": "m"}), "$.input"),
        (question(&json!({"input": []})), "$.input"),
        (json!({"model": "m", "instructions": "Be brief."}), "$.input"),
        (input(json!({})), "$.input[0].type"),
        (input(json!({"role": "user"})), "$.input[0].content"),
        (input(json!({"role": "robot", "content": "hi"})), "$.input[0].role"),
        (input(json!({"type": "function_call", "name": "f", "arguments": "{}"})), "$.input[0].call_id"),
        (input(json!({"type": "function_call", "call_id": "c", "arguments": "{}"})), "$.input[0].name"),
        (input(json!({"type": "function_call_output", "call_id": "c"})), "$.input[0].output"),
        (input(json!({"type": "function_call_output", "output": "x"})), "$.input[0].call_id"),
        (question(&json!({"tools": [{"type": "function", "function": {"name": "f"}}]})), "$.tools[0].name"),
    ] {
        assert_eq!(refused(&body), (400, "invalid_request".into(), place.into()), "{body}");
    }
}

#[test]
fn wrong_types_are_refused_where_they_stand() {
    for (more, place) in [
        (json!({"input": 5}), "$.input"),
        (json!({"input": [5]}), "$.input[0]"),
        (json!({"instructions": true}), "$.instructions"),
        (json!({"input": [{"role": ["user"], "content": "hi"}]}), "$.input[0].role"),
        (json!({"input": [{"role": "user", "content": 5}]}), "$.input[0].content"),
        (json!({"tools": {"type": "function"}}), "$.tools"),
        (json!({"tools": [{"type": "function", "name": 5}]}), "$.tools[0].name"),
        (json!({"text": []}), "$.text"),
        (json!({"text": {"format": "json"}}), "$.text.format"),
        (json!({"reasoning": "high"}), "$.reasoning"),
        (json!({"max_output_tokens": "many"}), "$.max_output_tokens"),
        (json!({"temperature": "hot"}), "$.temperature"),
        (json!({"include": "all"}), "$.include"),
    ] {
        let (status, code, at) = refused(&question(&more));
        assert_eq!((status, &*code, &*at), (400, "wrong_type", place), "{more}");
    }
}

#[test]
fn what_is_deep_or_huge_costs_little() {
    let deep = format!(r#"{{"model":"m","input":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    assert!(super::plan_of(&deep, &super::upstream("openai", "")).is_err());
    let items: Vec<_> = (0..40_000)
        .flat_map(|at| {
            let id = format!("call_{at}");
            [
                json!({"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"}),
                json!({"type": "function_call_output", "call_id": id, "output": "x"}),
            ]
        })
        .collect();
    let began = std::time::Instant::now();
    let plan = plan("anthropic", &question(&json!({"input": [{"role": "user", "content": "hi"}]}))).unwrap();
    assert!(plan.dropped().is_none());
    let mut body = question(&json!({}));
    body["input"] = json!(items);
    body["input"].as_array_mut().unwrap().insert(0, json!({"role": "user", "content": "hi"}));
    assert_eq!(super::sent("anthropic", &body)["messages"].as_array().unwrap().len(), 80_001);
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
}
