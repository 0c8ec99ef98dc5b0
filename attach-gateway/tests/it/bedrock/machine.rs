//! Amazon Bedrock signed for with the machine's own keys: of a container, of a web identity at a real STS (moto).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::replay::{checked, model};
use super::{ask, file};
use crate::support::tools::Moto;
use crate::support::{Issuer, Launch, Reply, Seen, TempDir, Upstream, World};

const TOKEN: &str = "pod-identity-token";

/// How long a loaded machine may take for what takes seconds.
const PATIENCE: Duration = Duration::from_secs(90);

/// The document of a container's credentials, for so many seconds.
fn credentials(number: usize, seconds: i64) -> Reply {
    let until = Timestamp::from_second(Timestamp::now().as_second() + seconds).unwrap();
    Reply::json(
        200,
        &json!({
            "AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": format!("secret-{number}-example"),
            "Token": format!("token-{number}"), "Expiration": until.to_string(),
        }),
    )
}

/// Bedrock, and at `/credentials` what keys a container has: the first for so long, later ones by `later`; how
/// often it was asked for one.
async fn container(seconds: i64, later: fn(usize) -> Reply) -> (Upstream, Arc<AtomicUsize>) {
    let given = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&given);
    let upstream = Upstream::with(move |seen: &Seen| {
        if seen.path != "/credentials" {
            let token = seen.header("x-amz-security-token").unwrap_or_default();
            let number = token.strip_prefix("token-").unwrap_or("none");
            return checked(seen, &format!("secret-{number}-example"), model);
        }
        if seen.header("authorization") != Some(TOKEN) {
            return Reply::json(401, &json!({}));
        }
        match given.fetch_add(1, Ordering::SeqCst) + 1 {
            1 => credentials(1, seconds),
            number => later(number),
        }
    });
    (upstream.await, counted)
}

fn launch(text: &str, upstream: &Upstream, folder: &TempDir) -> Launch {
    let token = folder.write("token", TOKEN).display().to_string();
    Launch::file(text)
        .set("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("{}/credentials", upstream.url()))
        .set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &token)
}

/// The folder holds the token that is read each time.
async fn world(upstream: Upstream) -> (World, TempDir) {
    let (issuer, folder) = (Issuer::start().await, TempDir::new());
    let text = file("").replace("{ISSUER}", issuer.url()).replace("{UPSTREAM}", &upstream.url());
    let gateway = launch(&text, &upstream, &folder).start().await;
    (World { issuer, upstream, gateway }, folder)
}

/// The tokens that Bedrock was shown.
fn shown(world: &World) -> Vec<String> {
    let seen = world.upstream.seen();
    let tokens = seen.iter().filter_map(|seen| seen.header("x-amz-security-token").map(str::to_owned));
    tokens.collect()
}

#[tokio::test]
async fn a_container_signs_with_its_own_keys_and_renews_them_before_they_expire() {
    let (upstream, asked) = container(20, |number| credentials(number, 3600)).await;
    let (world, _folder) = world(upstream).await;
    ask(&world, false).await.expect(200);
    assert_eq!(shown(&world), ["token-1"], "there were keys before the first call");
    let renewed = tokio::time::timeout(PATIENCE, async {
        while shown(&world).last().is_none_or(|last| last != "token-2") {
            tokio::time::sleep(Duration::from_millis(200)).await;
            ask(&world, false).await;
        }
    });
    renewed.await.expect("another key");
    assert_eq!(asked.load(Ordering::SeqCst), 2, "nobody is asked for a key that is good");
    let said = world.gateway.stderr.text();
    assert!(said.contains("access keys of AWS were obtained") && !said.contains("secret-1"), "{said}");
    assert!(!said.contains(TOKEN) && !said.contains("token-1"), "{said}");
}

#[tokio::test]
async fn a_key_that_expired_signs_nothing_and_the_caller_is_told_in_its_own_shape() {
    let (upstream, _) = container(12, |_| Reply::json(500, &json!({}))).await;
    let (world, _folder) = world(upstream).await;
    ask(&world, false).await.expect(200);
    let refused = tokio::time::timeout(PATIENCE, async {
        loop {
            let answer = ask(&world, false).await;
            if answer.status != 200 {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    let refused = refused.await.expect("an end").expect(502);
    assert_eq!(refused.json()["code"], "upstream_unreachable");
    assert!(shown(&world).iter().all(|token| token == "token-1"));
    let said = world.gateway.stderr.text();
    assert!(said.contains("no access key of AWS; the last one is used until it expires"), "{said}");
}

#[tokio::test]
async fn a_web_identity_is_exchanged_at_a_real_sts() {
    let Some(moto) = Moto::start().await else { return };
    let (issuer, folder) = (Issuer::start().await, TempDir::new());
    let upstream = Upstream::with(|seen| match seen.header("x-amz-security-token") {
        Some(token) if token.len() > 20 => model(seen),
        _ => Reply::json(403, &json!({})),
    });
    let upstream = upstream.await;
    let text = file("").replace("{ISSUER}", issuer.url()).replace("{UPSTREAM}", &upstream.url());
    let token = folder.write("token", &issuer.token("system:serviceaccount:llm:attach", &[]));
    let launch = Launch::file(&text)
        .set("AWS_WEB_IDENTITY_TOKEN_FILE", &token.display().to_string())
        .set("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/attach")
        .set("AWS_ENDPOINT_URL_STS", &moto.url());
    let world = World { gateway: launch.start().await, issuer, upstream };
    ask(&world, true).await.expect(200);
    let signed = world.upstream.only().header("authorization").unwrap_or_default().to_owned();
    assert!(signed.starts_with("AWS4-HMAC-SHA256 Credential=ASIA"), "{signed}");
}

#[tokio::test]
async fn an_instances_role_is_asked_for_at_a_real_metadata_service() {
    let Some(moto) = Moto::start().await else { return };
    let issuer = Issuer::start().await;
    let upstream = Upstream::with(|seen| match seen.header("x-amz-security-token") {
        Some("test-session-token") => checked(seen, "test-secret-key", model),
        _ => Reply::json(403, &json!({})),
    });
    let upstream = upstream.await;
    let text = file("").replace("{ISSUER}", issuer.url()).replace("{UPSTREAM}", &upstream.url());
    let launch = Launch::file(&text).set("AWS_EC2_METADATA_SERVICE_ENDPOINT", &moto.url());
    let world = World { gateway: launch.start().await, issuer, upstream };
    ask(&world, false).await.expect(200);
}

#[tokio::test]
async fn check_says_whose_keys_are_used_and_refuses_to_send_a_token_far_away() {
    let text =
        file("").replace("{ISSUER}", "https://idp.example").replace("{UPSTREAM}", "https://vpce.example");
    let (upstream, folder) = (Upstream::model().await, TempDir::new());
    let checked = launch(&text, &upstream, &folder).check().await;
    assert!(checked.ok && checked.stdout.contains("signed with the keys of the container"), "{checked:?}");
    assert!(upstream.seen().is_empty(), "check asks nobody");
    let far = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://keys.example/");
    let refused = Launch::file(&text).set(far.0, far.1).check().await;
    assert!(!refused.ok && refused.stderr.contains(far.0), "{refused:?}");
}
