//! Several nodes, one count.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use attach_quota::store::Settling;
use attach_quota::{Action, Budget, Period, Rate, Scope};

use super::*;

/// A limit that gives back nothing while a test runs: a unit an hour.
fn slow(capacity: u64) -> Arc<Limit> {
    Arc::new(Limit::tokens("slow", Rate::per_hour(1)).burst(capacity).each(Scope::Everyone))
}

fn money(amount: u64) -> Arc<Limit> {
    Arc::new(Limit::micro_usd("money", Budget::new(amount, Period::Month)).each(Scope::Everyone))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_nodes_never_admit_more_than_the_limit_and_their_settlements_add_up() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let limits = [slow(100_000), money(100_000)];
    let mut nodes = Vec::new();
    for _ in 0..4 {
        nodes.push(Arc::new(Node::up(&server.url()).await));
    }
    let (held, spent) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut tasks = Vec::new();
    for task in 0..32_u64 {
        let (node, limits) = (Arc::clone(&nodes[task as usize % 4]), limits.clone());
        let (held, spent) = (Arc::clone(&held), Arc::clone(&spent));
        tasks.push(tokio::spawn(async move {
            for step in 0..40_u64 {
                let amount = 100 + (task * 41 + step * 17) % 900;
                let mut charges = limits.each_ref().map(|limit| charge(limit, amount));
                if node.store.reserve(&mut charges).await.is_err() {
                    continue;
                }
                // What is held here is at most what is held there.
                let now = held.fetch_add(amount as i64, Ordering::SeqCst) + amount as i64;
                assert!(now <= 100_000, "{now} are held");
                tokio::task::yield_now().await;
                let real = amount * (step % 5) / 4;
                // Before Redis hears of it, or the count here would be behind.
                held.fetch_add(real as i64 - amount as i64, Ordering::SeqCst);
                spent.fetch_add(real, Ordering::SeqCst);
                charges.iter_mut().for_each(|charge| charge.spend(real));
                node.store.settle(&charges, Settling::Last);
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    for node in &nodes {
        node.settled().await;
    }
    let spent = spent.load(Ordering::SeqCst);
    assert!(spent > 50_000, "the limit was near: {spent}");
    for limit in &limits {
        assert_eq!(nodes[0].used(limit).await, spent, "{}", limit.id());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_burst_on_two_nodes_exactly_as_many_pass_as_there_is_room_for() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let nodes = [Arc::new(Node::up(&server.url()).await), Arc::new(Node::up(&server.url()).await)];
    let limit = slow(1000);
    let tasks: Vec<_> = (0..300)
        .map(|n| {
            let (node, limit) = (Arc::clone(&nodes[n % 2]), Arc::clone(&limit));
            tokio::spawn(async move { node.reserve(&limit, 7).await.is_ok() })
        })
        .collect();
    let mut admitted = 0;
    for task in tasks {
        admitted += u64::from(task.await.unwrap());
    }
    assert_eq!(admitted, 1000 / 7);
}

#[tokio::test]
async fn a_refusal_books_nothing_and_names_the_limit_that_takes_longest() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let node = Node::up(&server.url()).await;
    let minute = Arc::new(Limit::tokens("tpm", Rate::per_minute(2000)));
    let hour = Arc::new(Limit::input_tokens("tph", Rate::per_hour(2000)));
    let plenty = slow(100_000);
    let all = || [charge(&plenty, 5), charge(&minute, 1500), charge(&hour, 1500)];
    node.store.reserve(&mut all()).await.unwrap();
    let mut refused = all();
    let Err(Denied::Limit { index, retry_after }) = node.store.reserve(&mut refused).await else {
        panic!("there is no room");
    };
    assert_eq!(index, 2);
    assert!(
        retry_after <= Duration::from_secs(1800) && retry_after > Duration::from_secs(1700),
        "{retry_after:?}"
    );
    assert_eq!(refused[0].standing().left, 99_995);
    assert_eq!(node.used(&plenty).await, 5);
    assert!(!refused[0].standing().degraded);
}

#[tokio::test]
async fn a_shadow_limit_denies_nothing_and_what_it_passes_over_is_not_booked() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let node = Node::up(&server.url()).await;
    let shadow = Limit::tokens("shadow", Rate::per_hour(1)).burst(100).action(Action::Shadow);
    let shadow = Arc::new(shadow.each(Scope::Everyone));
    let real = slow(1000);
    let both = || [charge(&shadow, 80), charge(&real, 80)];
    let mut first = both();
    node.store.reserve(&mut first).await.unwrap();
    assert!(!first[0].is_passed_over());
    let mut second = both();
    node.store.reserve(&mut second).await.unwrap();
    assert!(second[0].is_passed_over() && !second[1].is_passed_over());
    second.iter_mut().for_each(|charge| charge.spend(50));
    node.store.settle(&second, Settling::Last);
    assert_eq!((node.used(&shadow).await, node.used(&real).await), (80, 130));
}

#[tokio::test]
async fn a_running_answer_is_booked_as_it_grows_and_once() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let node = Node::up(&server.url()).await;
    let limits = [slow(10_000), money(10_000)];
    let mut charges = limits.each_ref().map(|limit| charge(limit, 100));
    node.store.reserve(&mut charges).await.unwrap();
    for spent in [150, 400, 390, 390] {
        charges.iter_mut().for_each(|charge| charge.spend(spent));
        node.store.settle(&charges, Settling::Running);
        charges.iter_mut().for_each(|charge| charge.booked(spent));
        for limit in &limits {
            assert_eq!(node.used(limit).await, spent, "{}", limit.id());
        }
    }
    node.store.settle(&charges, Settling::Last);
    assert_eq!(node.used(&limits[0]).await, 390);
    assert_eq!((node.store.status().open, node.store.status().queued), (0, 0));
}

#[tokio::test]
async fn a_rate_fills_by_the_clock_of_the_store() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let node = Node::up(&server.url()).await;
    let limit = Arc::new(Limit::tokens("fast", Rate::per_second(100)).burst(100));
    let begin = Instant::now();
    let charge = node.reserve(&limit, 100).await.unwrap();
    node.settle(charge, 200);
    node.settled().await;
    let Err(Denied::Limit { retry_after, .. }) = node.reserve(&limit, 100).await else {
        assert!(
            begin.elapsed() > Duration::from_secs(2),
            "a debt of 100 takes a second to pay, and 100 another"
        );
        return;
    };
    tokio::time::sleep(retry_after).await;
    node.reserve(&limit, 100).await.expect("what was promised");
    assert!(begin.elapsed() >= Duration::from_millis(1999), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn when_a_settlement_is_told_another_node_knows_it() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let (one, other) = (Node::up(&server.url()).await, Node::up(&server.url()).await);
    let limit = slow(1000);
    for spent in [0, 10, 20] {
        let before = other.used(&limit).await;
        let charge = one.reserve(&limit, 900).await.unwrap();
        one.settle(charge, spent);
        if let Some(flushed) = one.store.flushed() {
            flushed.await;
        }
        assert_eq!(other.used(&limit).await, before + spent);
    }
}

#[tokio::test]
async fn every_key_is_of_the_deployment_expires_and_names_nobody() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let node = Node::up(&server.url()).await;
    let place = Arc::new(Limit::concurrent("place", 8));
    let limits = [Arc::new(Limit::tokens("tpm", Rate::per_hour(1000))), money(1000), place];
    let mut charges = limits.each_ref().map(|limit| charge(limit, 1));
    node.store.reserve(&mut charges).await.unwrap();
    charges[0].spend(7);
    node.store.settle(&charges, Settling::Running);
    node.settled().await;
    let keys = server.keys().await;
    assert_eq!(keys.len(), 6, "{keys:?}");
    for key in keys {
        assert!(
            key.starts_with("{attach:test}:q1:") && !key.contains("alice") && !key.contains("tpm"),
            "{key}"
        );
        let left: i64 = redis::from_redis_value(server.command(&["PTTL", &key]).await).unwrap();
        assert!(left > 0, "{key} never expires");
    }
}
