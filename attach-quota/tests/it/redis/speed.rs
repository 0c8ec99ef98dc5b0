//! How fast it is: run with `--ignored --nocapture`.

use attach_quota::store::Settling;
use attach_quota::{Budget, Period, Rate, Scope};

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn reserve_and_settle_under_three_limits() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let node = Arc::new(Node::up(&server.url()).await);
    let limits = [
        Arc::new(Limit::tokens("tpm", Rate::per_minute(1_000_000_000))),
        Arc::new(Limit::requests("rps", Rate::per_second(1_000_000))),
        Arc::new(Limit::micro_usd("usd", Budget::new(1 << 40, Period::Month)).each(Scope::User)),
    ];
    for clients in [1, 32] {
        let begin = Instant::now();
        let tasks: Vec<_> = (0..clients)
            .map(|client| {
                let (node, limits) = (Arc::clone(&node), limits.clone());
                tokio::spawn(async move {
                    let mut waits = Vec::new();
                    for _ in 0..8000 / clients {
                        let name = format!("user-{client}");
                        let mut charges = limits.each_ref().map(|one| Charge::of(one, &name, 100).unwrap());
                        let asked = Instant::now();
                        node.store.reserve(&mut charges).await.unwrap();
                        waits.push(asked.elapsed());
                        assert!(!charges[0].standing().degraded);
                        charges.iter_mut().for_each(|charge| charge.spend(40));
                        node.store.settle(&charges, Settling::Last);
                    }
                    waits
                })
            })
            .collect();
        let mut waits = Vec::new();
        for task in tasks {
            waits.extend(task.await.unwrap());
        }
        node.settled().await;
        let rate = 8000.0 / begin.elapsed().as_secs_f64();
        waits.sort_unstable();
        let at = |share: usize| waits[waits.len() * share / 100];
        let stats: String = redis::from_redis_value(server.command(&["INFO", "commandstats"]).await).unwrap();
        let scripts = stats.lines().find(|line| line.contains("evalsha")).unwrap_or_default();
        let memory: String = redis::from_redis_value(server.command(&["INFO", "memory"]).await).unwrap();
        println!("{scripts} {}", memory.lines().nth(1).unwrap_or_default());
        println!("{clients} clients: {rate:.0}/s, reserve p50 {:?} p99 {:?}", at(50), at(99));
    }
}
