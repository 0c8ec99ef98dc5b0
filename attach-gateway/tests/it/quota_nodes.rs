//! Counts that nodes share or that outlive them, and limits that end what runs, through the binary.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};

use crate::support::tools::Redis;
use crate::support::wire::openai::chat_chunk;
use crate::support::{
    CHATS, Gateway, Issuer, Launch, Reply, Response, Seen, Step, Upstream, World, events, eventually,
    question, streamed, wire,
};

const CHAT: &str = CHATS[0];

fn file(issuer: &Issuer, upstream: &Upstream, rest: &str) -> String {
    format!(
        r#"
        [[issuer]]
        issuer = "{}"
        audience = ["api://attach-test"]
        [[upstream]]
        name = "one"
        kind = "openai"
        url = "{}"
        [access]
        default = "allow"
        {rest}
        "#,
        issuer.url(),
        upstream.url()
    )
}

/// What an answer reports to have used: a little less than was reserved for it.
const USED: u64 = 90;

fn used(_: &Seen) -> Reply {
    let said = wire::Said { model: "gpt-4o".into(), text: "hello".into(), usage: true };
    let mut answer = wire::openai::chat(&said);
    answer["usage"] = json!({"prompt_tokens": 5, "completion_tokens": 85, "total_tokens": USED});
    Reply::json(200, &answer)
}

/// A piece of a streamed answer: one token.
fn word() -> String {
    chat_chunk("gpt-4o", &json!({"content": "word"}), &Value::Null)
}

/// Gateways on one Redis, or `None` without one.
struct Nodes {
    gateways: Vec<Gateway>,
    issuer: Issuer,
    upstream: Upstream,
    redis: Redis,
}

impl Nodes {
    /// A busy machine is no reason to count alone: they wait long for the counts.
    async fn start(many: usize, quota: &str) -> Option<Self> {
        Self::waiting("20s", many, quota).await
    }

    async fn waiting(deadline: &str, many: usize, quota: &str) -> Option<Self> {
        let redis = Redis::start().await?;
        let (issuer, upstream) = (Issuer::start().await, Upstream::with(used).await);
        let text = file(
            &issuer,
            &upstream,
            &format!(
                "[state]\nquota_redis = {{ env = \"COUNTS\" }}\nquota_deadline = \"{deadline}\"\n{quota}"
            ),
        );
        let mut gateways = Vec::new();
        for _ in 0..many {
            gateways.push(Launch::file(&text).set("COUNTS", &redis.url()).start().await);
        }
        Some(Self { gateways, issuer, upstream, redis })
    }

    async fn ask(&self, node: usize) -> Response {
        let gateway = &self.gateways[node % self.gateways.len()];
        let mut body = question(CHAT, "gpt-4o", "hi");
        body["max_tokens"] = json!(90);
        gateway.post(CHAT).bearer(&self.issuer.token("alice", &[])).json(&body).send().await
    }

    /// Asks so often at once, of all nodes in turn; how many passed.
    async fn ask_all(&self, times: usize) -> usize {
        let calls = (0..times).map(|number| self.ask(number));
        let answers = futures_of(calls).await;
        for answer in &answers {
            assert!([200, 429].contains(&answer.status), "{answer:?}");
        }
        answers.iter().filter(|answer| answer.status == 200).count()
    }
}

/// Until it is so: with a short deadline a busy machine needs more than one try.
async fn eventually_ok(mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < Duration::from_secs(60), "waited in vain");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// All of them at once.
async fn futures_of<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|cx| {
        for (future, done) in running.iter_mut().filter(|(_, done)| done.is_none()) {
            if let std::task::Poll::Ready(output) = future.as_mut().poll(cx) {
                *done = Some(output);
            }
        }
        match running.iter().all(|(_, done)| done.is_some()) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    running.into_iter().filter_map(|(_, done)| done).collect()
}

#[tokio::test]
async fn four_gateways_let_pass_what_one_would() {
    let Some(nodes) = Nodes::start(4, "[[quota]]\nid = \"calls\"\nrequests = \"60/h\"").await else { return };
    assert_eq!(nodes.ask_all(160).await, 60);
    assert_eq!(nodes.upstream.seen().len(), 60);
}

#[tokio::test]
async fn three_gateways_stay_within_a_limit_on_tokens_and_settle_to_the_last() {
    let quota = "[[quota]]\nid = \"day\"\ntokens = \"5000/day\"";
    let Some(nodes) = Nodes::start(3, quota).await else { return };
    let mut passed = nodes.ask_all(120).await;
    // What was set aside and not used is there for the next.
    passed += nodes.ask_all(120).await;
    let tokens = passed as u64 * USED;
    assert!((4900..=5000).contains(&tokens), "{tokens} of 5000");
    for node in 0..3 {
        let me = nodes.gateways[node].get("/v1/attach/me").bearer(&nodes.issuer.token("alice", &[]));
        let me = me.send().await.expect(200).json();
        assert_eq!(me["limits"][0]["used"], json!(tokens), "{me}");
    }
}

#[tokio::test]
async fn while_the_counts_are_lost_each_limit_does_as_it_was_told_and_no_request_waits() {
    let quotas = r#"
        [[quota]]
        id = "free"
        requests = "1000/h"
        when_store_down = "open"
        models = ["open-model"]
        [[quota]]
        id = "held"
        requests = "1000/h"
        when_store_down = "closed"
        models = ["closed-model"]
    "#;
    let Some(nodes) = Nodes::waiting("200ms", 1, quotas).await else { return };
    let ask = async |model: &str| {
        let body = question(CHAT, model, "hi");
        let call = nodes.gateways[0].post(CHAT).bearer(&nodes.issuer.token("alice", &[]));
        call.json(&body).send().await
    };
    eventually_ok(async || ask("closed-model").await.status == 200).await;
    nodes.redis.command("SHUTDOWN NOSAVE").await;
    let start = Instant::now();
    for _ in 0..20 {
        ask("open-model").await.expect(200);
        let refused = ask("closed-model").await.expect(503);
        assert_eq!(refused.code(), "quota_unavailable");
    }
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_budget_outlives_the_gateway() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::with(used).await);
    let state = crate::support::TempDir::new();
    let place = state.path().join("kept").display().to_string();
    let text = file(
        &issuer,
        &upstream,
        &format!("[state]\ndir = \"{place}\"\n[[quota]]\nid = \"month\"\ntokens = \"900/month\""),
    );
    let mut passed = 0;
    for _ in 0..3 {
        let mut gateway = Launch::file(&text).start().await;
        for _ in 0..4 {
            let mut body = question(CHAT, "gpt-4o", "hi");
            body["max_tokens"] = json!(85);
            let call = gateway.post(CHAT).bearer(&issuer.token("alice", &[]));
            passed += usize::from(call.json(&body).send().await.status == 200);
        }
        gateway.terminate();
        gateway.ended().await;
    }
    assert_eq!(passed, 10, "of 90 tokens each");
}

#[tokio::test]
async fn a_limit_that_cuts_ends_a_stream_within_this_request_and_it_is_on_record() {
    let upstream = Upstream::with(|_| {
        let chunk = |_| Step::Send(Bytes::from(word()));
        let steps = (0..400).map(chunk).chain([Step::Hang]);
        Reply::stream("text/event-stream", steps.collect())
    })
    .await;
    let issuer = Issuer::start().await;
    let text = file(&issuer, &upstream, "[[quota]]\nid = \"cap\"\ntokens = \"100/h\"\naction = \"cut\"");
    let gateway = Launch::file(&text).start().await;
    let body = streamed(CHAT, "gpt-4o", "hi");
    let call = gateway.post(CHAT).bearer(&issuer.token("alice", &[]));
    let answer = call.json(&body).send().await.expect(200);
    let events = events(&answer.text());
    let last: &Value = events.iter().rev().find(|event| event.is_object()).expect("an event");
    assert_eq!(last["choices"][0]["finish_reason"], "length", "{last}");
    assert_eq!(last["attach"]["limit"], "cap");
    assert!(answer.text().ends_with("data: [DONE]\n\n"));
    assert!(events.len() < 160, "{} chunks of 100 tokens", events.len());
    let outcome = gateway.finished(&answer.id()).await.outcome().clone();
    assert_eq!((&outcome["end"], &outcome["quota"]["key"]), (&json!("cut"), &json!("cap")));
}

#[tokio::test]
async fn a_budget_that_comes_to_its_end_is_told_once_and_signed() {
    let told: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let notes = Arc::clone(&told);
    let receiver = Upstream::with(move |seen| {
        notes.lock().unwrap().push(seen.clone());
        Reply::json(200, &json!({}))
    })
    .await;
    let rest = r#"
        [alerts]
        url = { env = "HOOK" }
        key = { env = "HOOK_KEY" }
        quota_used = [50, 100]
        [[quota]]
        id = "day"
        tokens = "400/day"
    "#;
    let (issuer, upstream) = (Issuer::start().await, Upstream::with(used).await);
    let launch = Launch::file(&file(&issuer, &upstream, rest));
    let hook = format!("{}/hook?token=hunter2", receiver.url());
    let gateway = launch.set("HOOK", &hook).set("HOOK_KEY", "whsec_c2VjcmV0").start().await;
    for _ in 0..6 {
        let mut body = question(CHAT, "gpt-4o", "hi");
        body["max_tokens"] = json!(90);
        gateway.post(CHAT).bearer(&issuer.token("alice", &[])).json(&body).send().await;
    }
    eventually("two messages", || (told.lock().unwrap().len() >= 2).then_some(())).await;
    let told = told.lock().unwrap();
    let shares: Vec<_> = told.iter().map(|seen| seen.json()["data"]["percent"].clone()).collect();
    assert_eq!(shares, [50, 100]);
    let data = &told[0].json()["data"];
    assert_eq!((&data["limit"], &data["id"], &data["amount"]), (&json!("day"), &json!("alice"), &json!(400)));
    for seen in told.iter() {
        assert!(seen.header("webhook-signature").unwrap().starts_with("v1,"));
        assert!(seen.header("webhook-id").is_some() && seen.header("webhook-timestamp").is_some());
    }
    assert!(!gateway.stderr.text().contains("hunter2"));
}

#[tokio::test]
async fn what_was_charged_is_on_record_although_the_upstream_said_nothing() {
    let upstream =
        Upstream::with(|_| Reply::events("text/event-stream", [word(), "data: [DONE]\n\n".to_owned()])).await;
    let world = World::with(upstream, |launch| launch.set("MAX_TOKENS_PER_MIN", "60000")).await;
    let answer = world.post(CHAT).json(&streamed(CHAT, "gpt-4o", "hello there")).send().await.expect(200);
    let usage = world.gateway.finished(&answer.id()).await.outcome()["usage"].clone();
    assert!(usage["input_tokens"].as_u64().unwrap() > 0, "{usage}");
    assert_eq!((&usage["output_tokens"], &usage["source"]), (&json!(1), &json!("estimated")));
}
