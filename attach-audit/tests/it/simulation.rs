//! A disk that loses, at any moment, what was not synced, and tears the last write anywhere.

use std::collections::HashSet;
use std::convert::Infallible;
use std::fs;
use std::time::Duration;

use attach_audit::log::{Log, Options, Segment, Storage};
use attach_audit::{Audit, verify};
use attach_core::Exchange;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::{ServiceBuilder, ServiceExt, service_fn};

#[path = "../../src/log/simulation/disk.rs"]
mod disk;

use self::disk::{Random, Simulated};
use crate::support::Dir;

/// Serves until the power fails; the ids of the requests that were answered.
async fn boot(disk: &Simulated) -> Vec<String> {
    let options =
        Options::new("n").segment_bytes(3000).patience(Duration::ZERO).retry(Duration::from_millis(1));
    let Ok(log) = Log::open_on(disk.clone(), options) else { return Vec::new() };
    let audit = Audit::new(log);
    let echo_id = service_fn(async |mut request: Request<()>| {
        let id = Exchange::of_request(&mut request).id().to_string();
        Ok::<_, Infallible>(Response::new(attach_core::Body::from(bytes::Bytes::from(id))))
    });
    let service = ServiceBuilder::new().layer(audit.layer()).layer(audit.intent_layer()).service(echo_id);
    let clients = (0..4).map(|_| {
        let service = service.clone();
        tokio::spawn(async move {
            let mut answered = Vec::new();
            loop {
                let answer = service.clone().oneshot(Request::new(())).await.expect("answered");
                let served = answer.status() == StatusCode::OK;
                match answer.into_body().collect().await {
                    Ok(id) if served => answered.push(String::from_utf8_lossy(&id.to_bytes()).into_owned()),
                    _ => return answered,
                }
            }
        })
    });
    let mut answered = Vec::new();
    for client in clients.collect::<Vec<_>>() {
        answered.extend(client.await.expect("it stopped by itself"));
    }
    answered
}

#[test]
fn whatever_the_disk_loses_every_answer_is_on_record_and_the_chain_verifies() {
    let mut total = (0, 0);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for seed in 1..=200_u64 {
        let disk = Simulated::default();
        disk.machine().random = Random::new(seed);
        let mut power = Random::new(seed ^ 0xff);
        let mut answered = Vec::new();
        for _ in 0..4 {
            disk.restart(4 + power.below(40) as u32, 0);
            answered.extend(runtime.block_on(boot(&disk)));
        }
        disk.restart(u32::MAX, 0);
        drop(Log::open_on(disk.clone(), Options::new("n")).expect("it opens"));
        total = (total.0 + answered.len(), total.1 + check(seed, &disk, &answered));
    }
    assert!(
        total.0 > 1000 && total.1 > 100,
        "{} answered, {} orphans: too little happened",
        total.0,
        total.1
    );
}

/// How many orphans there are, if nothing is wrong.
fn check(seed: u64, disk: &Simulated, answered: &[String]) -> usize {
    let dir = Dir::new();
    let mut records = Vec::new();
    disk.show(dir.path());
    for file in fs::read_dir(dir.path()).expect("there") {
        let file = fs::read(file.expect("there").path()).expect("there");
        let lines = file.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n"));
        records.extend(lines.map(|line| crate::schema::checked(std::str::from_utf8(line).expect("text"))));
    }
    let report = verify::verify(dir.path()).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    assert!(report.chains.len() <= 5, "seed {seed}: {report}");
    let of_kind = |kind: &str| -> HashSet<&str> {
        records.iter().filter(|r| r["kind"] == kind).map(|r| r["req_id"].as_str().expect("an id")).collect()
    };
    let (intents, outcomes, orphans) = (of_kind("intent"), of_kind("outcome"), of_kind("orphan"));
    for id in answered {
        assert!(intents.contains(&**id) && outcomes.contains(&**id), "seed {seed}: {id} was answered");
    }
    for id in intents {
        assert!(outcomes.contains(id) || orphans.contains(id), "seed {seed}: {id} is left open");
    }
    orphans.len()
}
