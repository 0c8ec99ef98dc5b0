//! A store that takes its time, and one that has to know every reservation again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use attach_quota::store::{Charge, Denied, Flushed, MemoryStore, Reserving, Settling};
use attach_quota::{Rate, Store};
use http_body_util::BodyExt;
use tokio::sync::Semaphore;

use super::*;

/// Answers the first question at once, and the others when somebody lets it.
#[derive(Clone)]
struct Slow {
    ledger: Ledger,
    asked: Arc<AtomicUsize>,
    answers: Arc<Semaphore>,
    down: bool,
}

impl Slow {
    fn new() -> Self {
        let answers = Arc::new(Semaphore::new(0));
        Self { ledger: Ledger::default(), asked: Arc::default(), answers, down: false }
    }

    /// Waits until it was asked so often.
    async fn until_asked(&self, times: usize) {
        let waiting = async {
            while self.asked.load(Ordering::SeqCst) < times {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("the store is asked");
    }
}

impl Store for Slow {
    fn reserve<'a>(&'a self, charges: &'a mut [Charge]) -> Reserving<'a> {
        let first = self.asked.fetch_add(1, Ordering::SeqCst) == 0;
        Reserving::later(async move {
            if !first {
                self.answers.acquire().await.unwrap().forget();
                if self.down {
                    return Err(Denied::Unavailable);
                }
            }
            self.ledger.reserve(charges).await
        })
    }

    fn settle(&self, charges: &[Charge], settling: Settling) {
        self.ledger.settle(charges, settling);
    }
}

/// A server whose stream is written by hand.
async fn by_hand(store: impl Store) -> (std::net::SocketAddr, Writer) {
    let (writer, body) = stream();
    let body = Arc::new(Mutex::new(Some(body)));
    let addr = serve_layer(layer(vec![limit()], store), move |_| {
        let body = body.lock().unwrap().take();
        async { body.map_or_else(|| json("{}"), |body| typed(SSE, body)) }
    })
    .await;
    (addr, writer)
}

/// Reads so many words more.
async fn read(answer: &mut Answer, many: u64) -> String {
    let mut text = String::new();
    while words(&text) < many {
        let frame = answer.body_mut().frame().await.expect("it goes on").unwrap();
        text += std::str::from_utf8(&frame.into_data().unwrap()).unwrap();
    }
    text
}

#[tokio::test]
async fn a_stream_is_not_held_up_by_a_store_that_is_asked() {
    let store = Slow::new();
    let (addr, writer) = by_hand(store.clone()).await;
    let server = Server { addr, ledger: store.ledger.clone() };
    let mut answer = server.post(CHAT, HELLO).await;
    for _ in 0..500 {
        writer.send(&chunk("word"));
    }
    read(&mut answer, 500).await;
    store.until_asked(2).await;
    assert_eq!(store.asked.load(Ordering::SeqCst), 2, "one question at a time");
    assert_eq!(server.tokens(), RESERVED);
    drop((answer, writer));
}

#[tokio::test]
async fn an_idle_stream_ends_when_the_late_answer_is_no() {
    let store = Slow::new();
    let (addr, writer) = by_hand(store.clone()).await;
    let server = Server { addr, ledger: store.ledger.clone() };
    let mut answer = server.post(CHAT, HELLO).await;
    for _ in 0..700 {
        writer.send(&chunk("word"));
    }
    read(&mut answer, 700).await;
    store.until_asked(2).await;
    // Nothing is written from here on.
    store.answers.add_permits(10);
    let rest = tokio::time::timeout(Duration::from_secs(30), text(answer)).await.expect("it ends");
    assert_cut(&(chunk("word") + &rest), "tpm");
    assert_eq!(server.tokens(), INPUT + 700, "what passed while the store was asked is charged");
    drop(writer);
}

#[tokio::test]
async fn an_idle_stream_that_is_within_what_it_booked_stays() {
    let store = Slow::new();
    store.answers.add_permits(100);
    let (addr, writer) = by_hand(store.clone()).await;
    let server = Server { addr, ledger: store.ledger.clone() };
    let mut answer = server.post(CHAT, HELLO).await;
    for _ in 0..580 {
        writer.send(&chunk("word"));
    }
    read(&mut answer, 580).await;
    // Another call finds nothing left, and the first goes on: eleven are booked and not used.
    server.ledger.until_tokens(600).await;
    assert_eq!(server.status(CHAT, HELLO).await, 429);
    let idle = tokio::time::timeout(Duration::from_millis(50), answer.body_mut().frame());
    assert!(idle.await.is_err(), "nothing is said");
    for _ in 0..100 {
        writer.send(&chunk("word"));
    }
    let rest = text(answer).await;
    assert_cut(&rest, "tpm");
    assert!((600..=600 + BOUND).contains(&server.tokens()), "{}", server.tokens());
}

#[tokio::test]
async fn a_client_that_leaves_while_the_store_is_asked_pays_for_what_was_streamed() {
    let store = Slow::new();
    let (addr, writer) = by_hand(store.clone()).await;
    let server = Server { addr, ledger: store.ledger.clone() };
    let mut answer = server.post(CHAT, HELLO).await;
    for _ in 0..400 {
        writer.send(&chunk("word"));
    }
    read(&mut answer, 400).await;
    store.until_asked(2).await;
    drop(answer);
    server.ledger.until_tokens(INPUT + 400).await;
    store.answers.add_permits(10);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(server.tokens(), INPUT + 400, "what is granted after the end is not booked");
}

#[tokio::test]
async fn a_stream_that_ends_while_the_store_is_asked_is_charged_as_reported() {
    let store = Slow::new();
    let (addr, writer) = by_hand(store.clone()).await;
    let server = Server { addr, ledger: store.ledger.clone() };
    let mut answer = server.post(CHAT, HELLO).await;
    for _ in 0..400 {
        writer.send(&chunk("word"));
    }
    read(&mut answer, 400).await;
    store.until_asked(2).await;
    writer.send(
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":410}}\n\ndata: [DONE]\n\n",
    );
    drop(writer);
    text(answer).await;
    store.answers.add_permits(10);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(server.tokens(), 430);
}

#[tokio::test]
async fn a_stream_ends_where_its_store_cannot_be_asked_and_nothing_is_booked_any_more() {
    let store = Slow { down: true, ..Slow::new() };
    store.answers.add_permits(10_000);
    let addr = serve_layer(layer(vec![limit()], store.clone()), |_| async { talk(3000) }).await;
    let server = Server { addr, ledger: store.ledger.clone() };
    let text = text(server.post(CHAT, HELLO).await).await;
    let events = events(&text);
    let last = &events[events.len() - 2];
    assert_eq!(
        (&last["choices"][0]["finish_reason"], &last["attach"]["code"]),
        (&"length".into(), &"quota_unavailable".into())
    );
    assert!((RESERVED..=RESERVED + BOUND).contains(&(INPUT + words(&text))), "{}", words(&text));
}

/// Takes until it is told to make durable what it was told.
#[derive(Clone)]
struct Durable {
    ledger: Ledger,
    written: Arc<Semaphore>,
}

impl Store for Durable {
    fn reserve<'a>(&'a self, charges: &'a mut [Charge]) -> Reserving<'a> {
        self.ledger.reserve(charges)
    }

    fn settle(&self, charges: &[Charge], settling: Settling) {
        self.ledger.settle(charges, settling);
    }

    fn flushed(&self) -> Option<Flushed> {
        let written = Arc::clone(&self.written);
        Some(Box::pin(async move { written.acquire().await.unwrap().forget() }))
    }
}

#[tokio::test]
async fn the_end_is_not_seen_before_what_was_used_is_durable() {
    let store = Durable { ledger: Ledger::default(), written: Arc::new(Semaphore::new(0)) };
    let addr = serve_layer(layer(vec![limit()], store.clone()), |_| async { talk(3000) }).await;
    let server = Server { addr, ledger: store.ledger.clone() };
    let mut answer = server.post(CHAT, HELLO).await;
    let seen = read(&mut answer, 560).await;
    let more = async { while answer.body_mut().frame().await.is_some() {} };
    assert!(tokio::time::timeout(Duration::from_millis(100), more).await.is_err(), "it has not ended");
    assert!(server.tokens() >= 600, "it is booked");
    store.written.add_permits(10);
    assert!(!seen.contains("length"));
    let rest = tokio::time::timeout(Duration::from_secs(30), text(answer)).await.expect("it ends");
    assert_cut(&(chunk("word") + &rest), "tpm");
}

/// Knows every reservation by a mark of its own.
#[derive(Clone, Default)]
struct Marked(Arc<Marks>);

#[derive(Default)]
struct Marks {
    memory: Frozen,
    next: AtomicU64,
    open: Mutex<HashMap<u64, u64>>,
    settled: AtomicU64,
    /// What no store should be told.
    faults: Mutex<Vec<String>>,
}

struct Frozen(MemoryStore);

impl Default for Frozen {
    fn default() -> Self {
        Self(MemoryStore::on(|| Duration::ZERO))
    }
}

impl Store for Marked {
    fn reserve<'a>(&'a self, charges: &'a mut [Charge]) -> Reserving<'a> {
        Reserving::later(async move {
            tokio::task::yield_now().await;
            self.0.memory.0.reserve(charges).await?;
            for charge in charges {
                charge.set_mark(self.0.next.fetch_add(1, Ordering::SeqCst) + 1);
                self.0.open.lock().unwrap().insert(charge.mark(), charge.reserved());
            }
            Ok(())
        })
    }

    fn settle(&self, charges: &[Charge], settling: Settling) {
        self.0.memory.0.settle(charges, settling);
        let mut open = self.0.open.lock().unwrap();
        for charge in charges {
            if open.insert(charge.mark(), charge.spent()) != Some(charge.reserved()) {
                self.0.faults.lock().unwrap().push(format!("{charge:?}"));
            }
            if settling == Settling::Last {
                open.remove(&charge.mark());
                self.0.settled.fetch_add(charge.spent(), Ordering::SeqCst);
            }
        }
    }
}

impl Marked {
    /// What is charged once nothing is open any more.
    async fn settled(&self) -> u64 {
        let waiting = async {
            while !self.0.open.lock().unwrap().is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("everything is settled");
        assert!(self.0.faults.lock().unwrap().is_empty(), "{:?}", self.0.faults);
        self.0.settled.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn every_further_reservation_is_settled_once_however_the_stream_ends() {
    const LIMIT: u64 = 20_000;
    let store = Marked::default();
    let limits = vec![Limit::tokens("tpm", Rate::per_minute(LIMIT)).action(Action::Cut)];
    let addr = serve_layer(layer(limits, store.clone()), |_| async { talk(4000) }).await;
    let server = Server { addr, ledger: Ledger::default() };
    let mut before = 0;
    for round in 0..12 {
        let mut answer = server.post(CHAT, HELLO).await;
        if answer.status() != 200 {
            break;
        }
        let left: u64 = answer.headers()["x-ratelimit-remaining-tokens"].to_str().unwrap().parse().unwrap();
        assert_eq!(left, LIMIT - before - RESERVED, "the bucket is what was settled");
        let seen = words(&read(&mut answer, round * 190).await);
        drop(answer);
        let after = store.settled().await;
        assert!(after - before >= INPUT + seen, "{after} after {before} and {seen}");
        assert!(after <= LIMIT + BOUND);
        before = after;
    }
    let last = text(server.post(CHAT, HELLO).await).await;
    if words(&last) > 0 {
        assert_cut(&last, "tpm");
    }
    assert!(store.settled().await <= LIMIT + BOUND);
}
