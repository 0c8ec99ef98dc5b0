//! What is not built anew and changes all the same: the end, the address, alerts, how long the log is kept.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{HEAD, REST, Site};
use crate::support::{CHATS, Issuer, Launch, Reply, Upstream, eventually, streamed};

#[tokio::test]
async fn how_long_answers_may_run_on_at_the_end_is_what_the_file_says_by_then() {
    let told = Arc::new(Notify::new());
    let mut site = Site::before(Upstream::until(&told).await, HEAD, REST).await;
    let token = site.issuer.token("alice", &[]);
    let call = site.gateway.post(CHATS[0]).bearer(&token).json(&streamed(CHATS[0], "m", "count"));
    let mut running = call.stream().await;
    running.until("one").await;
    site.reload_all(&site.file(REST).replace("[server]\n", "[server]\ndrain = \"200ms\"\n")).await;
    site.gateway.terminate();
    // The upstream never says more: without the new bound this would be two minutes.
    assert_eq!(site.gateway.ended().await.code(), Some(0));
    assert!(site.gateway.stderr.text().contains("did not finish in time"));
}

#[tokio::test]
async fn the_address_that_clients_use_comes_changes_and_goes() {
    let site = Site::start().await;
    let place = "/.well-known/oauth-protected-resource";
    let told = async || {
        let refused = site.gateway.post(CHATS[0]).send().await.expect(401);
        let challenge = refused.header("www-authenticate").unwrap_or_default().to_owned();
        let metadata = site.gateway.get(place).send().await;
        let metadata = (metadata.status == 200).then(|| metadata.json());
        let resource = metadata.map(|metadata: Value| metadata["resource"].as_str().unwrap().to_owned());
        (challenge, resource)
    };
    for url in [None, Some("https://llm.example.com"), Some("https://other.example.com"), None] {
        let line = url.map(|url| format!("[server]\nexternal_url = \"{url}\"\n"));
        let line = line.unwrap_or_else(|| "[server]\n".to_owned());
        let text = site.file(&format!("{REST}# another text each time: {url:?}\n"));
        site.reload_all(&text.replace("[server]\n", &line)).await;
        let (challenge, resource) = told().await;
        assert_eq!(resource.as_deref(), url);
        assert_eq!(challenge.contains(&format!("{}{place}", url.unwrap_or("https://"))), url.is_some());
    }
}

/// A receiver, and what it was told: the share, and whether the word was signed.
async fn receiver() -> (Upstream, Arc<Mutex<Vec<(Value, bool)>>>) {
    let told: Arc<Mutex<Vec<(Value, bool)>>> = Arc::default();
    let notes = Arc::clone(&told);
    let receiver = Upstream::with(move |seen| {
        let signed = seen.header("webhook-signature").is_some();
        notes.lock().unwrap().push((seen.json()["data"]["percent"].clone(), signed));
        Reply::json(200, &json!({}))
    });
    (receiver.await, told)
}

#[tokio::test]
async fn who_is_told_of_budgets_changes_and_nobody_is_told_twice() {
    let quota = format!("{REST}[[quota]]\nid = \"calls\"\nrequests = \"10/day\"\n");
    let site = Site::with(HEAD, &quota).await;
    let ((one, first), (two, second)) = (receiver().await, receiver().await);
    let key = site.gateway.write("key", "whsec_c2VjcmV0").display().to_string();
    let alerts = |to: &Upstream, shares: &str, more: &str| {
        let url = site.gateway.write(&format!("url-{shares}"), &format!("{}/hook", to.url()));
        let url = url.display().to_string();
        format!("{quota}[alerts]\nurl = {{ file = {url:?} }}\nquota_used = [{shares}]\n{more}")
    };
    let call = async |times: usize| {
        for _ in 0..times {
            site.ask().await.expect(200);
        }
    };
    call(2).await;
    site.reload(&alerts(&one, "20", "")).await;
    call(2).await;
    eventually("the first word", || (!first.lock().unwrap().is_empty()).then_some(())).await;
    site.reload(&alerts(&two, "20, 50", &format!("key = {{ file = {key:?} }}\n"))).await;
    call(2).await;
    eventually("the second word", || (!second.lock().unwrap().is_empty()).then_some(())).await;
    site.reload(&quota).await;
    call(4).await;
    assert_eq!(site.ask().await.status, 429);
    assert_eq!(*first.lock().unwrap(), [(json!(20), false)]);
    assert_eq!(*second.lock().unwrap(), [(json!(50), true)], "20 was told, and nobody is told of the end");
}

/// A word that its receiver does not take is not stuck with it.
#[tokio::test]
async fn a_word_that_waits_goes_to_the_new_address() {
    let quota = format!("{REST}[[quota]]\nid = \"calls\"\nrequests = \"10/day\"\n");
    let site = Site::with(HEAD, &quota).await;
    let refusing = Upstream::with(|_| Reply::json(500, &json!({}))).await;
    let (taking, told) = receiver().await;
    let alerts = |name: &str, to: &Upstream| {
        let url = site.gateway.write(name, &format!("{}/hook", to.url())).display().to_string();
        format!("{quota}[alerts]\nurl = {{ file = {url:?} }}\nquota_used = [10]\n")
    };
    site.reload(&alerts("one", &refusing)).await;
    for _ in 0..2 {
        site.ask().await.expect(200);
    }
    site.gateway.stderr.line("an alert was not taken").await;
    site.reload(&alerts("two", &taking)).await;
    eventually("the word", || (!told.lock().unwrap().is_empty()).then_some(())).await;
    assert_eq!(*told.lock().unwrap(), [(json!(10), false)]);
}

#[tokio::test]
async fn how_long_the_log_is_kept_changes_and_that_it_is_shorter_is_on_record() {
    let (issuer, upstream, state) =
        (Issuer::start().await, Upstream::model().await, crate::support::TempDir::new());
    let dir = state.path().display().to_string();
    let head = HEAD.replace("{ISSUER}", issuer.url());
    let head = head.replace("{ONE}", &upstream.url()).replace("{TWO}", &upstream.url());
    let file = format!("{head}\n{REST}[state]\ndir = {dir:?}\n");
    // Each start begins a segment.
    for _ in 0..2 {
        let mut gateway = Launch::file(&file).start().await.with_state(state.path());
        gateway.terminate();
        assert!(gateway.ended().await.success());
    }
    let gateway = Launch::file(&file).start().await.with_state(state.path());
    let segments = || {
        let files = std::fs::read_dir(state.path().join("audit")).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("audit-") && name.ends_with(".jsonl")).count()
    };
    assert_eq!(segments(), 3);
    gateway.reload(&format!("{file}[audit]\nkeep = {{ size = \"1KiB\" }}\n"));
    gateway.stderr.line("configuration reloaded").await;
    eventually("only the segment in use", || (segments() == 1).then_some(())).await;
    let of = |action: &str| {
        let mut records = crate::support::audit::records(&state.path().join("audit"));
        records.retain(|record| record["decision"]["reason"] == action);
        records
    };
    assert_eq!(of("config.reload")[0]["custom"]["looser"], "audit.keep is shorter");
    assert_eq!(of("retention.delete").len(), 2);
    // Whoever leaves it out again would keep less than was said: nobody knows whether that is meant.
    gateway.reload(&file);
    let line = gateway.stderr.line("configuration not reloaded").await;
    assert!(line.contains("audit.keep is gone"), "{line}");
}

/// A system that takes records, and what it was sent.
async fn siem() -> (Upstream, impl Fn(&str) -> bool) {
    let siem = Upstream::with(|_| Reply::json(200, &json!({}))).await;
    let seen = siem.clone();
    (siem, move |id: &str| seen.seen().iter().any(|batch| batch.text().contains(id)))
}

#[tokio::test]
async fn who_is_sent_the_records_changes_and_each_goes_on_where_it_was() {
    let site = Site::start().await;
    let ((one, one_has), (two, two_has)) = (siem().await, siem().await);
    let to = |name: &str, at: &Upstream| {
        format!("[[audit.egress]]\nkind = \"webhook\"\nname = {name:?}\nurl = \"{}/in\"\n", at.url())
    };
    let ask = async || {
        let id = site.ask().await.expect(200).id();
        let _ = site.gateway.finished(&id).await;
        id
    };
    let first = ask().await;
    site.reload(&format!("{REST}{}", to("one", &one))).await;
    eventually("what was there before", || one_has(&first).then_some(())).await;
    site.reload(&format!("{REST}{}{}", to("one", &one), to("two", &two))).await;
    let second = ask().await;
    eventually("both", || (one_has(&second) && two_has(&second) && two_has(&first)).then_some(())).await;

    site.reload(&format!("{REST}{}", to("two", &two))).await;
    let looser = site.deeds("config.reload").pop().unwrap()["custom"]["looser"].clone();
    assert_eq!(looser, "audit.egress \"one\" is gone");
    let third = ask().await;
    eventually("the one that stays", || two_has(&third).then_some(())).await;
    assert!(!one_has(&third), "nobody sends to it any more");
    // Its cursor was kept.
    site.reload(&format!("{REST}{}{}", to("one", &one), to("two", &two))).await;
    eventually("what it has missed", || one_has(&third).then_some(())).await;
    let times = one.seen().iter().filter(|batch| batch.text().contains(&first)).count();
    assert_eq!(times, 1, "nothing is sent again");
}
