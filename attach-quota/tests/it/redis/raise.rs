//! Counts that a log knows are put back.

use attach_quota::store::{Counted, Raised};
use attach_quota::{Budget, Period};

use super::*;

fn month() -> Arc<Limit> {
    Arc::new(Limit::tokens("month", Budget::new(1000, Period::Month)))
}

/// What a log has of `used` tokens in the bucket of `charge`.
fn counted(charge: &Charge, used: u64) -> Counted {
    let (bucket, until) = charge.account().expect("a budget in Redis");
    Counted { bucket, until, used }
}

/// Reserves and settles `used`.
async fn spend(node: &Node, limit: &Arc<Limit>, used: u64) -> Charge {
    let charge = node.reserve(limit, used).await.unwrap();
    node.settle(charge.clone(), used);
    node.settled().await;
    charge
}

#[tokio::test]
async fn a_budget_that_was_lost_is_put_back_once_whoever_runs_and_however_often() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let (here, there) = (Node::up(&server.url()).await, Node::up(&server.url()).await);
    let limit = month();
    let before = spend(&here, &limit, 300).await;
    let running = here.reserve(&limit, 100).await.unwrap();
    server.command(&["FLUSHALL"]).await;
    let beside = there.reserve(&limit, 50).await.unwrap();
    let log = [counted(&before, 300)];
    assert_eq!(beside.account(), before.account(), "every node calls it the same");

    let looked = there.store.raise(&log, true).await.unwrap();
    let [Some(Raised { had, has })] = looked[..] else { panic!("{looked:?}") };
    // Whether the node has told again what it holds is the heartbeat's business.
    assert!(matches!((had, has), (50, 350) | (150, 450)), "{looked:?}");
    assert_eq!(there.used(&limit).await, had, "a dry run changes nothing");
    for _ in 0..2 {
        there.store.raise(&log, false).await.unwrap();
    }
    here.settle(running, 120);
    here.settled().await;
    there.settle(beside, 40);
    assert_eq!(there.used(&limit).await, 300 + 120 + 40, "each of the three once");
    // A later log has them all, and there is nothing to add.
    let raised = here.store.raise(&[counted(&before, 460)], false).await.unwrap();
    assert_eq!(raised, [Some(Raised { had: 460, has: 460 })]);
}

#[tokio::test]
async fn what_waits_to_be_settled_is_settled_before_a_budget_is_put_back() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let (limit, other) = (month(), Node::up(&server.url()).await);
    for emptied in [false, true] {
        let node = Node::up(&server.url()).await;
        let before = other.used(&limit).await;
        let charge = node.reserve(&limit, 300).await.unwrap();
        if emptied {
            server.command(&["FLUSHALL"]).await;
        }
        // Nothing runs beside it from here on, so that what it settles waits.
        node.die();
        node.settle(charge.clone(), 200);
        assert!(node.store.status().queued > 0);
        let log = [counted(&charge, before + 200)];
        let looked = node.store.raise(&log, true).await.unwrap();
        let had = if emptied { 200 } else { before + 200 };
        assert_eq!(looked, [Some(Raised { had, has: before + 200 })], "it is in the log and counts once");
        node.store.raise(&log, false).await.unwrap();
        assert_eq!((node.store.status().queued, other.used(&limit).await), (0, before + 200));
    }
}

#[tokio::test]
async fn nothing_is_lowered_and_a_period_that_is_over_is_let_be() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let node = Node::up(&server.url()).await;
    let limit = month();
    let charge = spend(&node, &limit, 300).await;
    let old = Counted { until: 1_700_000_000, ..counted(&charge, 500) };
    let raised = node.store.raise(&[counted(&charge, 200), old], false).await.unwrap();
    assert_eq!(raised, [Some(Raised { had: 300, has: 300 }), None]);
    assert_eq!(node.used(&limit).await, 300);
    let many: Vec<_> = (0..450).map(|n| Counted { bucket: n, ..counted(&charge, 7) }).collect();
    let raised = node.store.raise(&many, false).await.unwrap();
    assert_eq!(raised, vec![Some(Raised { had: 0, has: 7 }); 450]);
}

#[tokio::test]
async fn what_cannot_be_asked_is_unavailable() {
    let node = Node::new(&format!("redis://127.0.0.1:{}", free_port()));
    let one = Counted { bucket: 1, until: u64::MAX >> 12, used: 1 };
    assert_eq!(node.store.raise(&[one], false).await.err(), Some(Denied::Unavailable));
}
