//! Fair shares of what is counted in Redis.

use attach_quota::QuotaLayer;

use super::*;
use crate::fair::{call, passed, pool};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_calls_takes_nothing_of_what_is_kept_for_the_others() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let node = Node::up(&server.url()).await;
    let layer = QuotaLayer::new(vec![pool(80)]).store(node.store.clone());
    assert_eq!(passed(&layer, "bob", 1).await, 1);
    let calls = (0..200).map(|_| {
        let layer = layer.clone();
        tokio::spawn(async move { call(&layer, "alice", "app").await })
    });
    let mut admitted = 0;
    for call in calls.collect::<Vec<_>>() {
        admitted += usize::from(call.await.unwrap() == 200);
    }
    // 80, less bob's, less a quarter; one comes back every 45 s.
    assert!((59..=63).contains(&admitted), "{admitted}");
    node.settled().await;
    assert_eq!(passed(&layer, "bob", 20).await, 20);
    assert_eq!(passed(&layer, "alice", 1).await, 0);
}
