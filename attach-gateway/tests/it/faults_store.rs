//! The Redis that nodes share is killed, hangs, or forgets, under load.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::support::tools::Redis;
use crate::support::{CHATS, Call, Gateway, Issuer, Launch, PATIENCE, Upstream, eventually, question};

const LIMIT: usize = 60;

struct Nodes {
    gateways: Vec<Gateway>,
    issuer: Issuer,
    upstream: Upstream,
    redis: Redis,
}

impl Nodes {
    async fn start(many: usize, deadline: &str) -> Option<Self> {
        let redis = Redis::start().await?;
        let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
        let quotas = ["closed", "local", "open"].map(|mode| {
            format!(
                "[[quota]]\nid = \"{mode}\"\nrequests = \"{LIMIT}/month\"\nmodels = [\"{mode}\"]\nwhen_store_down = \"{mode}\"\n"
            )
        });
        let text = format!(
            "[state]\nquota_redis = {{ env = \"COUNTS\" }}\nquota_deadline = \"{deadline}\"\n[[issuer]]\nissuer = \"{}\"\n\
             audience = [\"api://attach-test\"]\n[[upstream]]\nname = \"one\"\nkind = \"openai\"\nurl = \"{}\"\n\
             [access]\ndefault = \"allow\"\n{}",
            issuer.url(),
            upstream.url(),
            quotas.concat()
        );
        let mut gateways = Vec::new();
        for _ in 0..many {
            gateways.push(Launch::file(&text).set("COUNTS", &redis.url()).start().await);
        }
        Some(Self { gateways, issuer, upstream, redis })
    }

    fn call(&self, node: usize, person: &str, model: &str) -> Call {
        let gateway = &self.gateways[node % self.gateways.len()];
        let call = gateway.post(CHATS[0]).bearer(&self.issuer.token(person, &[]));
        call.json(&question(CHATS[0], model, "hi"))
    }

    /// Calls of Alice, eight at a time on all nodes in turn; each with its status and how long it took.
    fn load(&self, calls: usize, model: &str) -> JoinSet<Vec<(u16, Duration)>> {
        let mut callers = JoinSet::new();
        for caller in 0..8 {
            let call = self.call(caller, "alice", model);
            callers.spawn(async move {
                let mut answers = Vec::new();
                for _ in 0..calls / 8 {
                    let began = Instant::now();
                    answers.push((call.send().await.status, began.elapsed()));
                }
                answers
            });
        }
        callers
    }

    /// Until a limit that needs the store lets somebody new pass; how long that took.
    async fn until_back(&self) -> Duration {
        let began = Instant::now();
        for n in 0.. {
            if self.call(0, &format!("new-{n}"), "closed").send().await.status == 200 {
                break;
            }
            assert!(began.elapsed() < PATIENCE, "the store is not found again");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        began.elapsed()
    }
}

fn count(answers: &[(u16, Duration)], status: u16) -> usize {
    answers.iter().filter(|answer| answer.0 == status).count()
}

#[tokio::test]
async fn redis_down_under_load_passes_no_more_than_the_limit_and_each_nodes_own_share() {
    let Some(mut nodes) = Nodes::start(2, "50ms").await else { return };
    nodes.until_back().await;
    let (local, closed) = (nodes.load(400, "local"), nodes.load(200, "closed"));
    eventually("some calls", || (nodes.upstream.seen().len() > LIMIT / 2).then_some(())).await;
    nodes.redis.kill().await;
    let afterwards = nodes.load(40, "closed").join_all().await.concat();
    assert_eq!(count(&afterwards, 503), afterwards.len(), "{afterwards:?}");
    let (local, closed) = (local.join_all().await.concat(), closed.join_all().await.concat());
    let (passed, slowest) = (count(&local, 200), local.iter().map(|answer| answer.1).max().unwrap());
    assert_eq!(passed + count(&local, 429), local.len(), "{local:?}");
    // What was counted together, and once more what each node gives by itself.
    assert!((1..=3 * LIMIT).contains(&passed), "{passed} passed");
    assert!(count(&closed, 200) <= LIMIT, "{closed:?}");
    assert_eq!(count(&closed, 200) + count(&closed, 429) + count(&closed, 503), closed.len(), "{closed:?}");
    nodes.redis.again().await;
    let back = nodes.until_back().await;
    println!(
        "killed under load: {passed} of {} passed a limit of {LIMIT} on two nodes, the slowest call took {slowest:.1?}; back after {back:.1?}",
        local.len()
    );
}

#[tokio::test]
async fn redis_slow_is_waited_for_no_longer_than_the_deadline_and_nothing_piles_up() {
    let Some(nodes) = Nodes::start(1, "50ms").await else { return };
    nodes.until_back().await;
    // Every script waits in the server; what is asked for otherwise is answered.
    let said = nodes.redis.command("CLIENT PAUSE 600000 WRITE").await;
    assert!(said.starts_with("+OK"), "{said}");
    let (open, closed) = (nodes.load(160, "open"), nodes.load(160, "closed"));
    let (open, closed) = (open.join_all().await.concat(), closed.join_all().await.concat());
    assert_eq!(count(&open, 200), open.len(), "{open:?}");
    assert_eq!(count(&closed, 503), closed.len(), "{closed:?}");
    let mut took: Vec<_> = open.iter().chain(&closed).map(|answer| answer.1).collect();
    took.sort_unstable();
    let (median, slowest) = (took[took.len() / 2], took[took.len() - 1]);
    assert!(slowest < Duration::from_secs(10), "{slowest:?}");
    let said = nodes.redis.command("CLIENT UNPAUSE").await;
    assert!(said.starts_with("+OK"), "{said}");
    let back = nodes.until_back().await;
    println!(
        "320 calls while it hangs: {median:.1?} (median), {slowest:.1?} (slowest); back after {back:.1?}"
    );
}

#[tokio::test]
async fn redis_flush_gives_at_most_the_limit_once_more_and_every_call_is_on_record() {
    let Some(nodes) = Nodes::start(2, "20s").await else { return };
    let mut passed = Vec::new();
    for _ in 0..2 {
        let answers = nodes.load(2 * LIMIT, "closed").join_all().await.concat();
        assert_eq!(count(&answers, 200) + count(&answers, 429), answers.len(), "{answers:?}");
        passed.push(count(&answers, 200));
        nodes.redis.command("FLUSHALL").await;
    }
    assert_eq!(passed, [LIMIT, LIMIT]);
    let outcomes =
        nodes.gateways.iter().flat_map(Gateway::records).filter(|record| record["kind"] == "outcome");
    assert_eq!(outcomes.count(), 2 * LIMIT, "what was used can be counted from the log");
}
