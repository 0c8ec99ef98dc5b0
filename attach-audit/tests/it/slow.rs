//! A disk that is slow, but works: nobody is refused, the groups grow.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use attach_audit::Audit;
use attach_audit::log::{Disk, Log, Options, Segment, Storage};
use axum::Router;
use axum::routing::post;

use crate::support::{Dir, Wire, kinds, serve};

/// A disk that takes 50 ms for each sync, and counts them.
struct Slow<T>(T, Arc<AtomicUsize>);

impl Storage for Slow<Disk> {
    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }
    fn read(&self, name: &str) -> io::Result<Box<dyn Read>> {
        self.0.read(name)
    }
    fn create(&self, name: &str) -> io::Result<Box<dyn Segment>> {
        Ok(Box::new(Slow(self.0.create(name)?, Arc::clone(&self.1))))
    }
    fn remove(&self, name: &str) {
        self.0.remove(name);
    }
}

impl Segment for Slow<Box<dyn Segment>> {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.append(bytes)
    }
    fn sync(&mut self) -> io::Result<()> {
        std::thread::sleep(Duration::from_millis(50));
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.sync()
    }
}

#[tokio::test]
async fn a_slow_disk_delays_answers_and_refuses_none() {
    const CLIENTS: usize = 64;
    let (dir, syncs) = (Dir::new(), Arc::<AtomicUsize>::default());
    let storage = Slow(Disk::open(dir.path()).expect("a directory"), Arc::clone(&syncs));
    let options = Options::new("n").patience(Duration::from_secs(60));
    let audit = Audit::new(Log::open_on(storage, options).expect("it opens"));
    let router = Router::new().route("/work", post(async || "done"));
    let addr = serve(router.layer(audit.intent_layer()).layer(audit.layer())).await;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| tokio::spawn(async move { Wire::post(addr, "/work").await.until("done").await.to_owned() }))
        .collect();
    for client in clients {
        assert!(client.await.expect("no panic").starts_with("HTTP/1.1 200"));
    }
    audit.close().await;
    let records = dir.records();
    let outcomes = kinds(&records).into_iter().filter(|kind| *kind == "outcome").count();
    assert_eq!(outcomes, CLIENTS);
    let syncs = syncs.load(Ordering::SeqCst);
    assert!(syncs < CLIENTS, "{syncs} syncs for {} records", records.len());
}
