//! The point of it all: another provider behind a name, and the clients that use the name notice nothing.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::support::fleet::Fleet;
use crate::support::tools::{kept, python};
use crate::support::{CHATS, Issuer, Launch, Reply, Seen, Upstream, answer_text, eventually, streamed, wire};

/// A provider that says who it is, and knows its own model only.
async fn provider(model: &'static str) -> Upstream {
    Upstream::with(move |seen: &Seen| {
        if seen.json()["model"] != model {
            return Reply::json(404, &serde_json::json!({"error": {"message": "no such model"}}));
        }
        let said =
            wire::Said { model: model.into(), text: format!("I am {model} at your service"), usage: true };
        if seen.path == "/v1/messages" {
            wire::anthropic::message_stream(&said, 3)
        } else {
            wire::openai::chat_stream(&said, 3)
        }
    })
    .await
}

struct Switch {
    a: Upstream,
    b: Upstream,
    issuer: Issuer,
}

impl Switch {
    async fn new() -> Self {
        Self { a: provider("alpha").await, b: provider("beta").await, issuer: Issuer::start().await }
    }

    fn text(&self, upstream: &str, model: &str) -> String {
        let models = format!(
            "[[model]]\nname = \"team-chat\"\nto = [{{ upstream = \"{upstream}\", model = \"{model}\" }}]\n"
        );
        // The second one speaks another interface.
        let upstreams = [("a", &*self.a.url(), ""), ("b", &*self.b.url(), "dialects = [\"anthropic\"]")];
        Fleet::file(&self.issuer, &upstreams, &models)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_of_the_provider_loses_no_stream() {
    let switch = Switch::new().await;
    let gateway = Launch::file(&switch.text("a", "alpha")).start().await;
    let (token, addr) = (switch.issuer.token("alice", &[]), gateway.addr);
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (token, stop, done) = (token.clone(), Arc::clone(&stop), Arc::clone(&done));
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let call = crate::support::Call::new(addr, "POST", CHATS[0]).bearer(&token);
                    let answer =
                        call.json(&streamed(CHATS[0], "team-chat", "hello")).send().await.expect(200).text();
                    assert!(answer.ends_with("data: [DONE]\n\n"), "{answer}");
                    let text = answer_text(&answer);
                    assert!(
                        text == "I am alpha at your service" || text == "I am beta at your service",
                        "{text}"
                    );
                    done.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    eventually("answers of the first provider", || (switch.a.seen().len() > 10).then_some(())).await;
    gateway.reload(&switch.text("b", "beta"));
    eventually("answers of the second provider", || (switch.b.seen().len() > 10).then_some(())).await;
    stop.store(true, Ordering::SeqCst);
    for client in clients {
        client.await.expect("no answer was lost");
    }
    assert_eq!(switch.a.seen().len() + switch.b.seen().len(), done.load(Ordering::SeqCst));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_client_notices_nothing_of_a_switch_of_the_provider() {
    let Some(python) = python() else { return };
    let switch = Switch::new().await;
    let gateway = Launch::file(&switch.text("a", "alpha")).start().await;
    let mut command = Command::new(python);
    command.arg(kept("clients/switch.py")).args([
        &gateway.url(),
        &switch.issuer.token("alice", &[]),
        "team-chat",
    ]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut client = command.spawn().unwrap();
    let mut lines = BufReader::new(client.stdout.take().unwrap()).lines();
    let mut next = async || lines.next_line().await.unwrap().unwrap_or_default();
    for (upstream, model) in [("b", "beta"), ("a", "alpha"), ("b", "beta")] {
        let before = next().await;
        gateway.reload(&switch.text(upstream, model));
        // What is under way ends where it began.
        let mut after = 0;
        while after < 10 {
            let line = next().await;
            after += usize::from(line == format!("I am {model} at your service"));
            assert!(after > 0 || line == before, "{line:?} on the way to {model}");
        }
    }
    drop(client.stdin.take());
    assert!(client.wait().await.unwrap().success());
}
