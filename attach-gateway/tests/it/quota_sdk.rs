//! What the retries of the official client programs make of a limit. Skipped, with a line, where they are not
//! installed.

use std::time::{Duration, Instant};

use crate::support::tools::{limits_mjs, limits_py, python};
use crate::support::{Upstream, World};

const SDKS: [&str; 2] = ["openai", "anthropic"];

async fn world(requests: &str) -> World {
    let file = format!(
        r#"
        [[issuer]]
        issuer = "{{ISSUER}}"
        audience = ["api://attach-test"]
        [[upstream]]
        name = "one"
        kind = "openai"
        dialects = ["openai", "anthropic", "ollama"]
        url = "{{UPSTREAM}}"
        [access]
        default = "allow"
        [[quota]]
        id = "few"
        requests = "{requests}"
        burst = 1
        "#
    );
    World::file(Upstream::model().await, &file).await
}

/// The figure after `name=` in what a client program printed.
fn figure((text, ok): &(String, bool), name: &str) -> f64 {
    let passed =
        text.lines().find(|line| *ok && line.starts_with("PASS")).unwrap_or_else(|| panic!("{text}"));
    let word = passed.split_whitespace().find_map(|word| word.strip_prefix(&format!("{name}=")));
    word.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
}

/// It waited for as long as it was told, so that it did not have to ask a third time.
fn assert_waited(result: &(String, bool)) {
    assert_eq!(figure(result, "retries"), 1.0, "{}", result.0);
    assert!(figure(result, "waited") > 0.0, "{}", result.0);
}

/// It did not wait.
fn assert_gave_up(result: &(String, bool), since: Instant) {
    assert!((3000.0..=3600.0).contains(&figure(result, "after")), "{}", result.0);
    assert!(since.elapsed() < Duration::from_secs(300), "{}", result.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_clients_wait_as_they_are_told_and_succeed() {
    let Some(python) = python() else { return };
    let world = world("20/min").await;
    for sdk in SDKS {
        let result = limits_py(&python, &world.gateway.url(), [sdk, &world.token(sdk), "short"]).await;
        assert_waited(&result);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_clients_give_up_at_once_where_the_wait_is_long() {
    let Some(python) = python() else { return };
    let world = world("1/h").await;
    for sdk in SDKS {
        let since = Instant::now();
        let result = limits_py(&python, &world.gateway.url(), [sdk, &world.token(sdk), "long"]).await;
        assert_gave_up(&result, since);
    }
    assert_eq!(world.upstream.seen().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_javascript_client_waits_as_it_is_told_and_gives_up_at_once_where_the_wait_is_long() {
    let brief = world("20/min").await;
    let token = brief.token("alice");
    let result = limits_mjs(&brief.gateway.url(), ["openai", &token, "short"]).await;
    let Some(result) = result else { return };
    assert_waited(&result);
    let (lengthy, since) = (world("1/h").await, Instant::now());
    let token = lengthy.token("alice");
    let result = limits_mjs(&lengthy.gateway.url(), ["openai", &token, "long"]).await;
    assert_gave_up(&result.expect("it is installed"), since);
}
