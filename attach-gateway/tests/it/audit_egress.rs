//! What other systems are sent of the log, by the built binary.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::{CHATS, Gateway, Issuer, Launch, Reply, Seen, TempDir, Upstream, eventually, question};

const TOKEN: &str = "00000000-0000-0000-0000-000000000000";

/// A collector that takes nothing while it is `down`.
#[derive(Clone, Default)]
struct Collector {
    down: Arc<AtomicBool>,
    taken: Arc<Mutex<Vec<Seen>>>,
}

impl Collector {
    async fn serve(&self) -> Upstream {
        let this = self.clone();
        Upstream::with(move |seen| {
            if this.down.load(Ordering::SeqCst) {
                return Reply::json(503, &json!({ "text": "Server is busy", "code": 9 }));
            }
            this.taken.lock().unwrap().push(seen.clone());
            Reply::json(200, &json!({ "text": "Success", "code": 0 }))
        })
        .await
    }
}

struct Place {
    issuer: Issuer,
    upstream: Upstream,
    collector: Collector,
    url: String,
    state: TempDir,
}

impl Place {
    async fn new() -> Self {
        let collector = Collector::default();
        Self {
            issuer: Issuer::start().await,
            upstream: Upstream::model().await,
            url: collector.serve().await.url(),
            collector,
            state: TempDir::new(),
        }
    }

    fn down(&self, down: bool) {
        self.collector.down.store(down, Ordering::SeqCst);
    }

    fn launch(&self, more: &str) -> Launch {
        let text = format!(
            "[state]\ndir = {:?}\n[[issuer]]\nissuer = \"{}\"\naudience = [\"api://attach-test\"]\n[[upstream]]\n\
             name = \"one\"\nkind = \"openai\"\nurl = \"{}\"\n[access]\ndefault = \"allow\"\n[[audit.egress]]\n\
             kind = \"splunk-hec\"\nname = \"soc\"\nurl = \"{}\"\ntoken = {{ env = \"HEC_TOKEN\" }}\nindex = \"ai\"\n{more}",
            self.state.path().display().to_string(),
            self.issuer.url(),
            self.upstream.url(),
            self.url,
        );
        Launch::file(&text).set("HEC_TOKEN", TOKEN)
    }

    async fn start(&self) -> Gateway {
        self.launch("").start().await.with_state(self.state.path())
    }

    async fn ask(&self, gateway: &Gateway, times: usize) {
        for _ in 0..times {
            let call = gateway.post(CHATS[0]).bearer(&self.issuer.token("alice", &[]));
            call.json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(200);
        }
    }

    /// The records that the collector took, each once, in the order they came first.
    fn taken(&self) -> Vec<Value> {
        let (mut known, mut taken) = (HashSet::new(), Vec::new());
        for seen in self.collector.taken.lock().unwrap().iter() {
            assert_eq!(seen.path, "/services/collector/event");
            assert_eq!(seen.header("authorization"), Some(format!("Splunk {TOKEN}").as_str()));
            for event in serde_json::Deserializer::from_str(&seen.text()).into_iter::<Value>() {
                let event = event.unwrap();
                assert_eq!((&event["index"], &event["sourcetype"]), (&json!("ai"), &json!("attach:audit")));
                if known.insert(event["event"]["id"].to_string()) {
                    taken.push(event["event"].clone());
                }
            }
        }
        taken
    }
}

/// How many there are, besides the checkpoints, which come with time.
fn count(records: &[Value]) -> usize {
    records.iter().filter(|record| record["kind"] != "checkpoint").count()
}

#[tokio::test]
async fn a_siem_gets_every_record_though_it_was_away_and_the_gateway_was_killed() {
    let place = Place::new().await;
    let mut gateway = place.start().await;
    place.ask(&gateway, 3).await;
    let off = gateway.records()[0]["protections_off"].to_string();
    assert!(!off.contains("egress"), "{off}");
    eventually("the first records at the collector", || (count(&place.taken()) == 7).then_some(())).await;

    place.down(true);
    place.ask(&gateway, 3).await;
    gateway.stderr.line("audit records wait in the log").await;
    gateway.kill().await;
    assert_eq!(count(&place.taken()), 7);
    place.down(false);

    let mut gateway = place.start().await;
    place.ask(&gateway, 3).await;
    gateway.stop_and_verify().await;
    let written = gateway.records();
    assert_eq!(count(&written), 1 + 3 * 6 + 2, "two starts, nine requests, one stop");
    assert_eq!(place.taken(), written);
    let all = gateway.stdout.text() + &gateway.stderr.text();
    assert!(!all.contains(TOKEN));
}

#[tokio::test]
async fn a_siem_that_is_away_delays_neither_answers_nor_the_end() {
    let place = Place::new().await;
    place.down(true);
    let mut gateway = place.start().await;
    place.ask(&gateway, 2).await;
    gateway.stop_and_verify().await;
    assert!(gateway.stderr.text().contains("the rest goes out after the next start"));

    let checked =
        place.launch("[[audit.egress]]\nkind = \"stdout\"\nfrom = \"now\"\n").without_port().check().await;
    let listed = format!("audit.egress soc: Splunk HEC at {}, index ai\n", place.url);
    assert!(checked.ok && checked.stdout.contains(&listed), "{checked:?}");
    assert!(
        checked.stdout.contains("audit.egress stdout: the standard output; from now on\n"),
        "{checked:?}"
    );
}

#[tokio::test]
async fn a_token_in_the_file_and_a_misspelled_key_are_refused() {
    let place = Place::new().await;
    let said = place.launch("[[audit.egress]]\nkind = \"splunk-hec\"\ntoken = \"abc\"\n").refusal().await;
    assert!(said.contains("audit.egress.token: a secret is never written into the file"), "{said}");
    let said = place.launch("[[audit.egress]]\nkind = \"stdout\"\nform = \"x\"\n").refusal().await;
    assert!(said.contains("audit.egress.form: unknown setting"), "{said}");
}

#[tokio::test]
async fn before_a_node_goes_its_receivers_are_waited_for() {
    let place = Place::new().await;
    let shipped = async |within| {
        place.launch("").without_port().command(&["audit", "shipped", "--within", within]).await
    };
    place.down(true);
    let mut gateway = place.start().await;
    place.ask(&gateway, 3).await;
    let finished = shipped("1s").await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stdout.contains("soc has not all of it yet"), "{finished:?}");
    place.down(false);
    let finished = shipped("60s").await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stdout.contains("soc has all of it"), "{finished:?}");
    gateway.stop_and_verify().await;
}
