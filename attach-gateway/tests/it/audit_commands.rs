//! `attach-gateway audit …`: which log it is about, and how it ends.

use std::fs;
use std::path::Path;

use crate::support::admin::config;
use crate::support::gateway::Finished;
use crate::support::{CHATS, Governed, Issuer, Launch, TempDir, Upstream, World, question};

async fn audit(words: &[&str]) -> Finished {
    Launch::bare().arguments(&[&["audit"], words].concat()).run().await
}

/// A stopped gateway's state directory with one request in its log, and the request's id.
async fn stopped(state: &TempDir) -> String {
    let place = state.path().display().to_string();
    let mut world =
        World::with(Upstream::model().await, |launch| launch.set("ATTACH_STATE_DIR", &place)).await;
    let answer = world.post(CHATS[0]).json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(200);
    world.gateway.terminate();
    assert!(world.gateway.ended().await.success());
    answer.id()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[tokio::test]
async fn commands_end_with_0_if_all_is_well_1_if_not_and_2_on_trouble() {
    let state = TempDir::new();
    let request = stopped(&state).await;
    let (folder, key) = (state.path().join("audit"), text(&state.path().join("auditor.key")));
    let (log, nowhere) = (text(&folder), text(&state.path().join("nowhere")));
    let proof = text(&state.path().join("proof.json"));
    let held = ["hold", &log, "--reason", "case 17"];
    for (words, code) in [
        (&["verify", &log][..], 0),
        (&["query", &log], 0),
        (&["usage", &log], 0),
        (&["checkpoint", &log], 0),
        (&["keygen", "--output", &key], 0),
        (&held, 0),
        (&["release", &log, "--reason", "over"], 0),
        (&["prove", "1", &log], 0),
        // No text of it was kept.
        (&["open", &log, "--request", &request], 1),
        (&["open", &log, "--request", "0199"], 1),
        (&["verify", &nowhere], 2),
        (&["query", &nowhere], 2),
        (&["usage", &nowhere], 2),
        (&["checkpoint", &nowhere], 2),
        (&["prove", "99999", &log], 2),
        (&["open", &nowhere, "--request", &request], 2),
        (&["open", &log, "--request", &request, "--identity", &nowhere], 2),
        (&["hold", &nowhere, "--reason", "case 17"], 2),
        (&["keygen", "--output", &key], 2),
        (&["erase", "--directory", "acme", "--user", "alice"], 2),
        (&["verify-proof", &proof, "--key", &nowhere], 2),
        (&["verify", &log, "--misspelt"], 2),
    ] {
        let finished = audit(words).await;
        assert_eq!(finished.code, Some(code), "{words:?}: {finished:?}");
        assert_eq!(finished.stderr.is_empty(), code == 0, "{words:?}: {finished:?}");
    }

    let segment = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let segment =
        segment.into_iter().find(|path| path.extension().is_some_and(|end| end == "jsonl")).unwrap();
    let changed = fs::read_to_string(&segment).unwrap().replacen("gpt-4o", "gpt-5o", 1);
    fs::write(&segment, changed).unwrap();
    for words in [&["verify", &log][..], &["prove", "1", &log]] {
        let finished = audit(words).await;
        assert!(
            finished.code == Some(1) && finished.stderr.contains("was changed"),
            "{words:?}: {finished:?}"
        );
    }
}

#[tokio::test]
async fn a_log_is_found_below_a_state_directory_and_below_a_folder_of_many_nodes() {
    let collected = TempDir::new();
    let state = TempDir::new();
    stopped(&state).await;
    let node = collected.path().join("gw-1");
    fs::create_dir(&node).unwrap();
    for entry in fs::read_dir(state.path().join("audit")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "jsonl") {
            fs::copy(&path, node.join(path.file_name().unwrap())).unwrap();
        }
    }
    for folder in [state.path(), collected.path()] {
        for command in ["verify", "query", "checkpoint"] {
            let finished = audit(&[command, &text(folder)]).await;
            assert!(finished.ok && !finished.stdout.is_empty(), "{command}: {finished:?}");
        }
    }
}

#[tokio::test]
async fn a_file_says_where_the_log_is_to_somebody_without_the_secrets_in_it() {
    let state = TempDir::new();
    stopped(&state).await;
    let file = text(&state.path().join("attach.toml"));
    let written = format!(
        "[state]\ndir = {:?}\n[[audit.egress]]\nkind = \"splunk-hec\"\nurl = \"https://splunk.example.com\"\n\
         token = {{ env = \"NOT_SET_ANYWHERE\" }}\n",
        text(state.path())
    );
    fs::write(&file, &written).unwrap();
    for command in ["verify", "query", "checkpoint", "key"] {
        let finished = audit(&[command, "--config", &file]).await;
        assert!(finished.ok && !finished.stdout.is_empty(), "{command}: {finished:?}");
    }
    // A misspelt key is one here too.
    fs::write(&file, written.replace("dir =", "folder =")).unwrap();
    let finished = audit(&["verify", "--config", &file]).await;
    assert!(finished.code == Some(2) && finished.stderr.contains("folder"), "{finished:?}");
}

#[tokio::test]
async fn who_opens_a_sealed_text_without_a_key_is_told_what_is_missing() {
    let folder = TempDir::new();
    let key = text(&folder.path().join("auditor.key"));
    let public = audit(&["keygen", "--output", &key]).await.stdout;
    let more = format!("[audit]\ncontent = \"sealed\"\nauditors = [{:?}]\n", public.trim());
    let governed = Governed::start(&more).await;
    let call = governed.gateway.post(CHATS[0]).bearer(&governed.issuer.token("alice", &[]));
    let id = call.json(&question(CHATS[0], "m", "hello")).send().await.expect(200).id();
    let log = text(&governed.gateway.audit_folder());
    let finished = audit(&["open", &log, "--request", &id]).await;
    assert!(finished.code == Some(2) && finished.stderr.contains("--identity"), "{finished:?}");
    assert!(audit(&["open", &log, "--request", &id, "--identity", &key]).await.ok);
}

#[tokio::test]
async fn one_word_to_stop_is_one_word_to_the_admin_listener_as_well() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let mut gateway = Launch::file(&config(&issuer, &upstream, "")).start().await;
    gateway.terminate();
    assert!(gateway.ended().await.success());
    assert!(!gateway.stderr.text().contains("told again"), "{}", gateway.stderr.text());
}
