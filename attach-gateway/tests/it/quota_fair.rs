//! Fair shares of a key that many use, through the binary.

use serde_json::json;

use crate::quota_limits::{ask, number, pass, refused, with, world};
use crate::support::{Reply, Upstream, wire};

const KEY: &str = "[[quota]]\nid = \"openai-key\"\nshared = true\nupstreams = [\"openai\"]\nfair = true\n";

#[tokio::test]
async fn one_busy_agent_leaves_the_others_their_part_of_a_key() {
    let world = world(&format!("{KEY}requests = \"20/h\"")).await;
    let (agent, alice) = (world.token("agent"), world.token("alice"));
    pass(&world, &alice, 1).await;
    pass(&world, &agent, 14).await;
    let answer = refused(&world, &agent, "openai-key").await;
    assert!(answer.text().contains("more than your fair share of it is used"), "{}", answer.text());
    // The sixth is missing, and twenty come back in an hour.
    let wait = number(&answer, "retry-after");
    assert!((120..=180).contains(&wait), "{wait}");
    pass(&world, &alice, 5).await;
    assert!(!refused(&world, &alice, "openai-key").await.text().contains("fair share"), "nothing is left");
    ask(&world, &agent, "llama3").await.expect(200);
}

#[tokio::test]
async fn what_an_answer_used_is_what_its_caller_has_had() {
    // Both kinds of calls reserve a few tokens; one turns out to use most of the pool.
    let upstream = Upstream::with(|seen| {
        let said = wire::Said { model: "gpt-4o".into(), text: "hello".into(), usage: true };
        let mut answer = wire::openai::chat(&said);
        let output = if seen.text().contains("gpt-4o-mini") { 1 } else { 460 };
        answer["usage"] =
            json!({"prompt_tokens": 5, "completion_tokens": output, "total_tokens": output + 5});
        Reply::json(200, &answer)
    });
    let world = with(upstream.await, &format!("{KEY}tokens = \"600/h\"")).await;
    let (agent, alice) = (world.token("agent"), world.token("alice"));
    ask(&world, &alice, "gpt-4o-mini").await.expect(200);
    pass(&world, &agent, 1).await;
    let answer = refused(&world, &agent, "openai-key").await;
    assert!(answer.text().contains("more than your fair share of it is used"), "{}", answer.text());
    for _ in 0..5 {
        ask(&world, &alice, "gpt-4o-mini").await.expect(200);
    }
}
