//! How long the audit log is kept, from outside.

use serde_json::Value;

use crate::support::gateway::Finished;
use crate::support::{CHATS, Launch, TempDir, Upstream, World, eventually, question, streamed};

async fn command(words: &[&str], folder: &str) -> Finished {
    Launch::bare().arguments(&[words, &[folder]].concat()).run().await
}

/// Starts a gateway on `state` and waits until a deed is on record.
async fn recorded(state: &TempDir, action: &str) -> Value {
    let place = state.path().display().to_string();
    let mut world =
        World::with(Upstream::model().await, |launch| launch.set("ATTACH_STATE_DIR", &place)).await;
    let folder = state.path().join("audit");
    let deed = eventually(action, || {
        let records = crate::support::audit::records(&folder);
        records.into_iter().rfind(|record| record["decision"]["reason"] == *action)
    });
    let deed = deed.await;
    world.gateway.terminate();
    assert!(world.gateway.ended().await.success());
    deed
}

#[tokio::test]
async fn a_legal_hold_is_placed_and_released_on_the_command_line_and_is_on_record() {
    let state = TempDir::new();
    let folder = state.path().join("audit").display().to_string();
    let missing = command(&["audit", "hold", "--reason", "case 17"], &folder).await;
    assert!(missing.code == Some(2) && missing.stderr.contains("there is no audit log"), "{missing:?}");

    std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700).create(&folder).unwrap();
    let held = command(&["audit", "hold", "--reason", "case 17"], &folder).await;
    assert!(held.ok && held.stdout.contains("held since"), "{held:?}");
    let deed = recorded(&state, "retention.hold").await;
    assert_eq!((&deed["kind"], &deed["custom"]["reason"]), (&"admin".into(), &"case 17".into()));

    let released = command(&["audit", "release", "--reason", "case closed"], &folder).await;
    assert!(released.ok && released.stdout.contains("case 17"), "{released:?}");
    let again = command(&["audit", "release", "--reason", "again"], &folder).await;
    assert!(again.ok && again.stdout.contains("there was no hold"), "{again:?}");
    let deed = recorded(&state, "retention.release").await;
    assert_eq!(deed["custom"]["reason"], "case closed");
    let verified = Launch::bare().arguments(&["audit", "verify", &folder]).run().await;
    assert!(verified.ok, "{verified:?}");
}

/// What the operators' page reckons with.
#[tokio::test]
async fn a_request_takes_less_than_four_kilobytes_of_log() {
    let world = World::start().await;
    let chat = question(CHATS[0], "gpt-4o", "Mail anna.schmidt@example.com, please.");
    let body = streamed(CHATS[0], "gpt-4o", "Mail anna.schmidt@example.com, please.");
    for body in [chat, body] {
        let id = world.post(CHATS[0]).json(&body).send().await.expect(200).id();
        let text = crate::support::audit::text(&world.gateway.audit_folder());
        let lines: Vec<_> = text.lines().filter(|line| line.contains(&id)).map(str::len).collect();
        println!("intent and outcome: {lines:?} bytes");
        assert!(lines.len() == 2 && lines.iter().sum::<usize>() < 4096, "{lines:?}");
    }
    let answer = world.gateway.post(CHATS[0]).json(&question(CHATS[0], "gpt-4o", "hello")).send().await;
    let id = answer.expect(401).id();
    let text = crate::support::audit::text(&world.gateway.audit_folder());
    let refused = text.lines().find(|line| line.contains(&id)).map(str::len);
    println!("reject: {refused:?} bytes");
}
