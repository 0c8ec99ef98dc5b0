//! How long a call may be looked at.

use crate::support::{CHATS, Upstream, World, assert_shape, question};

const FILE: &str = r#"
[[issuer]]
issuer = "{ISSUER}"
audience = ["api://attach-test"]

[[upstream]]
name = "m"
kind = "openai"
url = "{UPSTREAM}"

[[access.allow]]
id = "all"
models = ["*"]

[redact]
budget = "1ms"
"#;

#[tokio::test]
async fn what_could_not_be_looked_at_in_time_does_not_leave() {
    let world = World::file(Upstream::model().await, FILE).await;
    // Some hundred milliseconds of work, on whatever machine.
    let text = "Zbigniew Nowak, jane.doe@example.com, +49 30 901820; ".repeat(20_000);
    for path in CHATS {
        let refused = world.post(path).json(&question(path, "m", &text)).send().await.expect(503);
        assert_shape(path, &refused, "redaction_failed");
        assert!(refused.text().contains("took too long"), "{}", refused.text());
    }
    assert!(world.upstream.seen().is_empty());
}
