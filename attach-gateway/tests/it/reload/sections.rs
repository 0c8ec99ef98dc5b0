//! Each section: what runs goes on as it began, what comes next goes by the new file.

use std::sync::Arc;

use tokio::sync::Notify;

use super::{HEAD, OTHER, REST, Site, hashes};
use crate::support::{CHATS, Issuer, Upstream, streamed};

#[tokio::test]
async fn a_stream_ends_under_the_configuration_it_began_under() {
    let told = Arc::new(Notify::new());
    let site = Site::before(Upstream::until(&told).await, HEAD, REST).await;
    let token = site.issuer.token("alice", &[]);
    let call = site.gateway.post(CHATS[0]).bearer(&token).json(&streamed(CHATS[0], "m", "count"));
    let mut running = call.stream().await;
    running.until("one").await;
    let running_id = running.id();

    // Nothing of what serves the stream is left, and its caller may do nothing any more.
    let denied = "[[upstream]]\nname = \"three\"\nkind = \"openai\"\nurl = \"http://127.0.0.1:1\"\n\
                  [[model]]\nname = \"other\"\nto = [\"three\"]\n\
                  [[access.allow]]\nid = \"few\"\ngroups = [\"few\"]\nmodels = [\"other\"]\n";
    let head = site.head[..site.head.find("[[upstream]]").unwrap()].to_owned();
    site.reload_all(&format!("{head}{denied}")).await;
    assert_eq!(site.ask().await.status, 403);

    told.notify_waiters();
    let rest = running.whole().await;
    assert!(!rest.broken && rest.text().ends_with("data: [DONE]\n\n"), "{}", rest.text());
    assert_eq!(site.gateway.finished(&running_id).await.end(), "complete");
    let first = hashes(&site.gateway, &running_id).await;
    assert_eq!(first.len(), 1, "intent and outcome name one configuration");

    site.reload(OTHER).await;
    let answer = site.ask().await.expect(200);
    let second = hashes(&site.gateway, &answer.id()).await;
    assert!(second.len() == 1 && second != first);
    assert_eq!(site.two.seen().len(), 1, "the other upstream was asked");
}

#[tokio::test]
async fn what_a_reload_changed_is_on_record_with_both_hashes() {
    let site = Site::start().await;
    let before = hashes(&site.gateway, &site.ask().await.expect(200).id()).await;
    site.reload(OTHER).await;
    let after = hashes(&site.gateway, &site.ask().await.expect(200).id()).await;
    let deeds = site.deeds("config.reload");
    let [deed] = &deeds[..] else { panic!("{deeds:?}") };
    let custom = &deed["custom"];
    assert_eq!(deed["actor"]["uid"], "SIGHUP");
    assert!(before.contains(custom["before"].as_str().unwrap()), "{custom}");
    assert!(after.contains(custom["after"].as_str().unwrap()), "{custom}");
    assert_eq!(custom["changed"], "model");
    let metrics = site.metrics().await;
    let info: Vec<_> = metrics.lines().filter(|line| line.starts_with("attach_config_info{")).collect();
    assert_eq!(info.len(), 1, "the old series is gone: {info:?}");
    assert!(info[0].contains(after.first().unwrap().as_str()), "{info:?}");
    let accepted = "attach_config_reloads_total{attach_config_result=\"accepted\"} 1";
    assert!(metrics.contains(accepted), "{metrics}");
}

#[tokio::test]
async fn limits_change_and_what_was_used_stays_used() {
    let quota = |amount: u32| format!("{REST}[[quota]]\nid = \"calls\"\nrequests = \"{amount}/day\"\n");
    let site = Site::with(HEAD, &quota(2)).await;
    for expected in [200, 200, 429] {
        site.ask().await.expect(expected);
    }
    site.reload(&quota(3)).await;
    site.ask().await.expect(200);
    site.ask().await.expect(429);
    site.reload(&quota(1)).await;
    site.ask().await.expect(429);
    assert_eq!(site.call("bob", "hello").send().await.status, 200);
    site.reload_all(&format!("quota = []\n{}", site.file(REST))).await;
    site.ask().await.expect(200);
}

#[tokio::test]
async fn the_first_budget_may_come_with_a_reload() {
    let site = Site::start().await;
    site.ask().await.expect(200);
    site.reload(&format!("{REST}[[quota]]\nid = \"month\"\nrequests = \"1/month\"\n")).await;
    site.ask().await.expect(200);
    site.ask().await.expect(429);
}

#[tokio::test]
async fn what_is_redacted_changes() {
    let site = Site::start().await;
    let text = "my mail is jane.roe@example.com";
    site.call("alice", text).send().await.expect(200);
    assert!(!site.one.last().text().contains("jane.roe"), "replaced");
    site.reload(&format!("{REST}[redact.entities]\nEMAIL_ADDRESS = \"block\"\n")).await;
    let refused = site.call("alice", text).send().await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    site.reload(&format!("{REST}[redact.entities]\nEMAIL_ADDRESS = \"allow\"\n")).await;
    site.call("alice", text).send().await.expect(200);
    assert!(site.one.last().text().contains("jane.roe"));
    let looser = site.deeds("config.reload").pop().unwrap()["custom"]["looser"].clone();
    assert_eq!(looser, "redact.entities.EMAIL_ADDRESS is weaker");
}

#[tokio::test]
async fn placeholders_stay_the_same_without_a_key() {
    let site = Site::start().await;
    let text = "my mail is jane.roe@example.com";
    site.call("alice", text).send().await.expect(200);
    let before = site.one.last().text();
    site.reload(&format!("{REST}[redact.entities]\nPHONE_NUMBER = \"block\"\n")).await;
    site.call("alice", text).send().await.expect(200);
    assert_eq!(site.one.last().text(), before);
}

#[tokio::test]
async fn prices_and_bounds_change() {
    let site = Site::start().await;
    let answer = site.ask().await.expect(200);
    assert!(site.gateway.finished(&answer.id()).await.outcome()["usage"]["cost_microusd"].is_null());
    let priced = "[[model]]\nname = \"m\"\nto = [\"one\"]\nprice = { input = 1000000, output = 0 }\n\
                  [access]\ndefault = \"allow\"\n";
    site.reload(priced).await;
    let answer = site.ask().await.expect(200);
    let usage = site.gateway.finished(&answer.id()).await.outcome()["usage"].clone();
    assert_eq!(usage["cost_microusd"].as_u64(), usage["input_tokens"].as_u64().map(|n| n * 1_000_000));

    let small = site.file(REST).replace("[server]\n", "[server]\nmax_body = \"1KiB\"\n");
    site.reload_all(&small).await;
    assert_eq!(site.call("alice", &"x".repeat(2000)).send().await.status, 413);
    let none = site.file(REST).replace("[server]\n", "[server]\nmax_in_flight = 1\n");
    site.reload_all(&none).await;
    site.ask().await.expect(200);
}

#[tokio::test]
async fn issuers_come_and_go_and_their_keys_are_not_fetched_again() {
    let site = Site::start().await;
    let other = Issuer::start().await;
    let asked = |issuer: &Issuer| {
        let token = issuer.token("bob", &[]);
        let body = crate::support::question(CHATS[0], "m", "hello");
        site.gateway.post(CHATS[0]).bearer(&token).json(&body)
    };
    site.ask().await.expect(200);
    assert_eq!(asked(&other).send().await.status, 401);
    let fetched = site.issuer.asked();
    let both = site.head.replacen(
        "[[upstream]]",
        &format!(
            "[[issuer]]\ndirectory = \"other\"\nissuer = \"{}\"\naudience = [\"api://attach-test\"]\n[[upstream]]",
            other.url()
        ),
        1,
    );
    site.reload_all(&format!("{both}\n{REST}")).await;
    asked(&other).send().await.expect(200);
    site.ask().await.expect(200);
    site.reload(REST).await;
    assert_eq!(asked(&other).send().await.status, 401, "refused at once");
    site.ask().await.expect(200);
    assert_eq!(site.issuer.asked(), fetched, "its keys were kept");
    let looser = site.deeds("config.reload")[0]["custom"]["looser"].as_str().unwrap().to_owned();
    assert!(looser.contains(other.url()) && looser.contains("is new"), "{looser}");
}
