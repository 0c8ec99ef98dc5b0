//! Sessions that stay with one of a model's weighted targets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::support::fleet::Fleet;
use crate::support::{CHATS, Issuer, Launch, Reply, Upstream, eventually, wire};

/// Three model servers, any of which can be made to fail.
struct Trio {
    fleet: Fleet,
    failing: [Arc<AtomicBool>; 3],
    /// The file up to its models.
    head: String,
}

const NAMES: [&str; 3] = ["a", "b", "c"];

fn model(sticky: &str, weights: &[(&str, u32)]) -> String {
    let to: Vec<_> = weights
        .iter()
        .map(|(name, weight)| format!("{{ upstream = \"{name}\", weight = {weight} }}"))
        .collect();
    format!("[[model]]\nname = \"m\"\nsticky = \"{sticky}\"\nto = [{}]\n", to.join(", "))
}

fn equal() -> Vec<(&'static str, u32)> {
    NAMES.map(|name| (name, 1)).to_vec()
}

impl Trio {
    async fn start(model: &str) -> Self {
        let failing: [Arc<AtomicBool>; 3] = Default::default();
        let mut urls = Vec::new();
        for failing in &failing {
            let fails = Arc::clone(failing);
            let upstream = Upstream::with(move |seen| match fails.load(Ordering::SeqCst) {
                true => Reply::json(500, &json!({"error": {"message": "no"}})),
                false => wire::model(seen),
            });
            urls.push(upstream.await.url());
        }
        let settings = "breaker = false\ndialects = [\"openai\", \"anthropic\", \"ollama\"]";
        let upstreams: Vec<_> =
            NAMES.iter().zip(&urls).map(|(name, url)| (*name, &**url, settings)).collect();
        let issuer = Issuer::start().await;
        let head = Fleet::file(&issuer, &upstreams, "");
        let fleet = Fleet::launch(issuer, Launch::file(&format!("{head}{model}"))).await;
        Self { fleet, failing, head }
    }

    /// Where a call with these messages goes.
    async fn ask(&self, path: &str, messages: &[Value]) -> String {
        let mut body = json!({"model": "m", "messages": messages, "max_tokens": 64});
        if path == "/api/chat" {
            body["stream"] = json!(false);
        }
        let answer = self.fleet.post(path).json(&body).send().await.expect(200);
        let route = self.fleet.gateway.trail(&answer.id()).outcome()["model"]["upstream"].clone();
        route.as_str().unwrap().to_owned()
    }

    /// Where a conversation that begins so goes.
    async fn begin(&self, text: &str) -> String {
        self.ask(CHATS[0], &[json!({"role": "user", "content": text})]).await
    }

    /// Where each of thirty conversations goes.
    async fn thirty(&self) -> Vec<String> {
        let mut all = Vec::new();
        for n in 0..30 {
            all.push(self.begin(&format!("question {n}")).await);
        }
        all
    }

    fn fail(&self, name: &str, fails: bool) {
        let at = NAMES.iter().position(|known| *known == name).unwrap();
        self.failing[at].store(fails, Ordering::SeqCst);
    }

    async fn reload(&self, model: &str) {
        let told = || self.fleet.gateway.stderr.text().matches("configuration reloaded").count();
        let before = told();
        self.fleet.gateway.reload(&format!("{}{model}", self.head));
        eventually("the reload", || (told() > before).then_some(())).await;
    }
}

#[tokio::test]
async fn the_turns_of_a_conversation_go_to_one_target_in_every_dialect() {
    let trio = Trio::start(&model("conversation", &equal())).await;
    for path in CHATS {
        let mut used = std::collections::BTreeSet::new();
        for n in 0..8 {
            let mut messages = vec![json!({"role": "user", "content": format!("question {n}")})];
            let first = trio.ask(path, &messages).await;
            for turn in 0..3 {
                messages.push(json!({"role": "assistant", "content": "an answer"}));
                messages.push(json!({"role": "user", "content": format!("and {turn}?")}));
                assert_eq!(trio.ask(path, &messages).await, first, "{path}: conversation {n}, turn {turn}");
            }
            used.insert(first);
        }
        assert!(used.len() > 1, "{path}: all at {used:?}");
    }
}

#[tokio::test]
async fn a_session_goes_to_its_second_target_while_the_first_fails_and_then_back() {
    let trio = Trio::start(&model("conversation", &equal())).await;
    let mut tried = std::collections::BTreeSet::new();
    for n in 0..30 {
        let text = format!("question {n}");
        let first = trio.begin(&text).await;
        // Each only once: the budget of an upstream that fails is three calls.
        if !tried.insert(first.clone()) {
            continue;
        }
        trio.fail(&first, true);
        let second = trio.begin(&text).await;
        assert_ne!(second, first);
        assert_eq!(trio.begin(&text).await, second, "each time the same");
        trio.fail(&first, false);
        assert_eq!(trio.begin(&text).await, first);
    }
    assert_eq!(tried.len(), 3, "each has sessions");
}

#[tokio::test]
async fn another_list_of_targets_moves_no_session_that_it_need_not() {
    let trio = Trio::start(&model("conversation", &equal())).await;
    let before = trio.thirty().await;
    trio.reload(&model("conversation", &[("b", 1), ("a", 1)])).await;
    let without = trio.thirty().await;
    for (was, is) in before.iter().zip(&without) {
        assert!(was == is || was == "c", "{was} is {is}");
    }
    assert!(before.iter().any(|one| one == "c") && !without.iter().any(|one| one == "c"));
    trio.reload(&model("conversation", &[("a", 1), ("b", 9)])).await;
    let heavier = trio.thirty().await;
    for (was, is) in without.iter().zip(&heavier) {
        assert!(was == is || is == "b", "{was} is {is}");
    }
    trio.reload(&model("conversation", &equal())).await;
    assert_eq!(trio.thirty().await, before, "the same list is the same targets");
}

#[tokio::test]
async fn a_session_leads_nowhere_that_the_rules_do_not_allow() {
    let rule = "[[access.deny]]\nid = \"not-a\"\nlabels = { upstream = [\"a\"] }\n";
    let trio = Trio::start(&format!("{}{rule}", model("conversation", &equal()))).await;
    let all = trio.thirty().await;
    assert!(!all.iter().any(|one| one == "a"), "{all:?}");
    let b = all.iter().filter(|one| *one == "b").count();
    assert!((1..30).contains(&b), "{all:?}");
}

#[tokio::test]
async fn a_header_names_the_session_and_without_one_the_conversation_does() {
    let trio = Trio::start(&model("header:X-Session-Id", &equal())).await;
    let mut homes = std::collections::BTreeSet::new();
    for session in 0..6 {
        let mut first = None;
        for n in 0..4 {
            let body = json!({"model": "m", "messages": [{"role": "user", "content": format!("{n}")}]});
            let call = trio.fleet.post(CHATS[0]).header("x-session-id", &format!("s{session}")).json(&body);
            let answer = call.send().await.expect(200);
            let at = trio.fleet.gateway.trail(&answer.id()).outcome()["model"]["upstream"].to_string();
            assert_eq!(*first.get_or_insert(at.clone()), at, "session {session}, question {n}");
        }
        homes.extend(first);
    }
    assert!(homes.len() > 1, "{homes:?}");
    let once = trio.begin("hello").await;
    assert_eq!(trio.begin("hello").await, once);
}

#[tokio::test]
async fn explain_says_where_a_callers_calls_go() {
    let model = model("caller", &equal());
    let trio = Trio::start(&model).await;
    let file = trio.fleet.gateway.write("explained.toml", &format!("{}{model}", trio.head));
    let file = file.display().to_string();
    let words = ["explain", "--token-env", "THE_TOKEN", "--model", "m", "--config", &file];
    let token = trio.fleet.token();
    let explained = Launch::bare().arguments(&words).set("THE_TOKEN", token).run().await;
    let first = trio.begin("hello").await;
    let line = format!("sticky by caller: to {first} as m, else ");
    assert!(explained.ok && explained.stdout.contains(&line), "{}{}", explained.stdout, explained.stderr);
    assert_eq!(trio.thirty().await, vec![first; 30]);
}
