//! The same for every backend.

use attach_auth::state::{Backend, Change, CommitError, Expect, Memory, Row, Table};

use super::{Node, key};

/// Everything that a backend has to do for those who write to it, whatever it is.
async fn does_what_it_promises(backend: impl Backend + Clone) {
    let (one, other) = (Node::of(backend.clone()).await, Node::of(backend.clone()).await);
    let put = |value: &'static str, expect| Change::Put(Row::new(Table::KEYS, "k", value), expect);

    one.state.commit(vec![put("1", Expect::Absent)]).await.expect("there was none");
    assert_eq!(one.state.get(Table::KEYS, "k").expect("is there").value, "1", "this node acts on it");
    super::until(std::time::Duration::from_secs(1), "the other node sees it", || other.has("k")).await;

    let conflict = Err(CommitError::Conflict(Table::KEYS, "k".into()));
    let both = vec![Change::put(key("other")), put("2", Expect::Absent)];
    assert_eq!(one.state.commit(both).await, conflict);
    assert!(!one.has("other"), "all of a commit or nothing of it");
    let wrong = vec![put("2", Expect::Value("0".into()))];
    assert_eq!(one.state.commit(wrong).await, conflict);
    one.state.commit(vec![put("2", Expect::Value("1".into()))]).await.expect("was as expected");

    let over = Row::new(Table::ONCE, "nonce", "").until(1);
    one.state.commit(vec![Change::insert(over.clone())]).await.expect("there was none");
    assert!(one.state.get(Table::ONCE, "nonce").is_none(), "is over");
    one.state.commit(vec![Change::insert(over)]).await.expect("what is over does not count");

    let strange = Row::new(Table::FACTS, "a\nb:\u{1f600}", &b"\0\xff\n:"[..]).until(u64::from(u32::MAX));
    one.state
        .commit(vec![Change::put(strange.clone()), Change::remove(Table::KEYS, "k")])
        .await
        .expect("works");
    one.state.commit(vec![Change::remove(Table::KEYS, "k")]).await.expect("nothing to remove is no conflict");
    let fresh = Node::of(backend).await;
    assert_eq!(fresh.state.get(Table::FACTS, &strange.key), Some(strange));
    assert!(!fresh.has("k"));
    super::until(std::time::Duration::from_secs(1), "the other node too", || !other.has("k")).await;
}

#[tokio::test]
async fn memory_does_what_a_backend_promises() {
    does_what_it_promises(Memory::new()).await;
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_file_does_what_a_backend_promises() {
    let directory = crate::support::TempDir::new();
    let backend = attach_auth::state::Sqlite::open(directory.path()).await.expect("opens");
    does_what_it_promises(backend).await;
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn redis_does_what_a_backend_promises() {
    let Some(server) = crate::support::RedisServer::start(&[]).await else { return };
    let backend = attach_auth::state::Redis::new(&server.url(), "test").expect("a URL");
    does_what_it_promises(backend).await;
}

#[tokio::test]
async fn a_follower_that_missed_more_than_is_kept_loads_everything() {
    let memory = Memory::new();
    let idle = attach_auth::state::State::open(memory.clone(), Vec::new()).await.expect("opens");
    let writer = Node::of(memory).await;
    for number in 0..1500 {
        writer.state.commit(vec![Change::put(key(format!("k{number}")))]).await.expect("works");
    }
    let running = idle.clone();
    let task = tokio::spawn(async move { running.run(tokio::time::sleep).await });
    super::until(std::time::Duration::from_secs(1), "it has caught up", || idle.rows().len() == 1500).await;
    task.abort();
}

#[tokio::test]
async fn a_commit_is_done_without_anybody_following() {
    let state = attach_auth::state::State::open(Memory::new(), Vec::new()).await.expect("opens");
    state.commit(vec![Change::put(key("k"))]).await.expect("works");
    assert!(state.get(Table::KEYS, "k").is_some());
}
