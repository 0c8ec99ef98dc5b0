//! Nodes are replaced one by one under load, by nodes with another configuration.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::support::tools::Redis;
use crate::support::wire::openai::chat_chunk;
use crate::support::{CHATS, Call, Gateway, Issuer, Launch, Reply, Step, TempDir, Upstream, streamed};

/// Passes connections on to the nodes in turn, without looking into them.
struct Balancer {
    addr: SocketAddr,
    nodes: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Balancer {
    async fn start(nodes: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let this = Self { addr: listener.local_addr().unwrap(), nodes: Arc::new(Mutex::new(nodes)) };
        let nodes = Arc::clone(&this.nodes);
        tokio::spawn(async move {
            for turn in 0.. {
                let (mut client, _) = listener.accept().await.unwrap();
                let node = {
                    let nodes = nodes.lock().unwrap();
                    nodes[turn % nodes.len()]
                };
                tokio::spawn(async move {
                    let mut node = TcpStream::connect(node).await.unwrap();
                    _ = copy_bidirectional(&mut client, &mut node).await;
                });
            }
        });
        this
    }

    fn without(&self, node: SocketAddr) {
        self.nodes.lock().unwrap().retain(|known| *known != node);
    }

    fn with(&self, node: SocketAddr) {
        self.nodes.lock().unwrap().push(node);
    }
}

/// A model server whose answers take a while.
async fn slow() -> Upstream {
    Upstream::with(|_| {
        let word = |word: &str| Step::Send(chat_chunk("m", &json!({"content": word}), &Value::Null).into());
        let end = chat_chunk("m", &json!({}), &json!("stop")) + "data: [DONE]\n\n";
        let pause = || Step::Pause(Duration::from_millis(100));
        let steps = vec![word("one "), pause(), word("two "), pause(), word("three"), Step::Send(end.into())];
        Reply::stream("text/event-stream", steps)
    })
    .await
}

struct Load {
    running: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    callers: JoinSet<Vec<String>>,
}

impl Load {
    fn start(callers: usize, addr: SocketAddr, token: &str) -> Self {
        let (running, answered) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU64::new(0)));
        let mut load = Self { running, answered, callers: JoinSet::new() };
        for _ in 0..callers {
            let (running, answered) = (Arc::clone(&load.running), Arc::clone(&load.answered));
            let call = Call::new(addr, "POST", CHATS[0]).bearer(token);
            let call = call.json(&streamed(CHATS[0], "m", "count"));
            load.callers.spawn(async move {
                let mut failures = Vec::new();
                while running.load(Ordering::SeqCst) {
                    let answer = call.send().await;
                    let whole =
                        answer.text().ends_with("data: [DONE]\n\n") && answer.text().contains("three");
                    if answer.status != 200 || answer.broken || !whole {
                        failures.push(format!("{} {}", answer.status, answer.text()));
                    }
                    answered.fetch_add(1, Ordering::SeqCst);
                }
                failures
            });
        }
        load
    }

    /// Waits until so many more calls have been answered.
    async fn goes_on(&self, calls: u64) {
        let until = self.answered.load(Ordering::SeqCst) + calls;
        while self.answered.load(Ordering::SeqCst) < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn stop(self) -> (u64, Vec<String>) {
        self.running.store(false, Ordering::SeqCst);
        let failures = self.callers.join_all().await.concat();
        (self.answered.load(Ordering::SeqCst), failures)
    }
}

struct Fleet {
    issuer: Issuer,
    upstream: Upstream,
    redis: Redis,
    states: Vec<TempDir>,
}

impl Fleet {
    async fn node(&self, place: usize, version: &str) -> Gateway {
        let state = self.states[place].path();
        let text = format!(
            "[state]\ndir = {:?}\nredis = {{ env = \"REDIS_URL\" }}\n[[issuer]]\nissuer = \"{}\"\n\
             audience = [\"api://attach-test\"]\n[[upstream]]\nname = \"one\"\nkind = \"openai\"\nurl = \"{}\"\n\
             [access]\ndefault = \"allow\"\n[[quota]]\nid = \"{version}\"\neach = \"user\"\nrequests = \"1000000/min\"\n",
            state.display().to_string(),
            self.issuer.url(),
            self.upstream.url(),
        );
        let launch = Launch::file(&text).set("REDIS_URL", &self.redis.url());
        launch.start().await.with_state(state)
    }
}

#[tokio::test]
async fn nodes_are_replaced_one_by_one_under_load_and_no_call_is_lost() {
    let Some(redis) = Redis::start().await else { return };
    let (issuer, upstream) = (Issuer::start().await, slow().await);
    let fleet = Fleet { issuer, upstream, redis, states: vec![TempDir::new(), TempDir::new()] };
    let mut nodes = vec![fleet.node(0, "old").await, fleet.node(1, "old").await];
    let balancer = Balancer::start(nodes.iter().map(|node| node.addr).collect()).await;
    let load = Load::start(8, balancer.addr, &fleet.issuer.token("alice", &[]));
    load.goes_on(20).await;
    for (place, node) in nodes.iter_mut().enumerate() {
        // As a load balancer does that asks for readiness, and Kubernetes while `preStop` runs.
        balancer.without(node.addr);
        // Whoever was sent there before has been let in by then.
        load.goes_on(40).await;
        node.stop_and_verify().await;
        *node = fleet.node(place, "new").await;
        balancer.with(node.addr);
        load.goes_on(20).await;
    }
    let (answered, failures) = load.stop().await;
    assert!(failures.is_empty(), "{} of {answered} failed: {:?}", failures.len(), failures.first());
    for node in &mut nodes {
        node.stop_and_verify().await;
        let records = node.records();
        let configs = records.iter().filter(|record| record["kind"] == "start");
        let configs: HashSet<_> = configs.map(|record| record["cfg_hash"].to_string()).collect();
        assert_eq!(configs.len(), 2, "{configs:?}");
        let intents = records.iter().filter(|record| record["kind"] == "intent").count();
        let outcomes = records.iter().filter(|record| record["kind"] == "outcome").count();
        assert_eq!(intents, outcomes);
    }
}
