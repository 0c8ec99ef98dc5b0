//! `state export` and `state import FILE`.

use serde_json::json;

use crate::support::admin::config;
use crate::support::{CHATS, Governed, Issuer, Launch, TempDir, Upstream, question};

const KEYS: &str = "[keys]\nenabled = true\n";

/// The same configuration over a state directory of its own.
fn text(issuer: &Issuer, upstream: &Upstream, state: &TempDir) -> String {
    let place = format!("{KEYS}[state]\ndir = {:?}\n", state.path().display().to_string());
    config(issuer, upstream, &place)
}

async fn start(text: &str, issuer: Issuer, upstream: Upstream, state: &TempDir) -> Governed {
    let gateway = Launch::file(text).start().await.with_state(state.path());
    Governed::of(issuer, upstream, gateway).await
}

#[tokio::test]
async fn what_one_node_knows_goes_to_another_and_nothing_comes_back_to_life() {
    let (old, new, files) = (TempDir::new(), TempDir::new(), TempDir::new());
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let (before, after) = (text(&issuer, &upstream, &old), text(&issuer, &upstream, &new));
    let mut world = start(&before, issuer, upstream, &old).await;
    let token = world.issuer.token("alice", &[]);
    let order = json!({"name": "laptop", "expires_in": 3600});
    let made = world.gateway.post("/attach/v1/keys").bearer(&token).json(&order).send().await.expect(201);
    let (key, id) =
        (made.json()["secret"].as_str().unwrap().to_owned(), made.json()["id"].as_str().unwrap().to_owned());
    world.order(&json!({"directory": "acme", "user": "bob", "effect": "disabled"})).await.expect(200);

    let file = files.path().join("state.jsonl").display().to_string();
    let export = async || Launch::file(&before).command(&["state", "export", &file]).await;
    let running = export().await;
    assert!(running.code == Some(2) && running.stderr.contains("in use"), "{running:?}");
    world.gateway.stop_and_verify().await;
    let exported = export().await;
    assert!(exported.ok && exported.stdout.contains("rows written"), "{exported:?}");
    let again = export().await;
    assert!(
        again.code == Some(2) && again.stderr.contains("exists"),
        "an export is not written over: {again:?}"
    );
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(
        written.starts_with(r#"{"format":"attach-state","version":1,"rows":"#) && !written.contains(&key)
    );

    let import = async |more: &[&str]| {
        let words = [&["state", "import", &file][..], more].concat();
        Launch::file(&after).command(&words).await
    };
    let imported = import(&[]).await;
    assert!(imported.ok && imported.stdout.contains("0 were there"), "{imported:?}");
    let Governed { issuer, upstream, gateway, .. } = world;
    drop(gateway);
    let mut world = start(&after, issuer, upstream, &new).await;
    let call = |credential: &str| {
        world.gateway.post(CHATS[0]).bearer(credential).json(&question(CHATS[0], "gpt-4o", "hello"))
    };
    call(&key).send().await.expect(200);
    let bob = world.issuer.token("bob", &[]);
    assert_eq!(call(&bob).send().await.expect(401).code(), "revoked");

    // The key is ended here; the file, which is older, says that it works.
    let path = format!("/attach/v1/keys/{id}");
    let delete = crate::support::Call::new(world.gateway.addr, "DELETE", &path).bearer(&token);
    delete.send().await.expect(204);
    world.gateway.stop_and_verify().await;
    let full = import(&[]).await;
    assert!(full.code == Some(2) && full.stderr.contains("--merge"), "{full:?}");
    let merged = import(&["--merge"]).await;
    assert!(merged.ok, "{merged:?}");
    let Governed { issuer, upstream, gateway, .. } = world;
    drop(gateway);
    let world = start(&after, issuer, upstream, &new).await;
    let call = world.gateway.post(CHATS[0]).bearer(&key).json(&question(CHATS[0], "gpt-4o", "hello"));
    call.send().await.expect(401);
}

#[tokio::test]
async fn a_file_that_was_cut_short_is_refused_whole() {
    let (state, files) = (TempDir::new(), TempDir::new());
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let text = text(&issuer, &upstream, &state);
    let cut = files.write("cut.jsonl", "{\"format\":\"attach-state\",\"version\":1,\"rows\":2}\n");
    let refused = Launch::file(&text).command(&["state", "import", &cut.display().to_string()]).await;
    assert!(refused.code == Some(2) && refused.stderr.contains("cut short"), "{refused:?}");
}
