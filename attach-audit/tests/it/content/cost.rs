use std::time::Instant;

use attach_audit::content::Keep;

use super::{Ask, World};

/// Not a test: what content costs, one request after another on this machine's disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn cost() {
    for size in [500, 64 << 10, 1 << 20] {
        let body = format!(r#"{{"model":"m","prompt":"{}"}}"#, "x".repeat(size));
        for keep in [Keep::None, Keep::Redacted, Keep::Sealed] {
            let world = World::new(keep, |contents| contents);
            let text = "y".repeat(size);
            let ask = Ask { path: "/v1/completions", body: body.clone(), ..Ask::new(&[&text]) };
            let mut times = Vec::new();
            for _ in 0..60 {
                let began = Instant::now();
                ask.send(&world.audit).await.expect("whole");
                times.push(began.elapsed());
            }
            times.sort();
            println!("{size} bytes each way, {}: p50 {:?}, p90 {:?}", keep.as_str(), times[30], times[54]);
        }
    }
}
