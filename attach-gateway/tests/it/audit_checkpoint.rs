//! What only somebody with a checkpoint from elsewhere can see.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{CHATS, Launch, Upstream, World, question};

async fn run(words: &[&str]) -> crate::support::gateway::Finished {
    Launch::bare().arguments(&[&["audit"], words].concat()).run().await
}

fn segment(folder: &Path) -> PathBuf {
    let mut entries = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    entries.find(|path| path.extension().is_some_and(|end| end == "jsonl")).unwrap()
}

fn is_checkpoint(line: &str) -> bool {
    serde_json::from_str::<Value>(line).unwrap()["kind"] == "checkpoint"
}

#[tokio::test]
async fn a_cut_tail_is_found_with_a_checkpoint_from_elsewhere_and_a_record_can_be_proved_alone() {
    let mut world = World::with(Upstream::model().await, |launch| launch).await;
    for _ in 0..3 {
        world.post(CHATS[0]).json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(200);
    }
    let state = world.gateway.audit_folder().parent().unwrap().to_owned();
    world.gateway.stop_and_verify().await;
    let (folder, elsewhere) = (world.gateway.audit_folder(), crate::support::TempDir::new());
    let audit = folder.display().to_string();

    let key = Launch::bare().set("ATTACH_STATE_DIR", &state.display().to_string());
    let key = key.arguments(&["audit", "key"]).run().await;
    assert!(key.ok && key.stdout.starts_with("attach/"), "{key:?}");
    let key = key.stdout.trim();
    let newest = run(&["checkpoint", &audit]).await;
    assert!(newest.ok && newest.stdout.starts_with("attach/"), "{newest:?}");
    let file = elsewhere.path().join("checkpoints.txt");
    std::fs::write(&file, &newest.stdout).unwrap();
    let checkpoint = file.display().to_string();

    let whole = run(&["verify", &audit, "--checkpoint", &checkpoint, "--key", key]).await;
    assert!(whole.ok && whole.stdout.contains("given from elsewhere"), "{whole:?}");
    assert!(whole.stdout.contains("signed by attach/") && !whole.stdout.contains("basis: self"), "{whole:?}");

    let proof = run(&["prove", "1", &audit]).await;
    assert!(proof.ok, "{proof:?}");
    let file = elsewhere.path().join("proof.json");
    std::fs::write(&file, &proof.stdout).unwrap();
    let proved = run(&["verify-proof", &file.display().to_string(), "--key", key]).await;
    assert!(proved.ok && proved.stdout.contains("ok: record 1 "), "{proved:?}");
    std::fs::write(&file, proof.stdout.replacen("mono_ns", "mono_nS", 1)).unwrap();
    let forged = run(&["verify-proof", &file.display().to_string(), "--key", key]).await;
    assert_eq!(forged.code, Some(1), "{forged:?}");

    // The last checkpoint, the stop record and one more go: what is left is a log that seems to run.
    let path = segment(&folder);
    let text = std::fs::read_to_string(&path).unwrap();
    let last = text.lines().collect::<Vec<_>>().into_iter().rposition(is_checkpoint).unwrap();
    let kept: String = text.split_inclusive('\n').take(last - 1).collect();
    std::fs::write(&path, kept).unwrap();
    assert!(run(&["verify", &audit]).await.ok, "it is consistent in itself");
    let cut = run(&["verify", &audit, "--checkpoint", &checkpoint]).await;
    assert_eq!(cut.code, Some(1), "{cut:?}");
    assert!(
        cut.stderr.contains(&format!("record {} ", last - 1)) && cut.stderr.contains("missing"),
        "{cut:?}"
    );

    let other = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
    let wrong = run(&["verify", &audit, "--checkpoint", &checkpoint, "--key", other]).await;
    assert!(wrong.code == Some(1) && wrong.stderr.contains("none of the keys"), "{wrong:?}");
    for trouble in [&["verify", "/no/such/folder"][..], &["verify", &audit, "--key", "nonsense"]] {
        assert_eq!(run(trouble).await.code, Some(2));
    }
}

#[tokio::test]
async fn without_signing_the_start_record_says_so() {
    let (issuer, upstream) = (crate::support::Issuer::start().await, Upstream::model().await);
    let text = format!(
        "[[issuer]]\nissuer = \"{}\"\naudience = [\"api://attach-test\"]\n[[upstream]]\nname = \"one\"\n\
         kind = \"openai\"\nurl = \"{}\"\n[access]\ndefault = \"allow\"\n[audit]\nsign = false\n",
        issuer.url(),
        upstream.url()
    );
    let mut world = World { gateway: Launch::file(&text).start().await, issuer, upstream };
    let off = world.gateway.records().remove(0)["protections_off"].to_string();
    assert!(off.contains("signed_checkpoints"), "{off}");
    world.gateway.stop_and_verify().await;
    assert!(!world.gateway.records().iter().any(|record| record["kind"] == "checkpoint"));
    let signed = World::with(Upstream::model().await, |launch| launch).await;
    let off = signed.gateway.records().remove(0)["protections_off"].to_string();
    assert!(!off.contains("signed_checkpoints"), "{off}");
}
