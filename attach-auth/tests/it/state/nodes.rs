//! Several nodes on one Redis.

use std::time::{Duration, Instant};

use attach_auth::state::{Change, Redis, Row, Table};

use super::{Node, key, until};
use crate::support::RedisServer;

async fn node(server: &RedisServer) -> Node {
    Node::of(Redis::new(&server.url(), "acme").expect("a URL")).await
}

#[tokio::test]
async fn what_one_node_commits_the_other_has_within_a_second() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let (one, other) = (node(&server).await, node(&server).await);
    let mut times = Vec::new();
    for number in 0..200 {
        let name = format!("k{number}");
        let mut news = other.state.subscribe();
        let start = Instant::now();
        one.state.commit(vec![Change::put(key(name.clone()))]).await.expect("works");
        while !other.has(&name) {
            tokio::time::timeout(Duration::from_secs(1), news.changed())
                .await
                .expect("in time")
                .expect("open");
        }
        times.push(start.elapsed());
    }
    times.sort();
    println!("commit to sight on the other node: p50 {:?}, p99 {:?}", times[100], times[198]);
    assert!(times[199] < Duration::from_secs(1));
}

#[tokio::test]
async fn of_conflicting_inserts_exactly_one_wins() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let nodes = [node(&server).await, node(&server).await];
    for round in 0..50 {
        let insert = |writer: usize| {
            let state = nodes[writer % 2].state.clone();
            let row = Row::new(Table::ONCE, format!("name{round}"), writer.to_string());
            tokio::spawn(async move { state.commit(vec![Change::insert(row)]).await.is_ok() })
        };
        let mut winners = 0;
        for writer in (0..4).map(insert).collect::<Vec<_>>() {
            winners += u32::from(writer.await.expect("no panic"));
        }
        assert_eq!(winners, 1, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_ten_thousand_commits_of_four_writers_all_nodes_are_equal() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let nodes = [node(&server).await, node(&server).await, node(&server).await];
    let start = Instant::now();
    let writers = (0..4).map(|writer: usize| {
        let state = nodes[writer % 2].state.clone();
        tokio::spawn(async move {
            for number in 0..2500 {
                // Some keys are everybody's, so that the order matters.
                let shared =
                    Row::new(Table::KEYS, format!("shared{}", number % 7), format!("{writer}.{number}"));
                let own = key(format!("{writer}.{number}"));
                state.commit(vec![Change::put(shared), Change::insert(own)]).await.expect("works");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("no panic");
    }
    println!("10,000 commits by 4 writers: {:?}", start.elapsed());
    let full = || nodes.iter().all(|node| node.state.rows().len() == 10_007);
    until(Duration::from_secs(5), "all nodes have every row", full).await;
    let fresh = node(&server).await;
    for node in &nodes {
        assert!(node.state.rows() == fresh.state.rows());
    }
}

#[tokio::test]
async fn a_node_that_is_too_far_behind_the_log_loads_everything() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let writer = node(&server).await;
    let idle =
        attach_auth::state::State::open(Redis::new(&server.url(), "acme").expect("a URL"), Vec::new()).await;
    let idle = idle.expect("opens");
    for number in 0..20 {
        writer.state.commit(vec![Change::put(key(format!("k{number}")))]).await.expect("works");
    }
    server.command(&["XTRIM", "{attach:acme}:state:log", "MAXLEN", "3"]).await;
    let running = idle.clone();
    let task = tokio::spawn(async move { running.run(tokio::time::sleep).await });
    until(Duration::from_secs(2), "it has caught up", || idle.rows().len() == 20).await;
    server.command(&["XTRIM", "{attach:acme}:state:log", "MAXLEN", "0"]).await;
    writer.state.commit(vec![Change::put(key("later"))]).await.expect("works");
    until(Duration::from_secs(2), "it goes on", || idle.get(Table::KEYS, "later").is_some()).await;
    task.abort();
}

#[tokio::test]
async fn what_is_over_leaves_the_store_with_a_later_commit() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let node = node(&server).await;
    let over = (0..20).map(|number| Change::put(key(format!("k{number}")).until(1))).collect();
    node.state.commit(over).await.expect("works");
    node.state.commit(vec![Change::put(key("stays"))]).await.expect("works");
    let length = server.command(&["HLEN", "{attach:acme}:state:rows"]).await;
    assert_eq!(length, redis::Value::Int(1));
    assert_eq!(server.command(&["ZCARD", "{attach:acme}:state:ends"]).await, redis::Value::Int(0));
}

#[tokio::test]
async fn a_commit_waits_for_as_many_replicas_as_it_was_told() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let backend = || Redis::new(&server.url(), "acme").expect("a URL").min_replicas(1);
    let backend = || backend().deadline(Duration::from_millis(500));
    let alone = Node::of(backend()).await;
    assert!(alone.state.commit(vec![Change::put(key("a"))]).await.is_err(), "nobody has a copy");
    let Some(replica) = RedisServer::start(&["--replicaof", "127.0.0.1", &server.port.to_string()]).await
    else {
        return;
    };
    // How long a replica needs to join, and to answer while it does, is the machine's business.
    let start = Instant::now();
    while let Err(error) = alone.state.commit(vec![Change::put(key("b"))]).await {
        assert!(start.elapsed() < Duration::from_secs(60), "there is a copy: {error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let there = replica.command(&["HEXISTS", "{attach:acme}:state:rows", "keys\nb"]).await;
    assert_eq!(there, redis::Value::Int(1));
}
