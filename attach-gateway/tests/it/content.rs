//! What is kept of what was asked and answered: by which rule, who can read it, and until when.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::admin::config;
use crate::support::{CHATS, Governed, Issuer, Launch, TempDir, Upstream, question, streamed};

const SAID: &str = "my mail is zq.canary@planted-mail.example, unremarkably-planted";

/// An auditor's key pair: the public key, and the file of the private one.
async fn auditor(folder: &TempDir) -> (String, String) {
    let file = folder.path().join("auditor.key").display().to_string();
    let made = Launch::bare().command(&["audit", "keygen", "--output", &file]).await;
    assert!(made.ok, "{}", made.stderr);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    (made.stdout.trim().to_owned(), file)
}

async fn opened(log: &Path, key: &str, id: &str) -> Result<Value, String> {
    let log = log.display().to_string();
    let words = ["audit", "open", "--identity", key, "--request", id, "--json", &log];
    let finished = Launch::bare().command(&words).await;
    if finished.ok { Ok(serde_json::from_str(&finished.stdout).unwrap()) } else { Err(finished.stderr) }
}

#[tokio::test]
async fn an_auditor_opens_every_dialect_streamed_or_not_until_it_is_erased() {
    let folder = TempDir::new();
    let (public, key) = auditor(&folder).await;
    let more = format!("[audit]\ncontent = \"sealed\"\nauditors = [\"{public}\"]\n");
    let governed = Governed::start(&more).await;
    let log = governed.gateway.audit_folder();
    let mut last = String::new();
    for path in CHATS {
        for body in [question(path, "m", SAID), streamed(path, "m", SAID)] {
            let call = governed.gateway.post(path).bearer(&governed.issuer.token("alice", &[])).json(&body);
            let answer = call.send().await.expect(200);
            let content = opened(&log, &key, &answer.id()).await.unwrap();
            assert_eq!(content["request"], body.to_string(), "{path}");
            assert_eq!(content["answer"], answer.text(), "{path}");
            assert_eq!(content["record"]["content"]["kept"], "sealed");
            assert!(content["person"]["id"].is_string());
            last = answer.id();
        }
    }
    let who = governed.gateway.trail(&last).outcome()["actor"].clone();
    let path = format!("/admin/v1/content?directory=acme&user={}", who["uid"].as_str().unwrap());
    governed.admin("DELETE", &path, &["dco"]).send().await.expect(403);
    assert!(opened(&log, &key, &last).await.is_ok());
    let erased = governed.admin("DELETE", &path, &["ops"]).send().await.expect(200);
    assert_eq!(erased.json(), json!({"erased": true}));
    assert!(opened(&log, &key, &last).await.unwrap_err().contains("erased"));
    let deed = governed.gateway.records().into_iter().find(|one| one["kind"] == "admin").unwrap();
    assert_eq!(
        (&deed["decision"]["reason"], &deed["custom"]["target"]),
        (&json!("content.erase"), &who["uid"])
    );
    governed.admin("DELETE", "/admin/v1/content", &["ops"]).send().await.expect(400);
}

#[tokio::test]
async fn a_stopped_gateway_is_erased_from_by_the_command_line() {
    let folder = TempDir::new();
    let (public, key) = auditor(&folder).await;
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let state = TempDir::new();
    let more = format!(
        "[state]\ndir = \"{}\"\n[audit]\ncontent = \"sealed\"\nauditors = [\"{public}\"]\n",
        state.path().display()
    );
    let text = config(&issuer, &upstream, &more);
    let mut gateway = Launch::file(&text).start().await.with_state(state.path());
    let call =
        gateway.post(CHATS[0]).bearer(&issuer.token("alice", &[])).json(&question(CHATS[0], "m", SAID));
    let id = call.send().await.expect(200).id();
    let who = gateway.trail(&id).outcome()["actor"]["uid"].as_str().unwrap().to_owned();
    let log = gateway.audit_folder();
    let erase = async || {
        Launch::file(&text)
            .without_port()
            .command(&["audit", "erase", "--directory", "acme", "--user", &who])
            .await
    };

    let refused = erase().await;
    assert!(!refused.ok && refused.stderr.contains("DELETE /admin/v1/content"), "{}", refused.stderr);
    assert!(opened(&log, &key, &id).await.is_ok());
    gateway.terminate();
    assert!(gateway.ended().await.success());
    let erased = erase().await;
    assert!(erased.ok && erased.stdout.contains("erased"), "{} {}", erased.stdout, erased.stderr);
    assert!(opened(&log, &key, &id).await.unwrap_err().contains("erased"));
    let deed = gateway.records().into_iter().find(|one| one["kind"] == "admin").unwrap();
    assert_eq!(deed["decision"]["reason"], "content.erase");
    // As after a mistyped id: whoever erases must not believe that it is done.
    let again = erase().await;
    assert!(!again.ok && again.stderr.contains("nothing was erased"), "{} {}", again.stdout, again.stderr);
}

#[tokio::test]
async fn the_first_rule_that_is_about_a_call_decides() {
    let folder = TempDir::new();
    let (public, key) = auditor(&folder).await;
    let more = format!(
        "[audit]\ncontent = \"redacted\"\nauditors = [\"{public}\"]\n\
         [[audit.content_for]]\ngroups = [\"works-council\"]\ncontent = \"none\"\n\
         [[audit.content_for]]\nmodels = [\"secret-*\"]\nupstreams = [\"one\"]\ncontent = \"sealed\"\n\
         [[audit.content_for]]\napis = [\"anthropic.messages\"]\ncontent = \"none\"\n"
    );
    let governed = Governed::start(&more).await;
    for (path, model, groups, kept) in [
        (CHATS[0], "m", &[][..], json!("redacted")),
        (CHATS[0], "secret-1", &[][..], json!("sealed")),
        (CHATS[1], "m", &[][..], Value::Null),
        (CHATS[0], "secret-1", &["works-council"][..], Value::Null),
    ] {
        let token = governed.issuer.token("alice", groups);
        let call = governed.gateway.post(path).bearer(&token).json(&question(path, model, SAID));
        let answer = call.send().await.expect(200);
        let content = governed.gateway.trail(&answer.id()).outcome()["content"].clone();
        assert_eq!(content.get("kept").cloned().unwrap_or_default(), kept, "{path} {model} {groups:?}");
        assert!(content["in_hmac"].as_str().unwrap().starts_with("hmac-sha256:"));
        let opened = opened(&governed.gateway.audit_folder(), &key, &answer.id()).await;
        assert_eq!(opened.is_ok(), kept != Value::Null, "{opened:?}");
        if kept == "redacted" {
            let request = opened.unwrap()["request"].as_str().unwrap().to_owned();
            assert!(request.contains("unremarkably-planted") && !request.contains("zq.canary"), "{request}");
        }
    }
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    for (more, why) in [
        ("content = \"sealed\"", "audit.auditors"),
        ("content = \"everything\"", "none, redacted, sealed"),
        ("auditors = [\"age1nothing\"]", "age1nothing"),
        ("[[audit.content_for]]\nupstreams = [\"two\"]\ncontent = \"none\"", "no upstream"),
        ("[[audit.content_for]]\nmodel = [\"m\"]\ncontent = \"none\"", "models"),
    ] {
        let refusal =
            Launch::file(&config(&issuer, &upstream, &format!("[audit]\n{more}\n"))).refusal().await;
        assert!(refusal.contains(why), "{more}: {refusal}");
    }
}
