//! What limits of every kind do, as they are written in a file.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::support::issuer::{Alg, now, sign};
use crate::support::wire::openai::chat_chunk;
use crate::support::{CHATS, PATIENCE, Reply, Response, Step, Upstream, World, question, streamed, wire};

const FILE: &str = r#"
[[issuer]]
directory = "acme"
issuer = "{ISSUER}"
audience = ["api://attach-test"]
[[upstream]]
name = "openai"
kind = "openai"
url = "{UPSTREAM}"
[[upstream]]
name = "local"
kind = "openai"
url = "{UPSTREAM}"
[[model]]
name = "gpt-*"
to = ["openai"]
[[model]]
name = "llama3"
to = ["local"]
[access]
default = "allow"
"#;

pub(crate) async fn world(quotas: &str) -> World {
    with(Upstream::model().await, quotas).await
}

pub(crate) async fn with(upstream: Upstream, quotas: &str) -> World {
    World::file(upstream, &format!("{FILE}{quotas}")).await
}

/// A model server whose answers report to have used 5 tokens of input and so many of output.
async fn reporting(output: u64) -> Upstream {
    Upstream::with(move |_| {
        let said = wire::Said { model: "gpt-4o".into(), text: "hello".into(), usage: true };
        let mut answer = wire::openai::chat(&said);
        answer["usage"] =
            json!({"prompt_tokens": 5, "completion_tokens": output, "total_tokens": output + 5});
        Reply::json(200, &answer)
    })
    .await
}

/// A short question to `model` with a small cap, of which little is reserved.
pub(crate) async fn ask(world: &World, token: &str, model: &str) -> Response {
    let mut body = question(CHATS[0], model, "hi");
    body["max_tokens"] = json!(1);
    world.gateway.post(CHATS[0]).bearer(token).json(&body).send().await
}

pub(crate) async fn pass(world: &World, token: &str, times: usize) {
    for _ in 0..times {
        ask(world, token, "gpt-4o").await.expect(200);
    }
}

/// A refusal that names this limit.
pub(crate) async fn refused(world: &World, token: &str, limit: &str) -> Response {
    let answer = ask(world, token, "gpt-4o").await.expect(429);
    assert_eq!(answer.code(), "rate_limit_exceeded");
    assert!(answer.text().contains(&format!("\\\"{limit}\\\"")), "{}", answer.text());
    answer
}

pub(crate) fn number(answer: &Response, header: &str) -> u64 {
    answer.header(header).unwrap_or_else(|| panic!("no {header}: {answer:?}")).parse().unwrap()
}

/// A token of `person` with one more claim.
fn claiming(world: &World, person: &str, claim: &str, value: &str) -> String {
    let mut claims = world.issuer.claims(person, &[]);
    claims[claim] = json!(value);
    sign(Alg::Rs256, &claims)
}

#[tokio::test]
async fn somebody_in_several_groups_has_the_most_generous_of_their_limits() {
    let world = world(
        r#"
        [[quota]]
        id = "few"
        each = "group-member"
        groups = ["eng"]
        requests = "1/h"
        [[quota]]
        id = "more"
        each = "group-member"
        groups = ["power"]
        requests = "3/h"
        "#,
    )
    .await;
    let both = world.issuer.token("alice", &["eng", "power"]);
    pass(&world, &both, 3).await;
    refused(&world, &both, "more").await;
    // Each member has a bucket of their own.
    let bob = world.issuer.token("bob", &["eng"]);
    pass(&world, &bob, 1).await;
    refused(&world, &bob, "few").await;
    // Whoever is in neither group is not limited by either.
    pass(&world, &world.issuer.token("carol", &["other"]), 5).await;
}

#[tokio::test]
async fn a_shared_limit_is_one_pool_for_all_whom_it_is_for() {
    let world = world("[[quota]]\nid = \"pool\"\nshared = true\ngroups = \"eng\"\nrequests = \"2/h\"").await;
    for person in ["alice", "bob"] {
        pass(&world, &world.issuer.token(person, &["eng"]), 1).await;
    }
    refused(&world, &world.issuer.token("carol", &["eng"]), "pool").await;
    pass(&world, &world.issuer.token("dave", &[]), 3).await;
}

#[tokio::test]
async fn each_group_has_a_pool_of_its_own() {
    let quotas =
        "[[quota]]\nid = \"teams\"\neach = \"group\"\ngroups = [\"red\", \"blue\"]\nrequests = \"2/h\"";
    let world = world(quotas).await;
    for person in ["alice", "bob"] {
        pass(&world, &world.issuer.token(person, &["red"]), 1).await;
    }
    refused(&world, &world.issuer.token("carol", &["red"]), "teams").await;
    pass(&world, &world.issuer.token("dave", &["blue"]), 2).await;
}

#[tokio::test]
async fn a_limit_for_some_models_leaves_the_others_alone() {
    let world = world("[[quota]]\nid = \"gpt\"\nmodels = [\"gpt-*\"]\nrequests = \"1/h\"").await;
    let alice = world.token("alice");
    pass(&world, &alice, 1).await;
    refused(&world, &alice, "gpt").await;
    for _ in 0..3 {
        ask(&world, &alice, "llama3").await.expect(200);
    }
}

#[tokio::test]
async fn a_limit_for_an_upstream_counts_what_goes_there() {
    let world = world("[[quota]]\nid = \"there\"\nupstreams = [\"openai\"]\nrequests = \"1/h\"").await;
    let alice = world.token("alice");
    ask(&world, &alice, "llama3").await.expect(200);
    pass(&world, &alice, 1).await;
    refused(&world, &alice, "there").await;
    ask(&world, &alice, "llama3").await.expect(200);
}

#[tokio::test]
async fn a_limit_for_a_client_or_a_person_is_nobody_elses() {
    let world = world(
        "[[quota]]\nid = \"client\"\nclient_ids = \"other-client\"\nrequests = \"1/h\"\n\
         [[quota]]\nid = \"person\"\nusers = [\"bob\"]\nrequests = \"1/h\"",
    )
    .await;
    pass(&world, &world.token("alice"), 3).await;
    pass(&world, &world.token("bob"), 1).await;
    refused(&world, &world.token("bob"), "person").await;
    let mut claims = world.issuer.claims("carol", &[]);
    claims["client_id"] = json!("other-client");
    let other = sign(Alg::Rs256, &claims);
    pass(&world, &other, 1).await;
    refused(&world, &other, "client").await;
}

#[tokio::test]
async fn so_many_calls_run_at_a_time_and_a_place_is_free_when_one_has_ended() {
    let go_on = Arc::new(Notify::new());
    let waits = Arc::clone(&go_on);
    let upstream = Upstream::with(move |seen| {
        if !seen.text().contains("\"stream\":true") {
            return wire::model(seen);
        }
        let event = chat_chunk("gpt-4o", &json!({"content": "word"}), &Value::Null);
        let last = format!("{}data: [DONE]\n\n", chat_chunk("gpt-4o", &json!({}), &json!("stop")));
        let steps =
            vec![Step::Send(event.into()), Step::Await(Arc::clone(&waits)), Step::Send(Bytes::from(last))];
        Reply::stream("text/event-stream", steps)
    })
    .await;
    let world = with(upstream, "[[quota]]\nid = \"one\"\nconcurrent = 1").await;
    let alice = world.token("alice");
    let mut running = world.post(CHATS[0]).json(&streamed(CHATS[0], "gpt-4o", "hi")).stream().await;
    running.until("word").await;
    refused(&world, &alice, "one").await;
    // Somebody else has a place of their own.
    pass(&world, &world.token("bob"), 2).await;
    go_on.notify_one();
    assert!(running.whole().await.text().ends_with("[DONE]\n\n"));
    let until = tokio::time::Instant::now() + PATIENCE;
    while ask(&world, &alice, "gpt-4o").await.status != 200 {
        assert!(tokio::time::Instant::now() < until, "the place stays taken");
    }
    pass(&world, &alice, 3).await;
}

/// USD 2.50 and 10 for a million tokens.
const PRICE: &str = "[[price]]\nmodels = [\"gpt-4o*\"]\ninput = 2.5\noutput = 10\n";

#[tokio::test]
async fn money_is_counted_by_what_the_answer_used_and_a_model_without_a_price_is_refused() {
    let quotas = format!("{PRICE}[[quota]]\nid = \"money\"\nusd = \"0.01/h\"");
    let world = with(reporting(900).await, &quotas).await;
    world.gateway.stderr.line("model llama3: not every name it goes by has a price").await;
    let alice = world.token("alice");
    // 5 × 2.5 + 900 × 10 = 9,012.5 millionths of the 10,000: the second one begins with what is left, and owes the rest.
    pass(&world, &alice, 2).await;
    let answer = refused(&world, &alice, "money").await;
    assert!(answer.text().contains("0.01 USD per hour"), "{}", answer.text());
    assert!(number(&answer, "retry-after") > 1000, "{answer:?}");
    let unknown = ask(&world, &world.token("bob"), "llama3").await.expect(403);
    assert_eq!(unknown.code(), "price_unknown");
    assert_eq!(world.upstream.seen().len(), 2);
}

#[tokio::test]
async fn a_local_model_is_free_when_the_budget_for_paid_ones_is_used_up() {
    let free = "[[price]]\nmodels = \"*\"\nupstream = \"local\"\ninput = 0\noutput = 0\n";
    let quotas = format!("{free}{PRICE}[[quota]]\nid = \"money\"\nusd = \"0.01/h\"");
    let world = with(reporting(2000).await, &quotas).await;
    let alice = world.token("alice");
    pass(&world, &alice, 1).await;
    refused(&world, &alice, "money").await;
    for _ in 0..3 {
        ask(&world, &alice, "llama3").await.expect(200);
    }
}

#[tokio::test]
async fn a_model_without_a_price_passes_where_the_limit_says_so() {
    let quotas = format!("{PRICE}[[quota]]\nid = \"money\"\nusd = \"0.01/h\"\nunpriced = \"free\"");
    let world = with(reporting(9000).await, &quotas).await;
    let alice = world.token("alice");
    for _ in 0..3 {
        ask(&world, &alice, "llama3").await.expect(200);
    }
    pass(&world, &alice, 1).await;
    refused(&world, &alice, "money").await;
}

#[tokio::test]
async fn a_shadow_limit_refuses_nobody() {
    let quotas = format!(
        "{PRICE}[[quota]]\nid = \"seen\"\nrequests = \"1/h\"\naction = \"shadow\"\n\
         [[quota]]\nid = \"money\"\nusd = \"0.01/h\"\naction = \"shadow\""
    );
    let world = with(reporting(9000).await, &quotas).await;
    let alice = world.token("alice");
    pass(&world, &alice, 4).await;
    ask(&world, &alice, "llama3").await.expect(200);
    let off = world.gateway.records().remove(0)["protections_off"].to_string();
    assert!(off.contains("every limit is in shadow"), "{off}");
}

/// A time zone in which midnight is far.
fn far_from_midnight() -> &'static str {
    if (6..18).contains(&(now() / 3600 % 24)) { "UTC" } else { "Asia/Tokyo" }
}

#[tokio::test]
async fn a_budget_for_the_day_is_used_up_until_midnight_where_it_is() {
    let zone = far_from_midnight();
    let quotas = format!("[[quota]]\nid = \"today\"\nrequests = \"2/day\"\ntimezone = \"{zone}\"");
    let world = world(&quotas).await;
    let alice = world.token("alice");
    pass(&world, &alice, 2).await;
    let answer = refused(&world, &alice, "today").await;
    let offset = if zone == "UTC" { 0 } else { 9 * 3600 };
    let midnight = 86_400 - (now() + offset) % 86_400;
    let wait = number(&answer, "retry-after");
    assert!((midnight..midnight + 120).contains(&wait), "{wait} of {midnight}");
}

#[tokio::test]
async fn weights_say_what_a_token_counts() {
    let quotas =
        "[[quota]]\nid = \"tph\"\ntokens = \"1000/h\"\nweights = { input = 0, cached_input = 0, output = 3 }";
    let world = with(reporting(300).await, quotas).await;
    let alice = world.token("alice");
    pass(&world, &alice, 1).await;
    let second = ask(&world, &alice, "gpt-4o").await.expect(200);
    // Three for each of the 300 tokens of output, three reserved for the one this call may write, and what an hour's
    // limit gives back in the meantime.
    let left = number(&second, "x-ratelimit-remaining-tokens");
    assert!((97..120).contains(&left), "{left}");
}

#[tokio::test]
async fn a_department_shares_what_its_claim_names() {
    let world = world("[[quota]]\nid = \"dept\"\neach = \"claim:department\"\nrequests = \"2/h\"").await;
    for person in ["alice", "bob"] {
        pass(&world, &claiming(&world, person, "department", "sales"), 1).await;
    }
    refused(&world, &claiming(&world, "carol", "department", "sales"), "dept").await;
    pass(&world, &claiming(&world, "dave", "department", "legal"), 2).await;
}

#[tokio::test]
async fn an_override_gives_somebody_more_than_the_limit() {
    let world = world(
        r#"
        [[quota]]
        id = "few"
        requests = "1/h"
        [[quota.override]]
        user = "bob"
        amount = "3/h"
        [[quota.override]]
        group = "trusted"
        amount = "unlimited"
        [[quota.override]]
        user = "carol"
        amount = "unlimited"
        until = 2020-01-01
        "#,
    )
    .await;
    for (person, groups, times) in [
        ("alice", vec![], Some(1)),
        ("bob", vec![], Some(3)),
        ("carol", vec![], Some(1)),
        ("dave", vec!["trusted"], None),
    ] {
        let token = world.issuer.token(person, &groups);
        pass(&world, &token, times.unwrap_or(5)).await;
        if times.is_some() {
            refused(&world, &token, "few").await;
        }
    }
}
