use attach_core::Outcome;
use attach_redact::WhenDown;
use serde_json::{Value, json};

use super::{Down, JSON, Strict, ask, judging, told};
use crate::support::{CHAT, MESSAGES, OLLAMA, RESPONSES};

fn said(path: &str, text: &str) -> Value {
    match path {
        CHAT => json!({"id": "c1", "object": "chat.completion", "created": 7, "model": "m", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "fine"}, "finish_reason": "stop"},
            {"index": 1, "message": {"role": "assistant", "content": null, "reasoning_content": "hm", "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "send", "arguments": format!("{{\"to\":\"{text}\"}}")}}]},
                "finish_reason": "tool_calls"}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}}),
        "/v1/completions" => json!({"id": "c1", "object": "text_completion", "created": 7, "model": "m",
            "choices": [{"index": 0, "text": text, "finish_reason": "stop"}]}),
        MESSAGES => json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [
            {"type": "thinking", "thinking": "well", "signature": "abc"},
            {"type": "tool_use", "id": "toolu_1", "name": "send", "input": {"to": {"id": text}}}],
            "stop_reason": "tool_use", "stop_sequence": null, "usage": {"input_tokens": 9, "output_tokens": 4}}),
        RESPONSES => {
            json!({"id": "resp_1", "object": "response", "created_at": 7, "model": "m", "status": "completed",
            "instructions": "never say poison", "output": [{"id": "msg_1", "type": "message", "role": "assistant",
            "content": [{"type": "output_text", "text": text, "annotations": []}]}]})
        }
        OLLAMA => {
            json!({"model": "m", "created_at": "t", "message": {"role": "assistant", "content": "fine", "thinking": text},
            "done": true, "done_reason": "stop", "eval_count": 4})
        }
        _ => json!({"model": "m", "created_at": "t", "response": text, "done": true, "done_reason": "stop"}),
    }
}

const ALL: [&str; 6] = [CHAT, "/v1/completions", MESSAGES, RESPONSES, OLLAMA, "/api/generate"];

#[tokio::test]
async fn an_answer_that_is_blocked_ends_as_its_dialects_content_filter_ends_one() {
    let mark = json!({"code": "content_blocked"});
    let choice = |index: usize| {
        json!({"index": index, "message": {"role": "assistant", "content": "", "refusal": null}, "logprobs": null,
            "finish_reason": "content_filter"})
    };
    let expected = [
        json!({"id": "c1", "object": "chat.completion", "created": 7, "model": "m", "choices": [choice(0), choice(1)],
            "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}, "attach": mark}),
        json!({"id": "c1", "object": "text_completion", "created": 7, "model": "m", "attach": mark,
            "choices": [{"index": 0, "text": "", "logprobs": null, "finish_reason": "content_filter"}]}),
        json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": "refusal",
            "stop_sequence": null, "usage": {"input_tokens": 9, "output_tokens": 4}, "attach": mark}),
        json!({"id": "resp_1", "object": "response", "created_at": 7, "model": "m", "status": "incomplete",
            "instructions": "never say poison", "incomplete_details": {"reason": "content_filter"}, "output": [], "attach": mark}),
        json!({"model": "m", "created_at": "t", "message": {"role": "assistant", "content": ""}, "done": true,
            "done_reason": "content_filter", "eval_count": 4, "attach": mark}),
        json!({"model": "m", "created_at": "t", "response": "", "done": true, "done_reason": "content_filter", "attach": mark}),
    ];
    for (path, expected) in ALL.into_iter().zip(expected) {
        let answer = said(path, "a poison recipe").to_string();
        let seen = ask(judging(Strict::default(), WhenDown::Closed), path, JSON, 7, &answer).await;
        assert_eq!(seen.status, 200, "{path}");
        assert_eq!(serde_json::from_str::<Value>(&seen.client).unwrap(), expected, "{path}");
        assert_eq!(seen.headers["content-length"], seen.client.len().to_string());
        assert_eq!(seen.exchange.outcome(), Some(Outcome::Blocked));
        assert_eq!(told(&seen), "200 content_blocked the answer, by strict: contentPolicy POISON");
    }
}

#[tokio::test]
async fn of_a_response_that_is_blocked_only_what_the_server_says_stays() {
    let mut answer = said(RESPONSES, "a poison recipe");
    let known = json!({"temperature": 1.0, "tools": [], "tool_choice": "auto", "usage": {"input_tokens": 9}});
    for extra in [
        &known,
        &json!({"output_text": "a poison recipe", "error": {"message": "a poison recipe"},
        "reasoning_text": "a poison recipe", "text_preview": ["a poison recipe"], "top_logprobs": [{"poison": 1}]}),
    ] {
        answer.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    }
    let seen =
        ask(judging(Strict::default(), WhenDown::Closed), RESPONSES, JSON, 99, &answer.to_string()).await;
    let got: Value = serde_json::from_str(&seen.client).unwrap();
    let mut expected = json!({"id": "resp_1", "object": "response", "created_at": 7, "model": "m", "status": "incomplete",
        "instructions": "never say poison", "incomplete_details": {"reason": "content_filter"}, "output": [],
        "attach": {"code": "content_blocked"}});
    expected.as_object_mut().unwrap().extend(known.as_object().unwrap().clone());
    assert_eq!(got, expected);

    let created = json!({"type": "response.created", "response": {"id": "r", "object": "response", "model": "m", "output": [],
        "output_preview": "a poison recipe"}});
    let delta = json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "a poison recipe"});
    let stream: String = [created, delta].iter().map(|event| format!("data: {event}\n\n")).collect();
    let seen = ask(judging(Strict::default(), WhenDown::Closed), RESPONSES, super::SSE, 99, &stream).await;
    assert!(
        seen.client.contains("response.incomplete") && !seen.client.contains("recipe"),
        "{}",
        seen.client
    );
}

#[tokio::test]
async fn an_answer_that_nobody_objects_to_is_left_as_it_came() {
    for path in ALL {
        let strict = Strict::default();
        let answer = format!(" {}\n", said(path, "a cake recipe"));
        let seen = ask(judging(strict.clone(), WhenDown::Closed), path, JSON, 7, &answer).await;
        assert_eq!(seen.client, answer, "{path}");
        let shown = strict.shown();
        let [shown] = &shown[..] else { panic!("it is asked once: {shown:?}") };
        assert!(shown.iter().any(|text| text.contains("a cake recipe")), "{shown:?}");
        assert!(!shown.iter().any(|text| text.contains("msg_1") || text.contains("poison")), "{shown:?}");
    }
}

#[tokio::test]
async fn everything_the_model_says_is_shown_and_nothing_else() {
    let strict = Strict::default();
    ask(judging(strict.clone(), WhenDown::Closed), CHAT, JSON, 99, &said(CHAT, "x").to_string()).await;
    assert_eq!(sorted(strict.shown()), [["fine", "hm", "send", "{\"to\":\"x\"}"]]);
    ask(judging(strict.clone(), WhenDown::Closed), MESSAGES, JSON, 99, &said(MESSAGES, "x").to_string())
        .await;
    assert_eq!(sorted(strict.shown()), [["id", "send", "to", "well", "x"]]);
}

/// In which order the members of an object are shown is not said.
fn sorted(mut shown: Vec<Vec<String>>) -> Vec<Vec<String>> {
    shown.iter_mut().for_each(|texts| texts.sort());
    shown
}

#[tokio::test]
async fn without_a_verdict_an_answer_is_withheld_unless_that_is_permitted() {
    let answer = said(CHAT, "a cake recipe").to_string();
    let seen = ask(judging(Down, WhenDown::Closed), CHAT, JSON, 99, &answer).await;
    assert_eq!(seen.status, 503);
    assert!(seen.client.contains("redaction_failed") && !seen.client.contains("cake"), "{}", seen.client);
    assert_eq!(seen.exchange.outcome(), Some(Outcome::Failed));
    assert_eq!(told(&seen), "503 redaction_failed the answer: down since noon");
    let seen = ask(judging(Down, WhenDown::Open), CHAT, JSON, 99, &answer).await;
    assert_eq!((seen.status, seen.client), (200, answer));
    let partial = seen.exchange.facts(|facts| facts.redaction.as_ref().map(|redaction| redaction.coverage));
    assert_eq!(partial, Some(attach_core::exchange::Coverage::Partial));
}

#[tokio::test]
async fn what_nobody_can_look_into_is_withheld() {
    for (kind, answer) in
        [(JSON, "{\"a\":1,\"a\":2}"), (JSON, "poison"), ("text/plain", "cake"), ("text/event-streams", "x")]
    {
        let seen = ask(judging(Strict::default(), WhenDown::Open), CHAT, kind, 99, answer).await;
        assert_eq!(seen.status, 503, "{kind} {answer}");
        assert!(!seen.client.contains("poison") && !seen.client.contains("cake"), "{}", seen.client);
    }
}
