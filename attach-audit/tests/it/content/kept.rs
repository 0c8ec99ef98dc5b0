use attach_audit::content::Keep;
use attach_core::exchange::Coverage;

use super::{Ask, PLACEHOLDER, VALUE, World, key};

#[tokio::test]
async fn without_content_there_are_digests_of_what_went_up_and_came_back() {
    let world = World::new(Keep::None, |contents| contents);
    let ask = Ask::new(&["hello ", PLACEHOLDER]);
    let answer = ask.send(&world.audit).await.expect("whole");
    assert_eq!(String::from_utf8_lossy(&answer.body), format!("hello {VALUE}"));
    let outcome = world.outcome(&answer);
    let heard = format!("hello {PLACEHOLDER}");
    let expected = serde_json::json!({
        "in_bytes": ask.redacted().len(),
        "out_bytes": heard.len(),
        "in_hmac": key().digest(ask.redacted().as_bytes()),
        "out_hmac": key().digest(heard.as_bytes()),
    });
    assert_eq!(outcome["content"], expected);
    let intent = world.dir.records().into_iter().find(|one| one["kind"] == "intent").expect("an intent");
    assert_eq!(intent["content"]["in_hmac"], expected["in_hmac"]);
    assert_eq!(intent["content"].get("out_hmac"), None);
    assert!(!everything(&world).contains("hello"), "no word of it is anywhere");
}

#[tokio::test]
async fn redacted_is_what_went_up_and_came_back_in_every_dialect_streamed_or_not() {
    let world = World::new(Keep::Redacted, |contents| contents);
    let chat = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"I am {VALUE}"}}]}}"#);
    let messages =
        format!(r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"user","content":"I am {VALUE}"}}]}}"#);
    let prompt = format!(r#"{{"model":"m","prompt":"I am {VALUE}"}}"#);
    let input = format!(r#"{{"model":"m","input":"I am {VALUE}"}}"#);
    let data = format!("data: {{\"x\":\"{PLACEHOLDER}\"}}\n\n");
    let streamed = [data.as_str(), "data: [DONE]\n\n"];
    let whole = [PLACEHOLDER];
    for (path, body) in [
        ("/v1/chat/completions", &chat),
        ("/v1/completions", &prompt),
        ("/v1/embeddings", &input),
        ("/v1/responses", &input),
        ("/v1/messages", &messages),
        ("/api/chat", &chat),
        ("/api/generate", &prompt),
        ("/api/embed", &input),
    ] {
        for frames in [&streamed[..], &whole[..]] {
            let ask = Ask { path, body: body.clone(), ..Ask::new(frames) };
            let answer = ask.send(&world.audit).await.expect("whole");
            let opened = world.open(&answer);
            assert_eq!(opened.kept, Keep::Redacted);
            assert_eq!(String::from_utf8_lossy(&opened.request), ask.redacted(), "{path}");
            assert_eq!(String::from_utf8_lossy(&opened.answer), frames.concat(), "{path}");
            assert_eq!((opened.truncated, opened.person), (None, None));
            assert!(String::from_utf8_lossy(&answer.body).contains(VALUE));
        }
    }
    assert!(!everything(&world).contains(VALUE));
}

#[tokio::test]
async fn what_was_not_redacted_is_not_kept_in_clear() {
    for (coverage, why) in [(Coverage::None, "not_redacted"), (Coverage::Partial, "partly_redacted")] {
        let world = World::new(Keep::Redacted, |contents| contents);
        let ask = Ask { coverage, ..Ask::new(&["hello"]) };
        let answer = ask.send(&world.audit).await.expect("whole");
        let content = &world.outcome(&answer)["content"];
        assert_eq!((content["withheld"].as_str(), content.get("ref")), (Some(why), None));
        assert!(content["in_hmac"].is_string() && content["out_hmac"].is_string());
        let refused = world.auditor.open(world.dir.path(), &answer.id).expect_err("nothing is kept");
        assert!(refused.to_string().contains(why), "{refused}");
    }
}

#[tokio::test]
async fn content_that_was_changed_does_not_open() {
    let world = World::new(Keep::Redacted, |contents| contents);
    let answer = Ask::new(&["hello"]).send(&world.audit).await.expect("whole");
    let file = content_file(&world);
    let text = std::fs::read_to_string(&file).expect("readable");
    std::fs::write(&file, text.replacen("\"out\":\"aGVs", "\"out\":\"aGVt", 1)).expect("written");
    let refused = world.auditor.open(world.dir.path(), &answer.id).expect_err("it was changed");
    assert!(refused.to_string().contains("CHANGED"), "{refused}");
    std::fs::remove_file(&file).expect("removed");
    let refused = world.auditor.open(world.dir.path(), &answer.id).expect_err("it is gone");
    assert!(refused.to_string().contains("not here"), "{refused}");
}

pub(super) fn content_file(world: &World) -> std::path::PathBuf {
    let name = world.dir.segments()[0].to_string_lossy().replace("/audit-n-", "/content-n-");
    assert!(std::path::Path::new(&name).exists(), "{name}");
    name.into()
}

/// All that is in the folder, with what is encoded decoded.
pub(super) fn everything(world: &World) -> String {
    use base64::Engine as _;
    let mut all = String::new();
    let mut folders = vec![world.dir.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("listable") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = String::from_utf8_lossy(&std::fs::read(&path).expect("readable")).into_owned();
            for word in text.split('"') {
                let decoded = base64::engine::general_purpose::STANDARD.decode(word).unwrap_or_default();
                all.push_str(&String::from_utf8_lossy(&decoded));
            }
            all.push_str(&text);
        }
    }
    all
}
