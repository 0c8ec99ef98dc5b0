//! The wire shapes of a refusal.

use attach_core::{Exchange, Outcome, Rejection, ResponseBody};
use http_body_util::{BodyExt, Empty};
use serde_json::{Value, json};

type Answer = http::Response<ResponseBody<Empty<bytes::Bytes>>>;

async fn shown(path: &str, rejection: Rejection) -> (u16, Value, Option<Outcome>) {
    let mut request = http::Request::post(path).body(()).unwrap();
    let exchange = Exchange::of_request(&mut request);
    let response: Answer = rejection.into_response(&exchange);
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let mut body: Value = serde_json::from_slice(&body).unwrap();
    for at in [&["error", "request_id"][..], &["request_id"]] {
        let owner = at[..at.len() - 1].iter().fold(&mut body, |value, key| &mut value[*key]);
        owner.as_object_mut().map(|owner| owner.remove("request_id"));
    }
    (status, body, exchange.outcome())
}

fn blocked() -> Rejection {
    Rejection::content_blocked("by contentPolicy HATE").with_param("$.messages[0].content")
}

#[tokio::test]
async fn content_that_is_blocked_looks_as_each_dialects_own_filter_does() {
    let openai = json!({"error": {
        "message": "by contentPolicy HATE", "type": "invalid_request_error", "param": "$.messages[0].content",
        "code": "content_filter", "innererror": {"code": "ResponsibleAIPolicyViolation"},
        "attach": {"code": "content_blocked"}}});
    for path in ["/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/embeddings"] {
        assert_eq!(shown(path, blocked()).await, (400, openai.clone(), Some(Outcome::Blocked)), "{path}");
    }
    let anthropic = json!({"type": "error", "error": {
        "type": "invalid_request_error", "message": "Input blocked by content filtering policy: by contentPolicy HATE",
        "code": "content_blocked", "param": "$.messages[0].content"}});
    assert_eq!(shown("/v1/messages", blocked()).await, (400, anthropic, Some(Outcome::Blocked)));
    let ollama = json!({
        "error": "by contentPolicy HATE", "code": "content_blocked", "param": "$.messages[0].content"});
    for path in ["/api/chat", "/api/generate", "/api/embed"] {
        assert_eq!(shown(path, blocked()).await.1, ollama, "{path}");
    }
    let problem = shown("/elsewhere", blocked()).await.1;
    assert_eq!((&problem["code"], &problem["status"]), (&json!("content_blocked"), &json!(400)));
}

#[tokio::test]
async fn other_refusals_keep_their_code_in_every_dialect() {
    for (path, pointer) in
        [("/v1/responses", "/error/code"), ("/v1/messages", "/error/code"), ("/api/chat", "/code")]
    {
        let (status, body, _) = shown(path, Rejection::bad_request("invalid_model", "no such model")).await;
        assert_eq!((status, body.pointer(pointer)), (400, Some(&json!("invalid_model"))), "{path}");
        assert!(!body.to_string().contains("filter"), "{body}");
    }
}
