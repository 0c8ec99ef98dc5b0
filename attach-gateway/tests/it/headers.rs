//! What the model server and the client are told about the caller, and what neither is told.

use sha2::{Digest, Sha256};

use crate::support::{CHATS, Launch, Reply, Upstream, World, question, wire};

fn session(subject: &str, agent: &str) -> String {
    let digest = Sha256::digest(format!("{subject}:{agent}"));
    digest[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn the_caller_is_told_to_the_model_server_and_back_to_the_client() {
    let world = World::start().await;
    let token = world.issuer.token("auth0|jörg", &["eng", "Ops, EMEA"]);
    for path in CHATS {
        let call = world.gateway.post(path).bearer(&token).header("User-Agent", "curl/8.0");
        let answer = call.json(&question(path, "gpt-4o", "hello")).send().await.expect(200);
        let seen = world.upstream.last();
        assert_eq!(seen.header("x-attach-user"), Some("auth0|j%C3%B6rg"));
        assert_eq!(seen.header("x-attach-session"), Some(&*session("auth0|jörg", "curl/8.0")));
        let mut groups: Vec<_> = seen.header("x-attach-groups").unwrap().split(',').collect();
        groups.sort_unstable();
        assert_eq!(groups, ["Ops%2C%20EMEA", "eng"]);
        assert_eq!(seen.header("x-request-id"), answer.header("x-request-id"));
        assert_eq!(answer.header("x-attach-user"), Some("auth0|j%C3%B6rg"));
        assert_eq!(answer.header("x-attach-session"), seen.header("x-attach-session"));
        assert_eq!(answer.header("x-attach-groups"), None);
        assert_eq!(world.gateway.trail(&answer.id()).outcome()["actor"]["sub"], "auth0|jörg");
    }
}

#[tokio::test]
async fn refusals_after_identity_name_the_caller_too() {
    let world = World::start().await;
    let answer = world.post(CHATS[0]).body("{").send().await.expect(400);
    assert_eq!(answer.header("x-attach-user"), Some("alice"));
    assert!(!answer.id().is_empty());
}

#[tokio::test]
async fn groups_that_do_not_fit_are_left_out_whole() {
    let world = World::start().await;
    let groups: Vec<String> =
        (0..200).map(|number| format!("group-{number:03}-{}", "x".repeat(40))).collect();
    let token = world.issuer.token("alice", &groups.iter().map(String::as_str).collect::<Vec<_>>());
    let call = world.gateway.post(CHATS[0]).bearer(&token);
    call.json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(200);
    let seen = world.upstream.only();
    let sent = seen.header("x-attach-groups").unwrap();
    assert!(sent.len() <= 4096 && sent.len() > 3900, "{}", sent.len());
    assert!(sent.split(',').all(|group| groups.iter().any(|known| known == group)));
}

#[tokio::test]
async fn what_only_we_may_say_never_comes_from_a_client() {
    let world = World::start().await;
    let look_alikes = [
        ("X-Attach-User", "root"),
        ("X-Attach-User", "root"),
        ("x-attach-USER", "root"),
        ("X_Attach_User", "root"),
        ("x.attach.user", "root"),
        ("X-Attach_Groups", "root"),
        ("X-Attach-Groups", "root"),
        ("X-Attach-Session", "root"),
        ("X-Attach-Admin", "root"),
        ("X-Attach-Secret", "root"),
        ("X-Listed", "root"),
        ("X-Request-Id", "root"),
        ("X-Forwarded-User", "root"),
    ];
    for path in CHATS {
        let call = world.post(path).header("Connection", "keep-alive, X-Attach-User, x-request-id, X-Listed");
        let call = look_alikes.iter().fold(call, |call, (name, value)| call.header(name, value));
        let answer = call.json(&question(path, "gpt-4o", "hello")).send().await.expect(200);
        let seen = world.upstream.last();
        assert!(!seen.everything().contains("root"), "{seen:?}");
        let users: Vec<_> =
            seen.headers.iter().filter(|(name, _)| name.starts_with("x-attach-user")).collect();
        assert_eq!(users, [&("x-attach-user".to_owned(), "alice".to_owned())]);
        assert!(!format!("{answer:?}").contains("root"));
        assert_ne!(answer.id(), "root");
    }
    // The client's own id of the request is recorded as just that.
    let mut records = world.gateway.records();
    // A checkpoint is about the root of a tree.
    records.retain(|record| record["kind"] != "checkpoint");
    let own = records.iter_mut().filter_map(|record| record.as_object_mut()?.remove("client_req_id"));
    assert_eq!(own.collect::<Vec<_>>(), ["root"; 6]);
    assert!(!format!("{records:?}").contains("root"));
}

#[tokio::test]
async fn request_headers_go_by_a_list() {
    let world = World::start().await;
    let call = world
        .post("/v1/messages")
        .header("Anthropic-Version", "2023-06-01")
        .header("Anthropic-Beta", "context-1m")
        .header("Idempotency-Key", "retry-1")
        .header("Accept", "application/json")
        .header("Accept-Encoding", "gzip, br")
        .header("Cookie", "dropped")
        .header("Referer", "http://dropped.example")
        .header("X-Forwarded-For", "dropped")
        .header("Forwarded", "for=dropped")
        .header("Traceparent", "dropped")
        .header("Baggage", "dropped")
        .header("X-Custom", "dropped")
        .header("OpenAI-Organization", "dropped");
    call.json(&question("/v1/messages", "claude-sonnet-4", "hello")).send().await.expect(200);
    let seen = world.upstream.only();
    assert_eq!(seen.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(seen.header("anthropic-beta"), Some("context-1m"));
    assert_eq!(seen.header("idempotency-key"), None, "one caller's key must not bring another one's answer");
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.header("accept-encoding"), Some("identity"));
    assert!(!seen.everything().contains("dropped"), "{seen:?}");
}

#[tokio::test]
async fn response_headers_go_by_a_list() {
    let upstream = Upstream::with(|seen| {
        wire::model(seen)
            .header("set-cookie", "dropped")
            .header("server", "dropped")
            .header("x-attach-user", "dropped")
            .header("x-request-id", "dropped")
            .header("x-internal", "dropped")
            .header("authorization", "dropped")
            .header("openai-processing-ms", "17")
    })
    .await;
    let world = World::with(upstream, |launch| launch).await;
    let answer = world.post(CHATS[0]).json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(200);
    assert!(!format!("{answer:?}").contains("dropped"), "{answer:?}");
    assert_eq!(answer.header("openai-processing-ms"), Some("17"));
    assert_eq!(answer.header("x-attach-user"), Some("alice"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

async fn told(how: &str) -> (crate::support::Seen, World) {
    let text = format!(
        r#"
        [[issuer]]
        issuer = "{{ISSUER}}"
        audience = ["api://attach-test"]
        [[upstream]]
        name = "one"
        kind = "openai"
        url = "{{UPSTREAM}}"
        {how}
        [access]
        default = "allow"
        "#
    );
    let world = World::file(Upstream::model().await, &text).await;
    let token = world.issuer.token("alice", &["eng"]);
    let call = world.gateway.post(CHATS[0]).bearer(&token);
    let answer = call.json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(200);
    assert_eq!(answer.header("x-attach-user"), Some("alice"));
    assert_eq!(world.upstream.only().header("x-request-id"), Some(&*answer.id()));
    (world.upstream.only(), world)
}

#[tokio::test]
async fn an_upstream_may_be_told_nothing_a_pseudonym_or_everything() {
    let (full, _) = told("").await;
    assert_eq!(full.header("x-attach-user"), Some("alice"), "a loopback address is inside");
    let (none, _) = told("identity_headers = \"none\"").await;
    assert!(!none.everything().contains("x-attach"), "{none:?}");
    let (pseudonym, world) = told("identity_headers = \"pseudonym\"").await;
    let name = pseudonym.header("x-attach-user").unwrap().to_owned();
    assert_eq!(name.len(), 32);
    assert!(pseudonym.header("x-attach-session").is_none() && pseudonym.header("x-attach-groups").is_none());
    world.post(CHATS[0]).json(&question(CHATS[0], "gpt-4o", "again")).send().await.expect(200);
    assert_eq!(world.upstream.last().header("x-attach-user"), Some(&*name), "the same person, the same name");
    let (elsewhere, _) = told("identity_headers = \"pseudonym\"").await;
    assert_ne!(elsewhere.header("x-attach-user"), Some(&*name), "another gateway's names cannot be linked");
}

#[tokio::test]
async fn an_upstream_outside_is_told_nothing_unless_it_is_trusted() {
    // An address that is neither loopback nor private, and on which this machine answers nevertheless.
    for (trusted, told) in
        [("", None), ("trusted = true", Some("alice")), ("identity_headers = \"full\"", Some("alice"))]
    {
        let text = format!(
            "[[issuer]]\nissuer = \"{{ISSUER}}\"\naudience = [\"api://attach-test\"]\n[[upstream]]\nname = \"one\"\n\
             kind = \"openai\"\nurl = \"OUTSIDE\"\n{trusted}\n[access]\ndefault = \"allow\"\n"
        );
        let upstream = Upstream::model().await;
        let outside = upstream.url().replace("127.0.0.1", "0.0.0.0");
        let world = World::file(upstream, &text.replace("OUTSIDE", &outside)).await;
        world.post(CHATS[0]).json(&question(CHATS[0], "m", "hello")).send().await.expect(200);
        assert_eq!(world.upstream.only().header("x-attach-user"), told);
    }
}

#[tokio::test]
async fn the_operators_place_for_metadata_is_in_the_challenge() {
    let (issuer, upstream) =
        (crate::support::Issuer::start().await, Upstream::with(|_| Reply::close()).await);
    let text = format!(
        "[server]\nexternal_url = \"https://llm.example.com\"\n[[issuer]]\nissuer = \"{}\"\naudience = [\"a\"]\n\
         required_scopes = [\"llm\"]\n[[upstream]]\nname = \"one\"\nkind = \"openai\"\nurl = \"{}\"\n",
        issuer.url(),
        upstream.url()
    );
    let gateway = Launch::file(&text).start().await;
    let answer = gateway.post(CHATS[0]).send().await.expect(401);
    let place = "https://llm.example.com/.well-known/oauth-protected-resource";
    assert!(answer.header("www-authenticate").unwrap().contains(&format!("resource_metadata=\"{place}\"")));
    let metadata = gateway.get("/.well-known/oauth-protected-resource").send().await.expect(200).json();
    assert_eq!(metadata["resource"], "https://llm.example.com");
    assert_eq!(metadata["authorization_servers"][0], issuer.url());
    assert_eq!(metadata["scopes_supported"][0], "llm");
}
