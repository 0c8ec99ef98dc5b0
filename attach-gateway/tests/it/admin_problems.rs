//! What is refused at the admin listener looks like any other refusal.

use serde_json::json;

use crate::support::{Call, Governed, eventually};

#[tokio::test]
async fn every_refusal_has_a_code_and_the_id_of_its_request() {
    let world = Governed::start("[keys]\nenabled = true\n").await;
    let ops = &["ops"][..];
    let revocations = "/admin/v1/revocations";
    let no_directory = json!({"directory": "nowhere", "user": "bob", "effect": "disabled"});
    let calls: [(Call, u16, &str); 7] = [
        (world.admin("POST", revocations, ops).json(&json!({"nonsense": 1})), 400, "invalid_request"),
        (world.admin("POST", revocations, ops).json(&no_directory), 400, "invalid_request"),
        (world.admin("PUT", revocations, ops), 405, "method_not_allowed"),
        (world.admin("POST", "/admin/v1/state", ops).json(&json!({"action": "adopt"})), 409, "conflict"),
        (world.admin("GET", "/admin/v1/quotas?user=bob", ops), 400, "invalid_request"),
        (world.admin("DELETE", "/admin/v1/keys/key_none", ops), 404, "not_found"),
        (world.admin("GET", "/admin/v1/nothing", ops), 404, "unknown_endpoint"),
    ];
    for (call, status, code) in calls {
        let answer = call.send().await.expect(status);
        let body = answer.json();
        assert_eq!(
            (body["code"].as_str(), body["status"].as_u64()),
            (Some(code), Some(status.into())),
            "{body}"
        );
        assert_eq!(body["type"], "about:blank");
        let id = body["request_id"].as_str().expect("an id").to_owned();
        let records = || world.gateway.records();
        eventually("its record", || records().iter().any(|one| one["req_id"] == *id).then_some(())).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(answer.header("content-type").unwrap().starts_with("application/problem+json"));
        assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}");
    }
}
