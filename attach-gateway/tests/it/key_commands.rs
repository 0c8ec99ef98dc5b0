//! `keys` against a running gateway.

use crate::support::gateway::Finished;
use crate::support::{CHATS, Governed, Launch, question};

const KEYS: &str = "[keys]\nenabled = true\n";

/// Runs `keys` with this token in its environment.
async fn keys(words: &[&str], server: &str, token: &str) -> Finished {
    let launch = Launch::bare().arguments(&["keys"]).arguments(words);
    launch.arguments(&["--server", server, "--token-env", "TOKEN"]).set("TOKEN", token).run().await
}

#[tokio::test]
async fn a_person_makes_a_key_sees_it_listed_and_ends_it() {
    let world = Governed::start(KEYS).await;
    let (url, token) = (world.gateway.url(), world.issuer.token("alice", &["eng"]));
    let create = ["create", "--name", "laptop", "--expires-in", "1d", "--model", "gpt-4o"];
    let made = keys(&create, &url, &token).await;
    assert!(made.ok && made.stderr.contains("not shown again"), "{made:?}");
    let key = made.stdout.trim_end().to_owned();
    assert!(key.starts_with("atk_") && made.stdout.lines().count() == 1 && !made.stderr.contains(&key));
    let call =
        |model: &str| world.gateway.post(CHATS[0]).bearer(&key).json(&question(CHATS[0], model, "hello"));
    call("gpt-4o").send().await.expect(200);
    call("gpt-4o-mini").send().await.expect(403);

    let listed = keys(&["list"], &url, &token).await;
    assert!(listed.ok && listed.stdout.contains("laptop") && !listed.stdout.contains(&key), "{listed:?}");
    let id = listed.stdout.lines().nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let json = keys(&["list", "--json"], &url, &token).await;
    assert!(json.ok && json.stdout.contains(&format!("\"id\": \"{id}\"")), "{json:?}");
    let bobs = keys(&["list"], &url, &world.issuer.token("bob", &[])).await;
    assert_eq!(bobs.stdout.lines().count(), 1, "{bobs:?}");

    let stranger = keys(&["revoke", &id], &url, &world.issuer.token("bob", &[])).await;
    assert!(stranger.code == Some(1) && stranger.stderr.contains("404"), "{stranger:?}");
    let ended = keys(&["revoke", &id], &url, &token).await;
    assert!(ended.ok && ended.stderr.contains("is revoked"), "{ended:?}");
    call("gpt-4o").send().await.expect(401);
}

#[tokio::test]
async fn an_administrator_sees_and_ends_everybodys() {
    let world = Governed::start(KEYS).await;
    let admin = format!("http://{}", world.admin);
    let token = world.issuer.token("alice", &[]);
    let made =
        keys(&["create", "--name", "laptop", "--expires-in", "1d"], &world.gateway.url(), &token).await;
    let listed = keys(&["list", "--all"], &admin, &world.admin_token(&["dco"])).await;
    assert!(
        listed.ok && listed.stdout.contains("OWNER") && listed.stdout.contains("acme/alice"),
        "{listed:?}"
    );
    let id = listed.stdout.lines().nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let auditor = keys(&["revoke", &id, "--all"], &admin, &world.admin_token(&["dco"])).await;
    assert!(auditor.code == Some(1) && auditor.stderr.contains("403"), "{auditor:?}");
    let ended = keys(&["revoke", &id, "--all"], &admin, &world.admin_token(&["keymasters"])).await;
    assert!(ended.ok, "{ended:?}");
    let call = world.gateway.post(CHATS[0]).bearer(made.stdout.trim_end());
    call.json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(401);
}

#[tokio::test]
async fn what_is_refused_is_told_apart_from_trouble() {
    let world = Governed::start(KEYS).await;
    let (url, token) = (world.gateway.url(), world.issuer.token("alice", &["eng"]));
    let long = keys(&["create", "--name", "x", "--expires-in", "1000d"], &url, &token).await;
    assert!(long.code == Some(1) && long.stderr.contains("400"), "{long:?}");
    let more = keys(&["create", "--name", "x", "--expires-in", "1d", "--group", "ops"], &url, &token).await;
    assert!(more.code == Some(1) && more.stderr.contains("403"), "{more:?}");
    let nobody = keys(&["list"], &url, "nonsense").await;
    assert!(nobody.code == Some(1) && nobody.stderr.contains("401"), "{nobody:?}");
    let away = keys(&["list"], "http://127.0.0.1:9", &token).await;
    assert!(away.code == Some(2) && away.stderr.contains("cannot be reached"), "{away:?}");
    let path = keys(&["revoke", "../x"], &url, &token).await;
    assert!(path.code == Some(1) && path.stderr.contains("not the id"), "{path:?}");
    for said in [&long, &more, &nobody, &away] {
        assert!(!said.stderr.contains(&token) && said.stdout.is_empty(), "{said:?}");
    }
    let off = Governed::start("").await;
    let none = keys(&["list"], &off.gateway.url(), &off.issuer.token("alice", &[])).await;
    assert!(none.code == Some(1) && none.stderr.contains("no keys of its own"), "{none:?}");
}
