//! Upstreams that are asked, between calls, whether they do their work.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::sync::Notify;

use crate::support::fleet::{BOTH, Fleet, ONE};
use crate::support::{
    CHATS, Issuer, Launch, Reply, Seen, Step, TempDir, Upstream, eventually, streamed, wire,
};

const OFTEN: &str = "probe = { path = \"/health\", every = \"100ms\", timeout = \"5s\" }";

const LEFT_ALONE: &str = "the upstream is called only where there is no other";
const AS_BEFORE: &str = "the upstream is called as before";

/// A model server that answers every call, and probes with what it is told to; with 0 never.
struct Patient {
    upstream: Upstream,
    status: Arc<AtomicU16>,
    probes: Arc<Mutex<Vec<Seen>>>,
}

impl Patient {
    async fn with(status: u16, call: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let (status, probes) = (Arc::new(AtomicU16::new(status)), Arc::<Mutex<Vec<Seen>>>::default());
        let (now, kept) = (Arc::clone(&status), Arc::clone(&probes));
        let upstream = Upstream::with(move |seen| {
            if seen.method != "GET" {
                return call(seen);
            }
            kept.lock().unwrap().push(seen.clone());
            match now.load(Ordering::SeqCst) {
                0 => Reply::never(),
                status => Reply::json(status, &json!({"status": status})),
            }
        })
        .await;
        Self { upstream, status, probes }
    }

    async fn says(status: u16) -> Self {
        Self::with(status, wire::model).await
    }

    fn say(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    fn url(&self) -> String {
        self.upstream.url()
    }

    fn probes(&self) -> usize {
        self.probes.lock().unwrap().len()
    }

    /// Waits for so many more probes; the last of them.
    async fn more(&self, n: usize) -> Seen {
        let before = self.probes();
        eventually("more probes", || (self.probes() >= before + n).then_some(())).await;
        self.probes.lock().unwrap().last().cloned().unwrap()
    }
}

/// Where alice's call went, and how many were asked.
async fn route(fleet: &Fleet) -> (String, u64) {
    let answer = fleet.chat("m").send().await.expect(200);
    let model = fleet.gateway.trail(&answer.id()).outcome()["model"].clone();
    (model["upstream"].as_str().unwrap().to_owned(), model["attempts"].as_u64().unwrap())
}

fn to(name: &str) -> (String, u64) {
    (name.to_owned(), 1)
}

#[tokio::test]
async fn an_upstream_whose_probes_fail_is_not_called_while_there_is_another_and_comes_back() {
    let (a, b) = (Patient::says(200).await, Upstream::model().await);
    let fleet = Fleet::start(&[("a", &a.url(), OFTEN), ("b", &b.url(), "")], BOTH).await;
    a.more(2).await;
    assert_eq!(route(&fleet).await, to("a"));
    assert_eq!(fleet.metric("attach_upstream_probe_healthy", "\"a\"").await, 1.0);
    a.say(503);
    let line = fleet.gateway.stderr.line(LEFT_ALONE).await;
    assert!(line.contains("503") && line.contains("\"a\""), "{line}");
    assert_eq!(route(&fleet).await, to("b"));
    assert_eq!(fleet.metric("attach_upstream_probe_healthy", "\"a\"").await, 0.0);
    assert_eq!(fleet.metric("attach_upstream_skipped_total", "\"down\"").await, 1.0);
    assert!(fleet.metric("attach_upstream_probes_total", "\"failed\"").await >= 3.0);
    a.say(200);
    fleet.gateway.stderr.line(AS_BEFORE).await;
    assert_eq!(route(&fleet).await, to("a"));
    assert_eq!(fleet.metric("attach_upstream_probe_healthy", "\"a\"").await, 1.0);
    assert_eq!(fleet.metric("attach_upstream_probe_healthy", "\"b\"").await, 0.0, "it is not probed");
    let text = fleet.gateway.stderr.text();
    assert_eq!(
        (text.matches(LEFT_ALONE).count(), text.matches(AS_BEFORE).count()),
        (1, 1),
        "one line a change"
    );
}

#[tokio::test]
async fn where_all_are_down_the_call_is_tried_all_the_same_and_the_gateway_stays_ready() {
    let a = Patient::says(500).await;
    let fleet = Fleet::start(&[("a", &a.url(), OFTEN)], ONE).await;
    fleet.gateway.stderr.line(LEFT_ALONE).await;
    assert_eq!(route(&fleet).await, to("a"));
    assert_eq!(fleet.metric("attach_upstream_skipped_total", "\"down\"").await, 0.0);
    fleet.gateway.get("/readyz").send().await.expect(200);
}

#[tokio::test]
async fn one_that_is_down_is_not_asked_after_another_one_that_failed() {
    let a = Patient::says(500).await;
    let b = Upstream::with(|_| Reply::json(500, &json!({"error": {"message": "said b"}}))).await;
    let fleet = Fleet::start(&[("a", &a.url(), OFTEN), ("b", &b.url(), "")], BOTH).await;
    fleet.gateway.stderr.line(LEFT_ALONE).await;
    let answer = fleet.chat("m").send().await.expect(500);
    assert!(answer.text().contains("said b"), "{}", answer.text());
    assert_eq!(a.upstream.seen().len(), 0);
}

#[tokio::test]
async fn a_probe_without_an_answer_in_time_has_failed() {
    let (a, b) = (Patient::says(0).await, Upstream::model().await);
    let settings = "probe = { every = \"100ms\", timeout = \"100ms\", unhealthy_after = 2 }";
    let fleet = Fleet::start(&[("a", &a.url(), settings), ("b", &b.url(), "")], BOTH).await;
    let line = fleet.gateway.stderr.line(LEFT_ALONE).await;
    assert!(line.contains("no answer in time"), "{line}");
    assert_eq!(route(&fleet).await, to("b"));
}

#[tokio::test]
async fn a_probe_that_is_refused_says_that_somebody_answers() {
    let (a, b) = (Patient::says(401).await, Upstream::model().await);
    let fleet = Fleet::start(&[("a", &a.url(), OFTEN), ("b", &b.url(), "")], BOTH).await;
    let line = fleet.gateway.stderr.line("the probe was refused").await;
    assert!(line.contains("401"), "{line}");
    a.more(5).await;
    assert_eq!(route(&fleet).await, to("a"));
    let text = fleet.gateway.stderr.text();
    assert_eq!((text.matches("the probe was refused").count(), text.matches(LEFT_ALONE).count()), (1, 0));
}

#[tokio::test]
async fn a_probe_is_nobodys_call_and_shows_the_key_only_where_it_must() {
    let folder = TempDir::new();
    let key = folder.write("key", "a-key-of-the-upstream\n");
    for (probe, path, shown) in [
        ("probe = { every = \"100ms\" }", "/v1/models", true),
        ("probe = { every = \"100ms\", credential = false }", "/v1/models", false),
        ("probe = { every = \"100ms\", path = \"/health?a=b\" }", "/health?a=b", false),
        ("probe = { every = \"100ms\", path = \"/health\", credential = true }", "/health", true),
    ] {
        let a = Patient::says(200).await;
        let settings = format!("key = {{ file = {key:?} }}\nidentity_headers = \"full\"\n{probe}");
        let fleet = Fleet::start(&[("a", &a.url(), &settings)], ONE).await;
        fleet.chat("m").send().await.expect(200);
        let seen = a.more(2).await;
        let headers: Vec<&str> = seen.headers.iter().map(|(name, _)| &**name).collect();
        assert_eq!((&*seen.method, &*seen.path), ("GET", path), "{headers:?}");
        let key = shown.then_some("Bearer a-key-of-the-upstream");
        assert_eq!(seen.header("authorization"), key, "{probe}");
        let known = ["host", "accept", "accept-encoding", "user-agent", "authorization"];
        assert!(headers.iter().all(|name| known.contains(name)), "{headers:?}");
        let intents = fleet.gateway.records().iter().filter(|record| record["kind"] == "intent").count();
        assert_eq!(intents, 1, "the call's");
        assert_eq!(fleet.metric("attach_upstream_attempts_total", "\"a\"").await, 1.0);
    }
}

#[tokio::test]
async fn what_a_probe_said_outlives_a_reload_and_no_probe_outlives_its_upstream() {
    let told = Arc::new(Notify::new());
    let end = Arc::clone(&told);
    let a = Patient::with(200, move |_| {
        let event = |text: &str| wire::openai::chat_chunk("m", &json!({"content": text}), &json!(null));
        let last = wire::openai::chat_chunk("m", &json!({}), &json!("stop")) + "data: [DONE]\n\n";
        let steps =
            vec![Step::Send(event("one").into()), Step::Await(Arc::clone(&end)), Step::Send(last.into())];
        Reply::stream("text/event-stream", steps)
    })
    .await;
    let b = Patient::says(200).await;
    let issuer = Issuer::start().await;
    let (of_a, of_b) = (a.url(), b.url());
    let both = [("a", &*of_a, OFTEN), ("b", &*of_b, OFTEN)];
    let first = Fleet::file(&issuer, &both, BOTH);
    let mask = "[redact]\ndefault = \"mask\"\n";
    let masked = Fleet::file(&issuer, &both, &format!("{BOTH}{mask}"));
    let without = Fleet::file(&issuer, &both[1..], &format!("[[model]]\nname = \"m\"\nto = [\"b\"]\n{mask}"));
    let fleet = Fleet::launch(issuer, Launch::file(&first)).await;
    // A stream keeps the old configuration's upstream until it ends.
    let mut stream = fleet.post(CHATS[0]).json(&streamed(CHATS[0], "m", "hello")).stream().await;
    stream.until("one").await;
    a.say(503);
    fleet.gateway.stderr.line(LEFT_ALONE).await;
    fleet.gateway.reload(&masked);
    fleet.gateway.stderr.line("configuration reloaded").await;
    assert_eq!(route(&fleet).await, to("b"), "it is not forgotten");
    a.more(2).await;
    fleet.gateway.reload(&without);
    eventually("the second reload", || {
        (fleet.gateway.stderr.text().matches("configuration reloaded").count() == 2).then_some(())
    })
    .await;
    b.more(2).await;
    let before = a.probes();
    b.more(10).await;
    assert_eq!(a.probes(), before, "nobody asks one that is gone");
    let text = fleet.gateway.stderr.text();
    assert_eq!((text.matches(LEFT_ALONE).count(), text.matches(AS_BEFORE).count()), (1, 0), "{text}");
    assert!(fleet.metric("attach_upstream_probes_total", "\"b\"").await > 10.0);
    assert_eq!(fleet.metric("attach_upstream_probes_total", "\"a\"").await, 0.0, "it is gone from there too");
    told.notify_one();
    drop(stream);
}
