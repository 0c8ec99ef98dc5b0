//! Budgets and levels, and nodes that die.

use attach_quota::store::Settling;
use attach_quota::{Budget, Period, Scope};

use super::*;

fn places(count: u64) -> Arc<Limit> {
    Arc::new(Limit::concurrent("places", count).each(Scope::Everyone))
}

fn daily(amount: u64) -> Arc<Limit> {
    Arc::new(Limit::tokens("daily", Budget::new(amount, Period::Day)).each(Scope::Everyone))
}

#[tokio::test]
async fn places_are_shared_by_nodes_and_come_back_when_a_node_is_killed() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let (one, other) = (Node::up(&server.url()).await, Node::up(&server.url()).await);
    let (limit, budget) = (places(3), daily(1000));
    let mut held = [charge(&limit, 1), charge(&budget, 400)];
    one.store.reserve(&mut held).await.unwrap();
    let _second = one.reserve(&limit, 1).await.unwrap();
    let third = other.reserve(&limit, 1).await.unwrap();
    let refused = other.reserve(&limit, 1).await;
    assert_eq!(refused.err(), Some(Denied::Limit { index: 0, retry_after: Duration::from_secs(1) }));
    other.settle(third, 0);
    assert_eq!((other.left(&limit).await, other.left(&budget).await), (1, 600));

    one.die();
    eventually("the places come back", || async { (other.left(&limit).await == 3).then_some(()) }).await;
    assert_eq!(other.left(&budget).await, 1000, "and what was held of the budget");
    other.until("one is left", |store| store.status().nodes == 1).await;

    // It was only away.
    held[1].spend(250);
    one.store.settle(&held, Settling::Running);
    let again = one.store.clone();
    let _beside = tokio::spawn(async move { again.run().await });
    eventually("what was used is charged in full", || async {
        (other.used(&budget).await == 250).then_some(())
    })
    .await;
    eventually("both places are taken again", || async { (other.left(&limit).await == 1).then_some(()) })
        .await;
    held[0].spend(0);
    held[1].booked(250);
    one.store.settle(&held, Settling::Last);
    eventually("one place is free again", || async { (other.left(&limit).await == 2).then_some(()) }).await;
    assert_eq!(other.used(&budget).await, 250);
}

#[tokio::test]
async fn a_settlement_of_the_last_period_is_not_booked_in_this_one() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let node = Node::up(&server.url()).await;
    let limit = daily(1000);
    let open = node.reserve(&limit, 300).await.unwrap();
    let find = || async { server.keys().await.into_iter().find(|key| key.contains(":b:")) };
    let key = find().await.expect("the budget's");
    // The period ends: its key is gone, and so is its time.
    let (digest, _) = key.rsplit_once(':').unwrap();
    server.command(&["DEL", &key]).await;
    let record = server.keys().await.into_iter().find(|key| key.contains(":n:")).expect("the reservation's");
    let over = format!("{}:1700000000 300", digest.rsplit_once(":q1:").unwrap().1);
    let field: Vec<String> = redis::from_redis_value(server.command(&["HKEYS", &record]).await).unwrap();
    server.command(&["HSET", &record, &field[0], &over]).await;
    node.settle(open, 100);
    node.settled().await;
    assert_eq!(find().await, None, "100 - 300 is nothing");
    assert_eq!(node.left(&limit).await, 1000);
}

#[tokio::test]
async fn a_budget_ends_with_its_period_by_the_clock_of_the_store() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let node = Node::up(&server.url()).await;
    let (day, month) = (daily(1000), Arc::new(Limit::requests("monthly", Budget::new(9, Period::Month))));
    let mut charges = [charge(&day, 700), charge(&month, 1)];
    node.store.reserve(&mut charges).await.unwrap();
    let time: (u64, u64) = redis::from_redis_value(server.command(&["TIME"]).await).unwrap();
    for (charge, period) in charges.iter().zip([Period::Day, Period::Month]) {
        let (_, end) = Budget::new(1, period).bounds(time.0);
        let left = charge.standing().full_in.as_secs();
        assert!((end - time.0).abs_diff(left) <= 30, "{left} s left of a {}", period.as_str());
        let key = server.keys().await.into_iter().find(|key| key.ends_with(&format!(":{end}")));
        let ttl = server.command(&["PTTL", &key.expect("a key that ends with the period")]).await;
        let ttl: u64 = redis::from_redis_value(ttl).unwrap();
        assert!((end - time.0).abs_diff(ttl / 1000) <= 30);
    }
    let Err(Denied::Limit { retry_after, .. }) = node.reserve(&day, 400).await else { panic!("no room") };
    assert!(retry_after.as_secs() <= 86_400);
}

#[tokio::test]
async fn a_node_that_was_silent_itself_takes_nobody_for_dead() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let nodes = || async {
        let all = server.command(&["ZRANGE", "{attach:test}:q1:nodes", "0", "-1", "WITHSCORES"]).await;
        redis::from_redis_value::<Vec<(String, f64)>>(all).unwrap()
    };
    let slow = || RedisStore::new(&server.url(), "test").unwrap().deadline(Duration::from_secs(5));
    let (limit, gone) = (places(3), Node::of(slow()));
    gone.until("it is up", RedisStore::is_up).await;
    let _place = gone.reserve(&limit, 1).await.unwrap();
    gone.die();
    let other = slow().heartbeat(Duration::from_secs(3));
    let beside = other.clone();
    tokio::spawn(async move { beside.run().await });
    eventually("both are there", || async { (nodes().await.len() == 2).then_some(()) }).await;
    // As after an outage: nobody was heard for long.
    for (node, _) in nodes().await {
        server.command(&["ZADD", "{attach:test}:q1:nodes", "1", &node]).await;
    }
    let heard = |nodes: Vec<(String, f64)>| nodes.iter().any(|(_, until)| *until > 1.0);
    eventually("one is heard", || async { heard(nodes().await).then_some(()) }).await;
    assert_eq!(nodes().await.len(), 2);
    let mut look = [charge(&limit, 1)];
    other.look(&mut look).await.unwrap();
    assert_eq!(look[0].standing().left, 2, "the place is still taken");
    eventually("it is dead all the same", || async { (nodes().await.len() == 1).then_some(()) }).await;
    other.look(&mut look).await.unwrap();
    assert_eq!(look[0].standing().left, 3);
}
