//! `audit-eio`, `audit-disk-full` and `audit-slow`: the disk of the log breaks under the running gateway.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Fault, Machine};
use crate::support::{AUDIENCE, CHATS, Issuer, Launch, PATIENCE, Response, Upstream, World, question};

const ENOSPC: i64 = 28;

async fn world(machine: &Machine) -> World {
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let gateway = machine.under(Launch::env(&issuer, &upstream)).start().await;
    World { issuer, upstream, gateway }
}

/// The same, by a file in which requests wait so long for their records.
async fn patient(machine: &Machine, patience: &str) -> World {
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let text = format!(
        "[[issuer]]\nissuer = \"{}\"\naudience = [\"{AUDIENCE}\"]\n[[upstream]]\nname = \"m\"\nkind = \"openai\"\n\
         url = \"{}\"\n[access]\ndefault = \"allow\"\n[audit]\npatience = \"{patience}\"\n",
        issuer.url(),
        upstream.url()
    );
    let gateway = machine.under(Launch::file(&text)).start().await;
    World { issuer, upstream, gateway }
}

async fn ask(world: &World) -> Response {
    world.post(CHATS[0]).json(&question(CHATS[0], "gpt-4o", "hello")).send().await
}

/// Asks until it is served again; how long that took.
async fn until_served(world: &World) -> Duration {
    let began = Instant::now();
    while ask(world).await.status != 200 {
        assert!(began.elapsed() < PATIENCE, "it does not resume");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    began.elapsed()
}

/// Nothing was answered, and no model server asked, without a record; what was given up on is on record as what it was.
/// A segment that was given up on holds records that the next one has again.
fn all_on_record(world: &World, served: usize) {
    let records = world.gateway.records();
    let ids = |is: &dyn Fn(&Value) -> bool| -> BTreeSet<String> {
        let found = records.iter().filter(|record| is(record));
        found.map(|record| record["req_id"].as_str().unwrap().to_owned()).collect()
    };
    let complete = ids(&|record| record["kind"] == "outcome" && record["end"] == "complete");
    assert_eq!((complete.len(), world.upstream.seen().len()), (served, served));
    let (begun, ended) =
        (ids(&|record| record["kind"] == "intent"), ids(&|record| record["kind"] == "outcome"));
    assert!(begun.is_subset(&ended), "{begun:?} {ended:?}");
    assert!(complete.is_subset(&begun), "{complete:?} {begun:?}");
}

/// It refuses while the disk is broken, and resumes by itself.
async fn an_outage(fault: Fault, value: i64) {
    let Some(machine) = Machine::new() else { return };
    let mut world = world(&machine).await;
    ask(&world).await.expect(200);
    machine.set(fault, value);
    let mut slowest = Duration::ZERO;
    for _ in 0..5 {
        let began = Instant::now();
        assert_eq!(ask(&world).await.expect(503).code(), "audit_unavailable");
        slowest = slowest.max(began.elapsed());
    }
    world.gateway.get("/healthz").send().await.expect(200);
    assert_eq!(world.upstream.seen().len(), 1, "asked without a record");
    machine.set(fault, 0);
    let back = until_served(&world).await;
    println!("{fault:?}: refused within {slowest:.1?}, served again {back:.1?} after the disk was well");
    world.gateway.stop_and_verify().await;
    let gaps = world.gateway.records().iter().filter(|record| record["kind"] == "gap").count();
    assert!(gaps > 0, "what was refused is on record too");
    all_on_record(&world, 2);
}

#[tokio::test]
async fn audit_eio_that_stays_refuses_everything_new_and_it_resumes_by_itself_with_a_gap_record() {
    an_outage(Fault::SyncFails, -1).await;
}

#[tokio::test]
async fn audit_disk_full_refuses_everything_new_and_it_resumes_by_itself_with_a_gap_record() {
    an_outage(Fault::WriteError, ENOSPC).await;
}

#[tokio::test]
async fn audit_eio_of_one_sync_is_another_segment_and_nobody_notices() {
    let Some(machine) = Machine::new() else { return };
    let mut world = world(&machine).await;
    ask(&world).await.expect(200);
    machine.set(Fault::SyncFails, 1);
    ask(&world).await.expect(200);
    ask(&world).await.expect(200);
    world.gateway.stop_and_verify().await;
    let segments = world.gateway.records().iter().filter(|record| record["kind"] == "segment").count();
    assert_eq!(segments, 1, "never synced again on the same descriptor");
    all_on_record(&world, 3);
}

#[tokio::test]
async fn audit_slow_refuses_after_half_a_second_and_asks_no_model_server_without_a_record() {
    let Some(machine) = Machine::new() else { return };
    let mut world = world(&machine).await;
    ask(&world).await.expect(200);
    machine.set(Fault::SyncDelay, 2000);
    let began = Instant::now();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let call = world.post(CHATS[0]).json(&question(CHATS[0], "gpt-4o", "hello"));
        calls.spawn(async move { call.send().await.expect(503).code() });
    }
    let codes = calls.join_all().await;
    let took = began.elapsed();
    assert!(codes.iter().all(|code| code == "audit_unavailable"), "{codes:?}");
    assert_eq!(world.upstream.seen().len(), 1, "asked without a record");
    machine.set(Fault::SyncDelay, 0);
    let back = until_served(&world).await;
    println!(
        "50 calls at once while a sync takes 2 s: all refused within {took:.1?}, served again after {back:.1?}"
    );
    world.gateway.stop_and_verify().await;
    all_on_record(&world, 2);
}

#[tokio::test]
async fn audit_slow_delays_answers_by_as_much_as_audit_patience_allows() {
    let Some(machine) = Machine::new() else { return };
    let mut world = patient(&machine, "30s").await;
    machine.set(Fault::SyncDelay, 2000);
    let (began, mut calls) = (Instant::now(), tokio::task::JoinSet::new());
    for _ in 0..50 {
        let call = world.post(CHATS[0]).json(&question(CHATS[0], "gpt-4o", "hello"));
        calls.spawn(async move { call.send().await.status });
    }
    let answered = calls.join_all().await;
    let took = began.elapsed();
    assert_eq!(answered, vec![200; 50]);
    assert!(took >= Duration::from_secs(2), "{took:?}");
    println!("50 calls at once while a sync takes 2 s and patience is 30 s: all answered within {took:.1?}");
    machine.set(Fault::SyncDelay, 0);
    world.gateway.stop_and_verify().await;
    all_on_record(&world, 50);
}
