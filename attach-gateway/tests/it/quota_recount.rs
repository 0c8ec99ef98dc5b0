//! Counts that Redis has lost are put back from the logs of all nodes.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::support::admin::{ADMIN, admin_address, config};
use crate::support::gateway::Finished;
use crate::support::issuer::sign;
use crate::support::tools::Redis;
use crate::support::{
    Alg, CHATS, Call, Gateway, Governed, Issuer, Launch, PATIENCE, TempDir, Upstream, question,
};

const PATH: &str = "/admin/v1/quotas/recount";

const LIMITS: &str = "[[quota]]\nid = \"calls\"\nrequests = \"6/month\"\neach = \"user\"\n\
     [[quota]]\nid = \"team\"\ntokens = \"100000/month\"\neach = \"everyone\"\n\
     [[quota]]\nid = \"pace\"\nrequests = \"1000/min\"\n\
     [state]\nquota_redis = { env = \"COUNTS\" }\nquota_deadline = \"20s\"\n";

struct Nodes {
    redis: Redis,
    issuer: Issuer,
    _upstream: Upstream,
    nodes: Vec<Gateway>,
}

impl Nodes {
    async fn start() -> Option<Self> {
        let redis = Redis::start().await?;
        let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
        let mut nodes = Vec::new();
        for n in 0..2 {
            let text = config(&issuer, &upstream, &format!("{LIMITS}[audit]\nnode = \"gw-{n}\"\n"));
            nodes.push(Launch::file(&text).set("COUNTS", &redis.url()).start().await);
        }
        Some(Self { redis, issuer, _upstream: upstream, nodes })
    }

    async fn ask(&self, node: usize, user: &str) -> u16 {
        let call = self.nodes[node].post(CHATS[0]).bearer(&self.issuer.token(user, &[]));
        call.json(&question(CHATS[0], "gpt-4o", "hi")).send().await.status
    }

    /// An administrator's token.
    fn token(&self, groups: &[&str]) -> String {
        let mut claims = self.issuer.claims("root", groups);
        claims["aud"] = json!(ADMIN);
        sign(Alg::Rs256, &claims)
    }

    /// `quota recount` over the logs of both nodes, by an administrator.
    async fn recount(&self, more: &[&str]) -> Finished {
        let admin = format!("http://{}", admin_address(&self.nodes[0]).await);
        let logs = self.nodes.iter().map(|node| node.audit_folder().to_str().unwrap().to_owned());
        let logs: Vec<_> = logs.collect();
        let mut words = vec!["quota", "recount", "--server", &admin, "--token-env", "TOKEN"];
        words.extend(logs.iter().map(String::as_str).chain(more.iter().copied()));
        Launch::bare().set("TOKEN", &self.token(&["ops"])).command(&words).await
    }

    /// Until the log's records are old enough to count, and what it said then.
    async fn would_be(&self, says: &str) -> String {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            let done = self.recount(&["--dry-run"]).await;
            assert!(done.ok, "{}{}", done.stdout, done.stderr);
            if done.stdout.contains(says) {
                return done.stdout;
            }
            assert!(tokio::time::Instant::now() < until, "never {says:?}: {}", done.stdout);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// The first piece of a node's log.
fn segment(node: &Gateway) -> PathBuf {
    let files = std::fs::read_dir(node.audit_folder()).unwrap().flatten().map(|entry| entry.path());
    files.into_iter().find(|path| path.extension().is_some_and(|end| end == "jsonl")).unwrap()
}

#[tokio::test]
async fn redis_flush_is_undone_by_a_recount_of_all_nodes_logs() {
    let Some(world) = Nodes::start().await else { return };
    for n in 0..6 {
        assert_eq!(world.ask(n % 2, "alice").await, 200);
    }
    assert_eq!(world.ask(0, "bob").await, 200);
    assert_eq!(world.ask(1, "alice").await, 429);
    world.redis.command("FLUSHALL").await;
    // What is counted meanwhile is in the store and in the log, and counts once.
    assert_eq!(world.ask(1, "alice").await, 200);

    // What is in a folder of the log is not verified with it, and counts for nobody.
    let file = segment(&world.nodes[1]);
    let planted = world.nodes[1].audit_folder().join("planted");
    std::fs::create_dir(&planted).unwrap();
    std::fs::write(
        planted.join(file.file_name().unwrap()),
        std::fs::read_to_string(&file).unwrap().repeat(3),
    )
    .unwrap();

    let looked = world.would_be("8 calls of periods").await;
    assert!(looked.contains("calls: 2 of 2 buckets would be raised, by 7 requests\n"), "{looked}");
    assert!(
        looked.contains("team: 1 of 1 buckets would be raised, by ") && looked.ends_with("pace\n"),
        "{looked}"
    );
    assert_eq!(world.ask(0, "carol").await, 200, "a dry run changes nothing");

    world.would_be("9 calls of periods").await;
    let done = world.recount(&[]).await.stdout;
    assert!(done.contains("calls: 2 of 3 buckets raised, by 7 requests\n"), "{done}");
    assert_eq!((world.ask(0, "alice").await, world.ask(1, "alice").await), (429, 429));
    assert_eq!(world.ask(1, "bob").await, 200, "who has something left goes on");
    let again = world.recount(&[]).await.stdout;
    assert!(again.contains("calls: 0 of 3 buckets raised\n"), "once and no more: {again}");

    let records = world.nodes[0].records();
    let event = records.iter().find(|record| record["decision"]["reason"] == "quota.recount");
    let event = event.expect("on record");
    assert_eq!((&event["actor"]["uid"], &event["custom"]["limits"]), (&json!("root"), &json!("calls,team")));
    let counts = event["custom"]["counts"].as_str().unwrap();
    assert!(
        counts.split(' ').filter(|count| count.ends_with(":1")).count() >= 2,
        "who was raised to what: {counts}"
    );
}

#[tokio::test]
async fn a_recount_is_for_administrators_of_quotas_and_for_logs_that_verify() {
    let Some(world) = Nodes::start().await else { return };
    assert_eq!(world.ask(0, "alice").await, 200);
    let admin = admin_address(&world.nodes[0]).await;
    let post = async |groups: &[&str], body: serde_json::Value| {
        Call::new(admin, "POST", PATH).bearer(&world.token(groups)).json(&body).send().await
    };
    let one = |bucket: &str, until: u64| json!({"counts": [{"limit": "calls", "bucket": bucket, "until": until, "used": 5}]});
    post(&["dco"], json!({"counts": []})).await.expect(403);
    let hex = "0".repeat(32);
    for wrong in [one("alice", 1), one(&hex, u64::MAX), json!({"counts": {}}), json!({"count": []})] {
        post(&["ops"], wrong).await.expect(400);
    }
    let over = post(&["ops"], one(&hex, 1)).await.expect(200).json();
    assert_eq!((&over["limits"], &over["left_alone"]), (&json!([]), &json!(["pace"])));

    let (file, copy) = (segment(&world.nodes[1]), TempDir::new());
    let text = std::fs::read_to_string(&file).unwrap().replacen("\"kind\":\"start\"", "\"kind\":\"stop\"", 1);
    copy.write(file.file_name().unwrap().to_str().unwrap(), &text);
    let done = world.recount(&[copy.path().to_str().unwrap()]).await;
    assert_eq!(done.code, Some(1), "{}{}", done.stdout, done.stderr);
}

#[tokio::test]
async fn a_gateway_that_counts_by_itself_has_nothing_to_be_put_back() {
    let world = Governed::start("[[quota]]\nid = \"calls\"\nrequests = \"6/month\"\n").await;
    let order = json!({"counts": [{"limit": "calls", "bucket": "0".repeat(32), "until": 1, "used": 5}]});
    let answer = world.admin("POST", PATH, &["ops"]).json(&order).send().await;
    assert!(answer.expect(409).json()["detail"].as_str().unwrap().contains("counts by itself"));
}
