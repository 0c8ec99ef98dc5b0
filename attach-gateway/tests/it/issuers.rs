//! What happens while an issuer cannot be asked, and which issuers are never believed.

use crate::support::{CHATS, Issuer, Launch, Upstream, World, eventually, question};

#[tokio::test]
async fn an_issuer_that_is_down_at_the_start_delays_nothing_and_is_found_when_it_is_up() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    issuer.set_down(true);
    let gateway = Launch::env(&issuer, &upstream).start().await;
    let world = World { issuer, upstream, gateway };
    world.gateway.get("/healthz").send().await.expect(200);
    world.gateway.get("/readyz").send().await.expect(503);
    let call = world.post(CHATS[0]).json(&question(CHATS[0], "gpt-4o", "hello"));
    let answer = call.send().await.expect(503);
    assert_eq!(answer.code(), "identity_provider_unavailable");
    assert!(answer.header("retry-after").is_some() && answer.header("www-authenticate").is_none());
    assert!(world.upstream.seen().is_empty());
    let trail = world.gateway.trail(&answer.id());
    assert_eq!(trail.reject()["decision"]["reason"], "identity_provider_unavailable");
    // Nonsense is nonsense, whether the issuer can be asked or not.
    world.gateway.post(CHATS[0]).bearer("nonsense").send().await.expect(401);

    world.issuer.set_down(false);
    world.gateway.stderr.line("keys are available again").await;
    call.send().await.expect(200);
    world.gateway.get("/readyz").send().await.expect(200);
}

#[tokio::test]
async fn known_keys_go_on_working_while_the_issuer_is_down() {
    let world = World::start().await;
    world.issuer.set_down(true);
    world.post(CHATS[0]).json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(200);
    world.gateway.get("/readyz").send().await.expect(200);
}

#[tokio::test]
async fn a_development_issuer_is_not_believed() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    issuer.mark_development();
    let gateway = Launch::env(&issuer, &upstream).start().await;
    let line = gateway.stderr.line("development issuer").await;
    assert!(line.contains("WARN"), "{line}");
    let call = gateway.post(CHATS[0]).bearer(&issuer.token("alice", &[]));
    let answer = call.json(&question(CHATS[0], "gpt-4o", "hello")).send().await;
    assert!(answer.status >= 400, "{answer:?}");
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn start_up_warns_where_every_token_of_an_audience_is_let_in() {
    let world = World::start().await;
    let lines = eventually("the warning", || {
        let lines = world.gateway.stderr.text();
        lines.contains("would say who is entitled").then_some(lines)
    })
    .await;
    assert!(lines.contains(world.issuer.url()), "{lines}");
}
