//! What can happen to a store, and to the way there.

use attach_quota::store::Settling;
use attach_quota::{Budget, Period, Rate, Scope, WhenDown};

use super::*;

fn limit(id: &str, capacity: u64, when_down: WhenDown) -> Arc<Limit> {
    let limit = Limit::tokens(id, Rate::per_hour(1)).burst(capacity);
    Arc::new(limit.each(Scope::Everyone).when_store_down(when_down))
}

fn shared(capacity: u64) -> Arc<Limit> {
    limit("shared", capacity, WhenDown::Closed)
}

/// A node that gives the store a second: less than an outage here, more than a busy machine takes.
fn hasty(url: &str) -> Node {
    Node::of(RedisStore::new(url, "test").unwrap().deadline(Duration::from_secs(1)))
}

/// Reserves until the store decides again.
async fn reserve_shared(node: &Node, limit: &Arc<Limit>, amount: u64) -> Charge {
    eventually("the store decides", || async {
        let charge = node.reserve(limit, amount).await.ok()?;
        if charge.standing().degraded {
            node.settle(charge, 0);
            return None;
        }
        Some(charge)
    })
    .await
}

#[tokio::test]
async fn a_store_that_was_emptied_counts_from_nothing_and_running_calls_are_still_charged() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let node = Node::up(&server.url()).await;
    let (rate, place) = (shared(1000), Arc::new(Limit::concurrent("place", 2)));
    let mut running = [charge(&rate, 600), charge(&place, 1)];
    node.store.reserve(&mut running).await.unwrap();
    server.command(&["FLUSHALL"]).await;
    assert_eq!(node.left(&rate).await, 1000);
    eventually("the place is taken again", || async { (node.used(&place).await == 1).then_some(()) }).await;
    running[0].spend(700);
    running[1].spend(0);
    node.store.settle(&running, Settling::Last);
    assert_eq!(node.used(&rate).await, 100, "what came after");
    assert_eq!(node.used(&place).await, 0);
}

#[tokio::test]
async fn scripts_that_were_flushed_are_loaded_again() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let node = Node::up(&server.url()).await;
    let limit = shared(1000);
    for _ in 0..3 {
        let charge = node.reserve(&limit, 100).await.unwrap();
        assert!(!charge.standing().degraded);
        server.command(&["SCRIPT", "FLUSH"]).await;
        node.settle(charge, 10);
        node.settled().await;
        server.command(&["SCRIPT", "FLUSH"]).await;
    }
    assert_eq!(node.used(&limit).await, 30);
}

#[tokio::test]
async fn a_server_that_is_killed_and_started_again_has_what_it_wrote_and_learns_the_rest() {
    let arguments = ["--appendonly", "yes", "--appendfsync", "always"];
    let Some(mut server) = RedisServer::start(&arguments).await else { return };
    let node = hasty(&server.url());
    node.until("it is up", RedisStore::is_up).await;
    let limit = shared(1000);
    let money = Arc::new(Limit::micro_usd("money", Budget::new(1000, Period::Month)));
    let mut running = [charge(&limit, 400), charge(&money, 400)];
    node.store.reserve(&mut running).await.unwrap();
    server.kill();
    node.until("it is down", |store| !store.is_up()).await;
    assert_eq!(node.reserve(&limit, 1).await.err(), Some(Denied::Unavailable));
    running.iter_mut().for_each(|charge| charge.spend(150));
    node.store.settle(&running, Settling::Last);
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.restart().await;
    node.until("it is up", RedisStore::is_up).await;
    node.settled().await;
    let _one = reserve_shared(&node, &limit, 1).await;
    assert_eq!(node.used(&limit).await, 151);
    assert_eq!(node.used(&money).await, 150);
}

#[tokio::test]
async fn a_server_that_is_started_again_with_nothing_gets_the_whole_charge() {
    let Some(mut server) = RedisServer::start(&[]).await else { return };
    let node = hasty(&server.url());
    node.until("it is up", RedisStore::is_up).await;
    let money = Arc::new(Limit::micro_usd("money", Budget::new(1000, Period::Month)));
    let mut running = [charge(&money, 400)];
    node.store.reserve(&mut running).await.unwrap();
    server.kill();
    node.until("it is down", |store| !store.is_up()).await;
    running[0].spend(150);
    node.store.settle(&running, Settling::Last);
    server.restart().await;
    node.until("it is up", RedisStore::is_up).await;
    assert_eq!(node.used(&money).await, 150, "and not 150 - 400");
}

#[tokio::test]
async fn a_store_that_hangs_delays_nobody_for_long() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let node = hasty(&server.url());
    node.until("it is up", RedisStore::is_up).await;
    let closed = limit("closed", 1000, WhenDown::Closed);
    server.signal("STOP");
    let begin = Instant::now();
    for _ in 0..3 {
        assert_eq!(node.reserve(&closed, 1).await.err(), Some(Denied::Unavailable));
    }
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    node.until("it is down", |store| !store.is_up()).await;
    let begin = Instant::now();
    for _ in 0..200 {
        assert_eq!(node.reserve(&closed, 1).await.err(), Some(Denied::Unavailable));
    }
    assert!(begin.elapsed() < Duration::from_secs(2), "nobody waits any more: {:?}", begin.elapsed());
    server.signal("CONT");
    node.until("it is up", RedisStore::is_up).await;
    assert_eq!(node.used(&closed).await, 0, "what was refused or given up is not booked");
}

#[tokio::test]
async fn while_the_store_is_down_every_limit_does_what_it_says_and_the_store_learns_of_it() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let (node, other) = (hasty(&server.url()), Node::up(&server.url()).await);
    node.until("both are there", |store| store.is_up() && store.status().nodes == 2).await;
    let closed = limit("closed", 1000, WhenDown::Closed);
    let local = limit("local", 1000, WhenDown::Local);
    let open = limit("open", 1000, WhenDown::Open);
    server.signal("STOP");
    node.until("it is down", |store| !store.is_up()).await;

    let mine = node.reserve(&local, 400).await.unwrap();
    assert!(mine.standing().degraded);
    assert_eq!(mine.standing().left, 100, "half of the limit, and 400 of that");
    assert!(matches!(node.reserve(&local, 101).await, Err(Denied::Limit { index: 0, .. })));
    node.settle(mine, 300);
    let share = node.reserve(&local, 200).await.expect("100 came back");
    let many = node.reserve(&open, 900).await.unwrap();
    let more = node.reserve(&open, 900).await.expect("it is open");
    assert!(more.standing().degraded);
    let mut both = [charge(&open, 5), charge(&closed, 5)];
    assert_eq!(node.store.reserve(&mut both).await, Err(Denied::Unavailable));
    node.settle(many, 50);
    tokio::time::sleep(Duration::from_secs(2)).await;
    server.signal("CONT");
    node.until("it is up", RedisStore::is_up).await;
    node.settle(share, 200);
    node.settle(more, 60);
    node.settled().await;
    other.until("it is up", RedisStore::is_up).await;
    let used = (other.used(&local).await, other.used(&open).await, other.used(&closed).await);
    assert_eq!(used, (500, 110, 0));
}

#[tokio::test]
async fn debts_of_an_outage_flow_off_as_if_the_store_had_been_there() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let node = hasty(&server.url());
    node.until("it is up", RedisStore::is_up).await;
    let limit = Limit::tokens("fast", Rate::per_second(1000)).burst(3000);
    let limit = Arc::new(limit.each(Scope::Everyone).when_store_down(WhenDown::Local));
    server.signal("STOP");
    node.until("it is down", |store| !store.is_up()).await;
    for _ in 0..2 {
        let charge = node.reserve(&limit, 1000).await.unwrap();
        node.settle(charge, 1000);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.signal("CONT");
    node.until("it is up", RedisStore::is_up).await;
    node.settled().await;
    assert_eq!(node.used(&limit).await, 0, "2000 were used three seconds and two seconds ago");
}

#[tokio::test]
async fn calls_that_began_without_the_store_take_their_places_when_it_is_back() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let node = hasty(&server.url());
    node.until("it is up", RedisStore::is_up).await;
    let place = Arc::new(Limit::concurrent("place", 4).each(Scope::Everyone));
    server.signal("STOP");
    node.until("it is down", |store| !store.is_up()).await;
    let (one, two) = (node.reserve(&place, 1).await.unwrap(), node.reserve(&place, 1).await.unwrap());
    server.signal("CONT");
    node.until("it is up", RedisStore::is_up).await;
    eventually("both are known", || async { (node.used(&place).await == 2).then_some(()) }).await;
    node.settle(one, 0);
    node.settle(two, 0);
    assert_eq!(node.used(&place).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settlements_whose_answers_are_lost_are_booked_once() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let proxy = Proxy::to(&server).await;
    let (node, direct) = (Node::up(&proxy.url()).await, Node::up(&server.url()).await);
    let limits =
        [shared(100_000), Arc::new(Limit::micro_usd("money", Budget::new(1_000_000, Period::Month)))];
    let mut spent = 0;
    for round in 0..20 {
        let mut charges = limits.each_ref().map(|limit| charge(limit, 100));
        let reserved = node.store.reserve(&mut charges).await;
        if reserved.is_err() || charges.iter().any(|charge| charge.standing().degraded) {
            continue;
        }
        charges.iter_mut().for_each(|charge| charge.spend(10 + round));
        proxy.cut_next_answer();
        node.store.settle(&charges, Settling::Last);
        spent += 10 + round;
        node.settled().await;
    }
    assert!(proxy.cuts() >= 10, "{} answers were lost", proxy.cuts());
    assert!(spent > 0);
    for limit in &limits {
        assert_eq!(direct.used(limit).await, spent, "{}", limit.id());
    }
}

#[tokio::test]
async fn a_reservation_whose_answer_is_lost_is_taken_back() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let proxy = Proxy::to(&server).await;
    // No heartbeat takes the cut that is meant for the reservation.
    let store = RedisStore::new(&proxy.url(), "test").unwrap().deadline(Duration::from_secs(5));
    let direct = Node::up(&server.url()).await;
    let limits = [shared(1000), Arc::new(Limit::concurrent("place", 4))];
    for _ in 0..2 {
        let mut charges = limits.each_ref().map(|limit| charge(limit, 100));
        store.reserve(&mut charges).await.unwrap();
        charges.iter_mut().for_each(|charge| charge.spend(0));
        store.settle(&charges, Settling::Last);
        assert!(store.flush(LONG).await);
        proxy.cut_next_answer();
        let mut charges = limits.each_ref().map(|limit| charge(limit, 100));
        assert_eq!(store.reserve(&mut charges).await, Err(Denied::Unavailable));
        assert_eq!((direct.used(&limits[0]).await, direct.used(&limits[1]).await), (100, 4), "it was booked");
        assert!(store.flush(LONG).await);
        assert_eq!((direct.used(&limits[0]).await, direct.used(&limits[1]).await), (0, 0));
    }
    assert_eq!(proxy.cuts(), 2);
}

#[tokio::test]
async fn a_reservation_that_arrives_after_it_was_given_up_is_not_booked() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let proxy = Proxy::to(&server).await;
    let store = RedisStore::new(&proxy.url(), "test").unwrap();
    let direct = Node::up(&server.url()).await;
    let limit = shared(1000);
    let patient = store.clone().deadline(Duration::from_secs(5));
    patient.reserve(&mut [charge(&limit, 1)]).await.unwrap();
    assert!(patient.flush(LONG).await);
    // The connection that reserves is slow, the one that settles is not.
    proxy.hold(1);
    // Given up by the deadline, and by a caller who leaves.
    assert_eq!(store.reserve(&mut [charge(&limit, 100)]).await, Err(Denied::Unavailable));
    let mut left = [charge(&limit, 100)];
    assert!(tokio::time::timeout(Duration::from_millis(20), patient.reserve(&mut left)).await.is_err());
    assert_eq!(store.status().queued, 2, "both are to be taken back");
    assert!(patient.flush(LONG).await);
    proxy.hold(0);
    // What comes after them on the same connection.
    patient.reserve(&mut [charge(&limit, 1)]).await.unwrap();
    assert_eq!(direct.used(&limit).await, 2);
}

#[tokio::test]
async fn a_node_that_starts_without_its_store_serves_as_its_limits_say() {
    let url = format!("redis://127.0.0.1:{}", free_port());
    let node = hasty(&url);
    let begin = Instant::now();
    assert_eq!(
        node.reserve(&limit("closed", 10, WhenDown::Closed), 1).await.err(),
        Some(Denied::Unavailable)
    );
    let charge = node.reserve(&limit("local", 10, WhenDown::Local), 4).await.unwrap();
    assert!(charge.standing().degraded && charge.standing().left == 6, "it is alone");
    assert!(!node.store.is_up() && begin.elapsed() < Duration::from_secs(5));
    assert_eq!(node.store.look(&mut [charge]).await, Err(Denied::Unavailable));
}
