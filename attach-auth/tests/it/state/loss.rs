//! A Redis that is lost is down, never empty.

use std::time::Duration;

use attach_auth::state::{Change, Lost, Redis, State};

use super::{Node, key, until};
use crate::support::{Address, RedisServer, TempDir};

const SOON: Duration = Duration::from_secs(3);

fn backend(url: &str) -> Redis {
    Redis::new(url, "acme").expect("a URL")
}

async fn two(server: &RedisServer) -> [Node; 2] {
    let nodes = [Node::of(backend(&server.url())).await, Node::of(backend(&server.url())).await];
    nodes[0].state.commit(vec![Change::put(key("a")), Change::put(key("b"))]).await.expect("works");
    nodes[1].state.commit(vec![Change::put(key("c"))]).await.expect("works");
    nodes
}

#[tokio::test]
async fn nodes_whose_store_is_emptied_are_down_and_keep_what_they_know() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let nodes = two(&server).await;
    server.command(&["FLUSHALL"]).await;
    let took = until(SOON, "both are down", || nodes.iter().all(|node| !node.is_up())).await;
    println!("down after FLUSHALL: {took:?}");
    assert!(took < Duration::from_secs(1));
    assert!(nodes.iter().all(|node| node.has("a") && node.has("c")));
    assert!(nodes[0].state.commit(vec![Change::put(key("d"))]).await.is_err());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(nodes.iter().all(|node| !node.is_up()), "it does not pass with time");
}

#[tokio::test]
async fn a_store_that_comes_back_empty_is_another() {
    let Some(mut server) = RedisServer::start(&[]).await else { return };
    let nodes = two(&server).await;
    server.restart_empty().await;
    until(SOON, "both are down", || nodes.iter().all(|node| !node.is_up())).await;
    // A node that remembers nothing begins a store of its own there: it is not theirs.
    let stranger = Node::of(backend(&server.url())).await;
    stranger.state.commit(vec![Change::put(key("x"))]).await.expect("works");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(nodes.iter().all(|node| !node.is_up() && node.has("a") && !node.has("x")));
}

#[tokio::test]
async fn a_node_that_remembers_does_not_start_on_an_emptied_store() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let directory = TempDir::new();
    let remembering = || backend(&server.url()).remember(directory.path());
    {
        let node = Node::of(remembering()).await;
        node.state.commit(vec![Change::put(key("a"))]).await.expect("works");
        // It writes down what it knows before it asks again.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    drop(State::open(remembering(), Vec::new()).await.expect("is the same store"));
    server.command(&["FLUSHALL"]).await;
    let refused = State::open(remembering(), Vec::new()).await.expect_err("is emptied");
    assert!(matches!(refused, Lost::Reset(_)), "{refused}");
    remembering().adopt().await.expect("an operator says so");
    let node = Node::of(remembering()).await;
    assert!(!node.has("a") && node.is_up());
}

#[tokio::test]
async fn rows_that_vanish_from_under_a_store_are_noticed_by_who_loads_it() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let nodes = two(&server).await;
    server.command(&["HDEL", "{attach:acme}:state:rows", "keys\na"]).await;
    let refused = State::open(backend(&server.url()), Vec::new()).await.expect_err("a row is missing");
    assert!(matches!(refused, Lost::Reset(_)), "{refused}");
    assert!(nodes[0].has("a"));
}

#[tokio::test]
async fn a_replica_that_misses_the_last_commits_is_not_the_store() {
    let Some(primary) = RedisServer::start(&[]).await else { return };
    let port = primary.port.to_string();
    let Some(replica) = RedisServer::start(&["--replicaof", "127.0.0.1", &port]).await else { return };
    let address = Address::of(&primary).await;
    let nodes = [Node::of(backend(&address.url())).await, Node::of(backend(&address.url())).await];
    nodes[0].state.commit(vec![Change::put(key("a"))]).await.expect("works");
    while primary.command(&["WAIT", "1", "100"]).await != redis::Value::Int(1) {}
    while replica.command(&["EXISTS", "{attach:acme}:state:rows"]).await != redis::Value::Int(1) {}
    // The link to the replica breaks, then the primary: the last commit is nowhere else.
    replica.command(&["REPLICAOF", "NO", "ONE"]).await;
    nodes[0].state.commit(vec![Change::put(key("last"))]).await.expect("works");
    until(SOON, "both have it", || nodes.iter().all(|node| node.has("last"))).await;
    address.turn_to(&replica);
    until(SOON, "both are down", || nodes.iter().all(|node| !node.is_up())).await;
    // Somebody who knows nothing goes on there, past the number that was lost.
    let stranger = Node::of(backend(&replica.url())).await;
    for number in 0..3 {
        stranger.state.commit(vec![Change::put(key(format!("other{number}")))]).await.expect("works");
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(nodes.iter().all(|node| !node.is_up() && node.has("last") && !node.has("other0")));
    // The one that has everything comes back.
    address.turn_to(&primary);
    until(SOON, "both are up", || nodes.iter().all(Node::is_up)).await;
    nodes[1].state.commit(vec![Change::put(key("after"))]).await.expect("works");
    until(SOON, "both go on", || nodes.iter().all(|node| node.has("after") && !node.has("other0"))).await;
}

#[tokio::test]
async fn a_replica_that_has_everything_takes_over_without_a_word() {
    let Some(primary) = RedisServer::start(&[]).await else { return };
    let port = primary.port.to_string();
    let Some(replica) = RedisServer::start(&["--replicaof", "127.0.0.1", &port]).await else { return };
    let address = Address::of(&primary).await;
    let node = Node::of(backend(&address.url()).min_replicas(1)).await;
    while primary.command(&["WAIT", "1", "100"]).await != redis::Value::Int(1) {}
    node.state.commit(vec![Change::put(key("a"))]).await.expect("works");
    replica.command(&["REPLICAOF", "NO", "ONE"]).await;
    address.turn_to(&replica);
    let fresh = Node::of(backend(&address.url())).await;
    fresh.state.commit(vec![Change::put(key("b"))]).await.expect("works");
    until(SOON, "it goes on", || node.has("b")).await;
    assert!(node.is_up() && fresh.has("a"));
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_down_and_comes_back_whole() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let nodes = two(&server).await;
    server.signal("STOP");
    let took = until(SOON, "both are down", || nodes.iter().all(|node| !node.is_up())).await;
    println!("down after a partition: {took:?}");
    assert!(took < Duration::from_millis(2500));
    assert!(nodes[0].state.commit(vec![Change::put(key("d"))]).await.is_err());
    server.signal("CONT");
    let took = until(SOON, "both are up", || nodes.iter().all(Node::is_up)).await;
    println!("up after a partition: {took:?}");
    assert!(nodes.iter().all(|node| ["a", "b", "c"].iter().all(|name| node.has(name))));
    nodes[0].state.commit(vec![Change::put(key("e"))]).await.expect("works");
    until(SOON, "the other has it", || nodes[1].has("e")).await;
}

#[tokio::test]
async fn a_commit_that_nobody_answers_ends_in_time_and_is_not_claimed() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let node = Node::of(backend(&server.url())).await;
    server.signal("STOP");
    let start = std::time::Instant::now();
    let result = node.state.commit(vec![Change::put(key("d"))]).await;
    server.signal("CONT");
    assert!(result.is_err() && start.elapsed() < Duration::from_millis(1500), "{:?}", start.elapsed());
}

#[tokio::test]
async fn an_operator_fills_an_emptied_store_from_a_nodes_memory() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let first = backend(&server.url());
    let nodes = [Node::of(first.clone()).await, Node::of(backend(&server.url())).await];
    let rows = (0..300).map(|number| Change::put(key(format!("k{number}")))).collect();
    nodes[0].state.commit(rows).await.expect("works");
    until(SOON, "the other has them", || nodes[1].has("k299")).await;
    server.command(&["FLUSHALL"]).await;
    until(SOON, "both are down", || nodes.iter().all(|node| !node.is_up())).await;
    first.reseed(&nodes[0].state.rows()).await.expect("works");
    until(SOON, "both are up", || nodes.iter().all(Node::is_up)).await;
    nodes[1].state.commit(vec![Change::put(key("later"))]).await.expect("works");
    until(SOON, "both go on", || nodes.iter().all(|node| node.has("later") && node.has("k299"))).await;
    let fresh = Node::of(backend(&server.url())).await;
    assert_eq!(fresh.state.rows().len(), 301);
}

#[tokio::test]
async fn an_operator_takes_the_store_as_it_is() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let first = backend(&server.url());
    let nodes = [Node::of(first.clone()).await, Node::of(backend(&server.url())).await];
    nodes[0].state.commit(vec![Change::put(key("a"))]).await.expect("works");
    until(SOON, "the other has it", || nodes[1].has("a")).await;
    server.command(&["FLUSHALL"]).await;
    until(SOON, "both are down", || nodes.iter().all(|node| !node.is_up())).await;
    first.adopt().await.expect("works");
    until(SOON, "both are up, with nothing", || nodes.iter().all(|node| node.is_up() && !node.has("a")))
        .await;
}
