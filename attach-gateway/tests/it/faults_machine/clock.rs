//! `clock-step`: somebody, or NTP, sets the clock.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{Fault, Machine};
use crate::support::issuer::sign;
use crate::support::wire::openai::chat_chunk;
use crate::support::{
    Alg, CHATS, Issuer, Launch, Reply, Response, Step, Upstream, World, question, streamed, wire,
};

const HOUR: i64 = 3600;

/// Answers streams when it is told to, everything else at once.
async fn model(told: &Arc<Notify>) -> Upstream {
    let told = Arc::clone(told);
    Upstream::with(move |seen| {
        if seen.json()["stream"] != true {
            return wire::model(seen);
        }
        let piece = |text: &str| chat_chunk("m", &json!({"content": text}), &Value::Null);
        let end = chat_chunk("m", &json!({}), &json!("stop")) + "data: [DONE]\n\n";
        let last = Step::Send((piece("two") + &end).into());
        let steps = vec![Step::Send(piece("one ").into()), Step::Await(Arc::clone(&told)), last];
        Reply::stream("text/event-stream", steps)
    })
    .await
}

/// A token that is issued, and good for ten minutes, by a clock that is so many seconds ahead.
fn token(world: &World, ahead: i64) -> String {
    let mut claims = world.issuer.claims("alice", &[]);
    for claim in ["iat", "nbf", "exp"] {
        claims[claim] = json!(claims[claim].as_i64().unwrap() + ahead);
    }
    sign(Alg::Rs256, &claims)
}

async fn ask(world: &World, token: &str) -> Response {
    world.gateway.post(CHATS[0]).bearer(token).json(&question(CHATS[0], "gpt-4o", "hello")).send().await
}

#[tokio::test]
async fn clock_step_refuses_nobody_but_whose_time_is_over_and_the_log_stays_in_order() {
    let Some(machine) = Machine::new() else { return };
    let told = Arc::new(Notify::new());
    let (issuer, upstream) = (Issuer::start().await, model(&told).await);
    let launch = Launch::env(&issuer, &upstream).set("MAX_TOKENS_PER_MIN", "1000000");
    let gateway = machine.under(launch).start().await;
    let mut world = World { issuer, upstream, gateway };
    let now = token(&world, 0);
    ask(&world, &now).await.expect(200);
    for step in [HOUR, -HOUR] {
        let body = streamed(CHATS[0], "gpt-4o", "count");
        let mut running = world.gateway.post(CHATS[0]).bearer(&now).json(&body).stream().await;
        running.until("one").await;
        let fetched = world.issuer.asked();
        machine.set(Fault::Clock, step);
        // By that clock the time of the first is over, or has not come; who has a token of that time goes on.
        let refused = ask(&world, &now).await.expect(401);
        assert!(
            ["token_expired", "token_not_yet_valid"].contains(&refused.code().as_str()),
            "{}",
            refused.text()
        );
        for _ in 0..20 {
            ask(&world, &token(&world, step)).await.expect(200);
        }
        world.gateway.get("/readyz").send().await.expect(200);
        told.notify_waiters();
        let whole = running.whole().await.expect(200);
        assert!(whole.text().ends_with("data: [DONE]\n\n"), "{}", whole.text());
        assert!(world.issuer.asked() <= fetched + 2, "the keys are as good as they were");
        machine.set(Fault::Clock, 0);
        ask(&world, &now).await.expect(200);
    }
    world.gateway.stop_and_verify().await;
    let records = world.gateway.records();
    let numbers: Vec<u64> = records.iter().map(|record| record["seq"].as_u64().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    let kinds = |kind: &str| records.iter().filter(|record| record["kind"] == kind).count();
    assert_eq!(kinds("intent"), kinds("outcome"));
    assert!(!world.gateway.stderr.text().contains("panicked"), "{}", world.gateway.stderr.text());
}
