//! Lists of revoked certificates.

use std::time::Duration;

use super::certificates::{Certificates, connect, post};
use super::file;
use crate::support::{CHATS, Launch, PATIENCE, Upstream, World, question};

/// A gateway that serves only clients with certificates, less those on the list.
async fn world(made: &Certificates) -> World {
    let (ca, list) = (made.path("ca.pem"), made.path("list.pem"));
    let setting = made.setting(&format!(", client_ca = {ca:?}, client_crl = [{list:?}]"));
    World::file(Upstream::model().await, &file(&setting)).await
}

/// Whether the client with the certificate gets an answer. In TLS 1.3 it learns of a refusal with what it reads first.
async fn served(world: &World, made: &Certificates) -> bool {
    let Ok(stream) = connect(world.gateway.addr, made.client(true, &["http/1.1"])).await else {
        return false;
    };
    let body = question(CHATS[0], "m", "hello");
    post(stream, CHATS[0], &world.token("alice"), &body).await.is_ok_and(|told| told.status == 200)
}

async fn until_served(world: &World, made: &Certificates, wanted: bool) {
    let until = tokio::time::Instant::now() + PATIENCE;
    while served(world, made).await != wanted {
        assert!(tokio::time::Instant::now() < until, "never: {wanted}; {}", world.gateway.stderr.text());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_revoked_certificate_is_refused_at_the_handshake() {
    let Some(made) = Certificates::new() else { return };
    made.revoke(&[], 30);
    let world = world(&made).await;
    assert!(served(&world, &made).await);
    let before = connect(world.gateway.addr, made.client(true, &["http/1.1"])).await.unwrap();
    let calls = world.upstream.seen().len();
    made.revoke(&["client"], 30);
    until_served(&world, &made, false).await;
    let refused = world.upstream.seen().len();
    assert!(!served(&world, &made).await);
    assert_eq!(world.upstream.seen().len(), refused, "nothing of it got through");
    let body = question(CHATS[0], "m", "hello");
    let told = post(before, CHATS[0], &world.token("alice"), &body).await.unwrap();
    assert_eq!(told.status, 200, "a connection that is there stays");
    assert!(refused >= calls);
    // Another certificate of the same authority is as good as before.
    made.issue("client");
    assert!(served(&world, &made).await);
}

#[tokio::test]
async fn nobody_goes_on_with_a_session_instead_of_a_certificate() {
    let Some(made) = Certificates::new() else { return };
    made.revoke(&[], 30);
    let world = world(&made).await;
    // Its clones share what it learned for the next handshake.
    let client = made.client(true, &["http/1.1"]);
    for _ in 0..2 {
        let stream = connect(world.gateway.addr, client.clone()).await.unwrap();
        let shaken = stream.get_ref().1.handshake_kind();
        assert_eq!(shaken, Some(rustls::HandshakeKind::Full));
        let body = question(CHATS[0], "m", "hello");
        assert_eq!(post(stream, CHATS[0], &world.token("alice"), &body).await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn a_list_that_is_out_of_date_says_of_nobody_that_they_are_good() {
    let Some(made) = Certificates::new() else { return };
    made.revoke(&[], -1);
    let world = world(&made).await;
    assert!(!served(&world, &made).await && !served(&world, &made).await);
    world.gateway.stderr.line("a list of client_crl is missing or out of date").await;
    let told = world.gateway.stderr.text().matches("a list of client_crl").count();
    assert_eq!(told, 1, "once");
    made.revoke(&[], 30);
    until_served(&world, &made, true).await;
    // What makes no sense changes nothing.
    std::fs::write(made.path("list.pem"), "no list").unwrap();
    world.gateway.stderr.line("certificate not reloaded").await;
    assert!(served(&world, &made).await);
}

#[tokio::test]
async fn a_certificate_of_an_authority_without_a_list_is_refused() {
    let (Some(made), Some(other)) = (Certificates::new(), Certificates::new()) else { return };
    other.revoke(&[], 30);
    std::fs::copy(other.path("list.pem"), made.path("list.pem")).unwrap();
    let world = world(&made).await;
    assert!(!served(&world, &made).await);
    assert!(world.upstream.seen().is_empty());
}

#[tokio::test]
async fn a_list_that_makes_no_sense_is_named_at_the_start() {
    let Some(made) = Certificates::new() else { return };
    let (issuer, upstream) = (crate::support::Issuer::start().await, Upstream::model().await);
    for (content, said) in [(Some("no list"), "holds no list"), (None, "list.pem")] {
        let list = made.path("list.pem");
        let _ = content.map_or_else(|| std::fs::remove_file(&list), |text| std::fs::write(&list, text));
        let setting =
            made.setting(&format!(", client_ca = {:?}, client_crl = [{list:?}]", made.path("ca.pem")));
        let text = file(&setting).replace("{ISSUER}", issuer.url()).replace("{UPSTREAM}", &upstream.url());
        let refusal = Launch::file(&text).refusal().await;
        assert!(refusal.contains(said), "{refusal}");
    }
}
