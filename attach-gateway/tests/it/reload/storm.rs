//! `config-reload`: a thousand reloads under load, one in ten of them broken.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde_json::Value;

use super::{HEAD, Site};
use crate::support::client::Connection;
use crate::support::{CHATS, question};

const RELOADS: usize = 1000;
const CALLERS: usize = 4;

/// A configuration in which rule, model and upstream go together.
fn one_of(which: &str) -> String {
    format!(
        "[[model]]\nname = \"m\"\nto = [{{ upstream = \"{which}\", model = \"model-{which}\" }}]\n\
         [[access.allow]]\nid = \"rule-{which}\"\nmodels = [\"m\"]\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_reloads_under_load_fail_no_request_and_mix_no_two_configurations() {
    let site = Site::with(HEAD, &one_of("one")).await;
    let over = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..CALLERS).map(|n| tokio::spawn(calls(&site, n, &over))).collect();
    let began = Instant::now();
    let mut broken = 0;
    for n in 0..RELOADS {
        let which = if n % 2 == 0 { "two" } else { "one" };
        let (text, expected) = if n % 10 == 9 {
            broken += 1;
            (site.file("[[model]]\nname = \"m\"\nto = [\"nowhere\"]\n"), "configuration not reloaded")
        } else {
            (site.file(&one_of(which)), "configuration reloaded")
        };
        let line = site.attempt(&text).await;
        assert!(line.contains(expected), "{n}: {line}");
    }
    let took = began.elapsed();
    over.store(true, Ordering::SeqCst);
    let mut served = 0;
    for caller in callers {
        served += caller.await.unwrap();
    }
    assert_eq!(broken, RELOADS / 10);
    assert!(served > CALLERS, "there was a load");
    report(&site, took, served);
    whole(&site);
}

/// Calls until it is over; each has to be answered.
fn calls(site: &Site, n: usize, over: &Arc<AtomicBool>) -> impl Future<Output = usize> + use<> {
    let token = site.issuer.token(&format!("caller-{n}"), &[]);
    let call = site.gateway.post(CHATS[0]).bearer(&token).json(&question(CHATS[0], "m", "hello"));
    let (addr, over) = (site.gateway.addr, Arc::clone(over));
    async move {
        let (mut connection, mut served) = (Connection::open(addr).await, 0);
        while !over.load(Ordering::SeqCst) {
            let (answer, same) = call.stream_on(connection).await.whole_and_connection().await;
            answer.expect(200);
            (connection, served) = (same, served + 1);
        }
        served
    }
}

/// Every request ran under one configuration: its records name one hash, and with that go one rule and one upstream.
fn whole(site: &Site) {
    let mut requests: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for record in site.gateway.records() {
        if matches!(record["kind"].as_str(), Some("intent" | "outcome" | "reject")) {
            requests.entry(record["req_id"].as_str().unwrap().to_owned()).or_default().push(record);
        }
    }
    let mut meant: BTreeMap<String, String> = BTreeMap::new();
    for (id, records) in requests {
        let kinds: Vec<_> = records.iter().map(|record| record["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["intent", "outcome"], "{id}");
        let hash = records[0]["cfg_hash"].as_str().unwrap();
        assert_eq!(records[1]["cfg_hash"], hash, "{id}");
        let upstream = records[1]["model"]["upstream"].as_str().unwrap();
        assert_eq!(records[1]["decision"]["rule_ids"][0], format!("rule-{upstream}"), "{id}");
        assert_eq!(records[1]["model"]["routed"], format!("model-{upstream}"), "{id}");
        let known = meant.entry(hash.to_owned()).or_insert_with(|| upstream.to_owned());
        assert_eq!(known, upstream, "{id}");
    }
    assert_eq!(meant.len(), 2, "both configurations were in force under the load: {meant:?}");
}

fn report(site: &Site, took: std::time::Duration, served: usize) {
    let text = site.gateway.stderr.text();
    let times = text.lines().filter(|line| line.contains("configuration reloaded")).filter_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        line["fields"]["took_ms"].as_f64()
    });
    let mut times: Vec<f64> = times.collect();
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or_default();
    eprintln!(
        "{RELOADS} reloads in {took:.1?} beside {served} requests; read and built in {:.1} ms (median), {:.1} ms (99 %)",
        at(0.5),
        at(0.99)
    );
}
