//! Limits that cut a stream.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use attach_core::{Body, Exchange, Outcome};
use attach_quota::{Action, Budget, Limit, Period, Price, Prices, QuotaLayer, Rate, Store, Unit, Weights};
use http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::Value;

use crate::support::*;

mod clients;
mod dialects;
mod late;

const CHAT: &str = "/v1/chat/completions";

/// What a stream may use beyond what was left where the store answers after the task has yielded once: the tokens of
/// a frame, and of those that pass while it is asked three times.
const BOUND: u64 = 8;

fn limit() -> Limit {
    Limit::tokens("tpm", Rate::per_minute(600)).action(Action::Cut)
}

/// A dollar for a million tokens.
fn layer(limits: Vec<Limit>, store: impl Store) -> QuotaLayer {
    let prices = Prices::new().model("*".parse().unwrap(), Price::new(1_000_000, 1_000_000));
    QuotaLayer::new(limits).prices(prices).store(store)
}

/// Says so many words, a token each, and then nothing; it never ends by itself.
fn talk(words: usize) -> Response<Body> {
    let (writer, body) = stream();
    for _ in 0..words {
        writer.send(&chunk("word"));
    }
    keep(writer);
    typed(SSE, body)
}

fn keep(writer: Writer) {
    tokio::spawn(async move {
        std::future::pending::<()>().await;
        drop(writer);
    });
}

async fn talking(limits: Vec<Limit>) -> Server {
    let ledger = Ledger::default();
    let addr = serve_layer(layer(limits, ledger.clone()), |_| async { talk(3000) }).await;
    Server { addr, ledger }
}

fn words(text: &str) -> u64 {
    text.matches("\"word\"").count() as u64
}

/// The events of a stream, as JSON where they are that.
fn events(text: &str) -> Vec<Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap_or_else(|_| data.into())).collect()
}

/// That a stream ended as one that was too long, under the limit `id`.
fn assert_cut(text: &str, id: &str) {
    let events = events(text);
    let [.., last, done] = &events[..] else { panic!("{text}") };
    assert_eq!(done, "[DONE]");
    assert_eq!((&last["id"], &last["choices"][0]["finish_reason"]), (&"c".into(), &"length".into()));
    assert_eq!((&last["attach"]["code"], &last["attach"]["limit"]), (&"quota_exceeded".into(), &id.into()));
    assert!(last["attach"]["retry_after"].as_u64().unwrap() >= 1);
}

#[tokio::test]
async fn a_stream_ends_when_the_limit_is_used_up_and_what_it_used_is_charged() {
    let server = talking(vec![limit()]).await;
    let text = text(server.post(CHAT, HELLO).await).await;
    assert_cut(&text, "tpm");
    assert_eq!(server.tokens(), INPUT + words(&text), "what was sent is what is charged");
    assert!((600..=600 + BOUND).contains(&server.tokens()), "{}", server.tokens());
    assert_eq!(server.status(CHAT, HELLO).await, 429);
}

#[tokio::test]
async fn every_unit_that_an_answer_is_measured_in_cuts() {
    let double = Weights { output: 2000, ..Weights::default() };
    for (limit, least, most) in [
        (Limit::tokens("l", Budget::new(600, Period::Day)), 600 - INPUT, 600 - INPUT),
        (Limit::output_tokens("l", Rate::per_minute(600)), 600, 600),
        (Limit::tokens("l", Rate::per_minute(1200)).weights(double), 595, 596),
        (Limit::micro_usd("l", Budget::new(600, Period::Month)), 600 - INPUT, 600 - INPUT),
        (Limit::tokens("l", Rate::per_minute(2000)), 2000 - INPUT, 2000 - INPUT),
        (Limit::tokens("l", Rate::per_minute(40)), 40 - INPUT, 40 - INPUT),
    ] {
        let name = format!("{limit:?}");
        let server = talking(vec![limit.action(Action::Cut)]).await;
        let text = text(server.post(CHAT, HELLO).await).await;
        assert_cut(&text, "l");
        assert!((least..=most + BOUND).contains(&words(&text)), "{} words under {name}", words(&text));
    }
}

#[tokio::test]
async fn the_tightest_limit_cuts_and_is_the_one_that_is_named() {
    let roomy = Limit::micro_usd("usd", Budget::new(2000, Period::Month)).action(Action::Cut);
    let server = talking(vec![roomy, limit(), Limit::requests("rpm", Rate::per_minute(10))]).await;
    let text = text(server.post(CHAT, HELLO).await).await;
    assert_cut(&text, "tpm");
    assert_eq!(server.ledger.charged("alice", Unit::MicroUsd), INPUT + words(&text));
    assert_eq!(server.tokens(), INPUT + words(&text));
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_limit_that_refuses_beside_one_that_cuts_stays_in_debt() {
    let roomy = Limit::output_tokens("out", Rate::per_minute(1000)).action(Action::Cut);
    let server = talking(vec![Limit::tokens("tpm", Rate::per_minute(600)), roomy]).await;
    let text = text(server.post(CHAT, HELLO).await).await;
    assert_cut(&text, "out");
    assert_eq!(server.tokens(), INPUT + words(&text), "600 were no bound");
    assert!(words(&text) >= 1000);
}

#[tokio::test]
async fn two_streams_of_one_caller_share_what_is_left() {
    let server = talking(vec![limit()]).await;
    let both = async || text(server.post(CHAT, HELLO).await).await;
    let (one, other) = tokio::join!(both(), both());
    assert_cut(&one, "tpm");
    assert_cut(&other, "tpm");
    assert_eq!(server.tokens(), 2 * INPUT + words(&one) + words(&other));
    assert!((600..=600 + 2 * BOUND).contains(&server.tokens()), "{}", server.tokens());
}

#[tokio::test]
async fn an_answer_in_one_piece_is_never_cut() {
    const USED: &str = r#"{"usage":{"prompt_tokens":9,"completion_tokens":5000}}"#;
    let server = serve_json(vec![limit()], USED).await;
    assert_eq!(text(server.post(CHAT, HELLO).await).await, USED);
    assert_eq!(server.tokens(), 5009);
}

#[tokio::test]
async fn a_stream_that_nobody_can_look_into_is_in_debt_and_not_broken() {
    let server = serve(vec![limit()], |_| async {
        let (writer, body) = stream();
        writer.send(&"x".repeat(10_000));
        drop(writer);
        let mut answer = typed(SSE, body);
        answer.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
        answer
    })
    .await;
    assert_eq!(text(server.post(CHAT, HELLO).await).await.len(), 10_000);
    assert_eq!(server.tokens(), INPUT + 5000);
}

#[tokio::test]
async fn a_stream_that_said_why_it_ends_is_not_ended_again() {
    let finish =
        "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    let usage =
        "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":700}}\n\n";
    let stream = (0..500).map(|_| chunk("word")).collect::<String>() + finish + usage + "data: [DONE]\n\n";
    let server = serve_stream(vec![limit()], SSE, stream.clone()).await;
    assert_eq!(text(server.post(CHAT, HELLO).await).await, stream);
    assert_eq!(server.tokens(), 709);
}

#[tokio::test]
async fn who_has_read_nothing_yet_is_told_of_an_error() {
    let server = serve(vec![limit()], |_| async {
        let (writer, body) = stream();
        for _ in 0..3000 {
            writer.send("data: not an event\n\n");
        }
        keep(writer);
        typed(SSE, body)
    })
    .await;
    let text = text(server.post(CHAT, HELLO).await).await;
    let events = events(&text);
    let [.., error, done] = &events[..] else { panic!("{text}") };
    assert_eq!((&error["error"]["code"], done), (&"rate_limit_exceeded".into(), &"[DONE]".into()));
}

#[tokio::test]
async fn the_trail_is_told_of_the_cut_and_of_the_limit() {
    let seen: Arc<Mutex<Option<Exchange>>> = Arc::default();
    let known = Arc::clone(&seen);
    let server = serve(vec![limit()], move |request: Request<Body>| {
        *known.lock().unwrap() = request.extensions().get::<Exchange>().cloned();
        async { talk(3000) }
    })
    .await;
    text(server.post(CHAT, HELLO).await).await;
    let exchange = seen.lock().unwrap().take().unwrap();
    assert_eq!(exchange.outcome(), Some(Outcome::Cut));
    exchange.facts(|facts| {
        let quota = facts.quota.as_ref().unwrap();
        assert_eq!((&*quota.limit_id, quota.limit, quota.remaining), ("tpm", 600, 0));
        assert_eq!(facts.refusal.as_ref().unwrap().code, "rate_limit_exceeded");
    });
}

/// One stream under `limit`, to be written by hand.
async fn one_stream(limit: Limit) -> (Server, Writer) {
    let (writer, body) = stream();
    let body = Arc::new(Mutex::new(Some(body)));
    let server = serve(vec![limit], move |_| {
        let body = body.lock().unwrap().take();
        async { body.map_or_else(|| json("{}"), |body| typed(SSE, body)) }
    })
    .await;
    (server, writer)
}

/// Writes so many words and reads them.
async fn say(writer: &Writer, answer: &mut Answer, many: u64) {
    for _ in 0..many {
        writer.send(&chunk("word"));
    }
    let mut read = String::new();
    while words(&read) < many {
        let frame = answer.body_mut().frame().await.expect("it goes on").unwrap();
        read += std::str::from_utf8(&frame.into_data().unwrap()).unwrap();
    }
}

#[tokio::test]
async fn what_fills_meanwhile_can_be_used_by_a_slow_stream() {
    let (server, writer) = one_stream(limit()).await;
    let mut answer = server.post(CHAT, HELLO).await;
    for _ in 0..10 {
        say(&writer, &mut answer, 500).await;
        server.ledger.advance(Duration::from_secs(60));
    }
    assert!(server.tokens() >= 5000 + INPUT);
    writer.send("data: [DONE]\n\n");
    drop(writer);
    text(answer).await;
    assert_eq!(server.tokens(), 5000 + INPUT);
}

#[tokio::test]
async fn what_a_stream_uses_after_midnight_is_the_next_days() {
    let (server, writer) =
        one_stream(Limit::tokens("tpd", Budget::new(600, Period::Day)).action(Action::Cut)).await;
    let mut answer = server.post(CHAT, HELLO).await;
    say(&writer, &mut answer, 500).await;
    server.ledger.advance(Duration::from_secs(24 * 60 * 60));
    say(&writer, &mut answer, 600).await;
    for _ in 0..500 {
        writer.send(&chunk("word"));
    }
    let rest = text(answer).await;
    assert_cut(&rest, "tpd");
    assert_eq!(server.tokens(), INPUT + 1100 + words(&rest));
    assert!(server.tokens() <= 1200 + BOUND, "{}", server.tokens());
    assert_eq!(server.status(CHAT, HELLO).await, 429, "the next day's budget is used up");
}
