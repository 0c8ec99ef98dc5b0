//! What is said of a store that goes and comes.

use std::fmt;
use std::sync::Mutex;

use attach_quota::{Rate, WhenDown};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::*;

/// Keeps what the store says.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<(Level, String)>>>);

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("attach_quota")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn event(&self, event: &Event<'_>) {
        struct Text(String);
        impl Visit for Text {
            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                self.0 += &format!("{}={value:?} ", field.name());
            }
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        self.0.lock().unwrap().push((*event.metadata().level(), text.0));
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn each_change_is_one_line_and_no_call_is_any() {
    let Some(mut server) = RedisServer::start(&[]).await else { return };
    let lines = Lines::default();
    let _guard = tracing::subscriber::set_default(lines.clone());
    let store = RedisStore::new(&format!("redis://:hunter2@127.0.0.1:{}", server.port), "test").unwrap();
    drop(store);
    let node = Node::of(RedisStore::new(&server.url(), "test").unwrap().deadline(Duration::from_secs(2)));
    node.until("it is up", RedisStore::is_up).await;
    let limit = Arc::new(Limit::tokens("tpm", Rate::per_minute(100_000)).when_store_down(WhenDown::Open));
    let calls = || async {
        for _ in 0..20 {
            let charge = node.reserve(&limit, 10).await.unwrap();
            node.settle(charge, 5);
        }
    };
    calls().await;
    server.kill();
    node.until("it is down", |store| !store.is_up()).await;
    calls().await;
    server.restart().await;
    node.until("it is up", RedisStore::is_up).await;
    node.settled().await;
    calls().await;
    let lines = lines.0.lock().unwrap().clone();
    let levels: Vec<_> = lines.iter().map(|(level, _)| *level).collect();
    assert_eq!(levels, [Level::INFO, Level::WARN, Level::INFO, Level::WARN], "{lines:?}");
    assert!(lines[3].1.contains("it was emptied"), "it has nothing on its disk: {lines:?}");
    assert!(lines.iter().all(|(_, text)| text.contains("store=\"test\"")), "{lines:?}");
}
