//! Model servers that fail, in the ways the list of faults names: who is asked instead, how often, and what the caller
//! hears.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::fleet::{BOTH, Fleet, ONE, nobody};
use crate::support::{CHATS, Reply, Seen, Upstream, assert_shape, eventually, question, streamed, wire};

/// Fails every other call.
async fn flaky(statuses: &'static [u16]) -> Upstream {
    let n = AtomicUsize::new(0);
    Upstream::with(move |seen: &Seen| {
        let n = n.fetch_add(1, Ordering::SeqCst);
        match n % 2 {
            0 => Reply::json(statuses[n / 2 % statuses.len()], &json!({"error": {"message": "no"}})),
            _ => wire::model(seen),
        }
    })
    .await
}

async fn failing(status: u16, header: Option<(&'static str, &'static str)>) -> Upstream {
    Upstream::with(move |_| {
        let reply = Reply::json(status, &json!({"error": {"message": "said the upstream"}}));
        match header {
            Some((name, value)) => reply.header(name, value),
            None => reply,
        }
    })
    .await
}

#[tokio::test]
async fn upstream_refused_is_answered_at_once_and_gives_the_reservation_back() {
    let more = format!("{ONE}[[quota]]\nid = \"one\"\neach = \"user\"\nconcurrent = 1\n");
    let fleet = Fleet::start(&[("a", &nobody(), "")], &more).await;
    for _ in 0..2 {
        let began = Instant::now();
        let answer = fleet.chat("m").send().await.expect(502);
        assert_shape(CHATS[0], &answer, "upstream_unreachable");
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        assert_eq!(fleet.gateway.trail(&answer.id()).end(), "upstream_error");
    }
}

#[tokio::test]
async fn upstream_refused_is_made_up_for_by_another_target_until_it_is_not_asked_any_more() {
    let b = Upstream::model().await;
    let fleet = Fleet::start(&[("a", &nobody(), ""), ("b", &b.url(), "")], BOTH).await;
    for n in 0..9 {
        let answer = fleet.chat("m").send().await.expect(200);
        let route = fleet.gateway.trail(&answer.id()).outcome()["model"].clone();
        // After seven failures in a row.
        let attempts = if n < 7 { 2 } else { 1 };
        assert_eq!((&route["upstream"], &route["attempts"]), (&json!("b"), &json!(attempts)), "{n}");
    }
    assert_eq!(b.seen().len(), 9);
    assert_eq!(fleet.metric("attach_upstream_breaker", "\"a\"").await, 2.0);
    assert_eq!(fleet.metric("attach_upstream_breaker", "\"b\"").await, 0.0);
    assert_eq!(fleet.metric("attach_upstream_skipped_total", "\"open\"").await, 2.0);
    fleet.gateway.stderr.line("the upstream is not called for a while").await;
}

#[tokio::test]
async fn upstream_blackhole_is_a_504_and_soon_a_503_at_once_while_others_answer() {
    let (a, b) = (Upstream::with(|_| Reply::never()).await, Upstream::model().await);
    let settings = "timeout = { first_byte = \"300ms\" }\nbreaker = { consecutive = 3, open = \"10m\", max_open = \"10m\" }";
    let more = format!("{ONE}[[model]]\nname = \"other\"\nto = [\"b\"]\n");
    let fleet = Fleet::start(&[("a", &a.url(), settings), ("b", &b.url(), "")], &more).await;
    let ask = || fleet.post(CHATS[0]).json(&streamed(CHATS[0], "m", "hello"));
    for _ in 0..3 {
        let answer = ask().send().await.expect(504);
        assert_shape(CHATS[0], &answer, "upstream_timeout");
        fleet.chat("other").send().await.expect(200);
    }
    for path in CHATS {
        let call = fleet.post(path).json(&streamed(path, "m", "hello"));
        let answer = call.send().await;
        if path == "/v1/messages" {
            // What is not translated is no matter of breakers.
            assert!([501, 503].contains(&answer.status), "{answer:?}");
            continue;
        }
        assert_shape(path, &answer, "upstream_unavailable");
        let wait: u64 = answer.expect(503).header("retry-after").unwrap().parse().unwrap();
        assert!((500..=900).contains(&wait), "{wait}");
    }
    assert_eq!(a.seen().len(), 3);
    fleet.chat("other").send().await.expect(200);
}

#[tokio::test]
async fn upstream_that_comes_back_is_called_again() {
    let well = Arc::new(AtomicUsize::new(0));
    let shared = Arc::clone(&well);
    let a = Upstream::with(move |seen| match shared.load(Ordering::SeqCst) {
        0 => Reply::json(500, &json!({})),
        _ => wire::model(seen),
    })
    .await;
    let settings = "breaker = { consecutive = 2, open = \"100ms\" }";
    let fleet = Fleet::start(&[("a", &a.url(), settings)], ONE).await;
    for status in [500, 500, 503] {
        fleet.chat("m").send().await.expect(status);
    }
    well.store(1, Ordering::SeqCst);
    let until = Instant::now() + crate::support::PATIENCE;
    while fleet.chat("m").send().await.status != 200 {
        assert!(Instant::now() < until, "it was never called again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    fleet.gateway.stderr.line("one call tries the upstream again").await;
    fleet.gateway.stderr.line("the upstream is called again").await;
    assert_eq!(fleet.metric("attach_upstream_breaker", "\"a\"").await, 0.0);
}

#[tokio::test]
async fn upstream_5xx_burst_costs_the_others_a_fifth_more_at_most() {
    let (a, b) = (flaky(&[500, 502, 503, 529]).await, Upstream::model().await);
    let fleet = Fleet::start(&[("a", &a.url(), "breaker = false"), ("b", &b.url(), "")], BOTH).await;
    let (mut well, offered) = (0, 120);
    for _ in 0..offered {
        let answer = fleet.chat("m").send().await;
        well += usize::from(answer.status == 200);
        assert!([200, 500, 502, 503, 529].contains(&answer.status), "{}", answer.status);
    }
    let sent = a.seen().len() + b.seen().len();
    assert_eq!(a.seen().len(), offered);
    // Three are free in ten seconds, however few calls there are.
    assert!(sent > offered + 10 && sent <= offered * 12 / 10 + 3, "{sent} for {offered}");
    assert_eq!(well, offered / 2 + b.seen().len());
    assert!(fleet.metric("attach_upstream_skipped_total", "\"budget\"").await > 0.0);
}

#[tokio::test]
async fn upstream_5xx_burst_opens_the_breaker_by_the_rate_of_success() {
    let (a, b) = (flaky(&[500, 502, 503, 529]).await, Upstream::model().await);
    let settings = "breaker = { open = \"10m\", max_open = \"10m\" }";
    let fleet = Fleet::start(&[("a", &a.url(), settings), ("b", &b.url(), "")], BOTH).await;
    let offered = 80;
    for _ in 0..offered {
        fleet.chat("m").send().await;
    }
    assert!((30..=60).contains(&a.seen().len()), "{}", a.seen().len());
    assert!(a.seen().len() + b.seen().len() <= offered * 12 / 10 + 3);
    fleet.chat("m").send().await.expect(200);
    assert_eq!(fleet.metric("attach_upstream_breaker", "\"a\"").await, 2.0);
}

#[tokio::test]
async fn what_may_have_been_done_is_not_done_twice_if_it_does_more_than_cost() {
    let (a, b) = (failing(500, None).await, Upstream::model().await);
    let more = format!("{BOTH}[[access.allow]]\nid = \"tools\"\ntools = [\"*\"]\n");
    let fleet = Fleet::start(&[("a", &a.url(), ""), ("b", &b.url(), "")], &more).await;
    let body = json!({"model": "m", "input": "hello", "tools": [{"type": "web_search"}]});
    let answer = fleet.post("/v1/responses").json(&body).send().await;
    assert_eq!((answer.status, a.seen().len(), b.seen().len()), (500, 1, 0), "{}", answer.text());
    fleet.post("/v1/responses").json(&json!({"model": "m", "input": "hello"})).send().await.expect(200);
    assert_eq!((a.seen().len(), b.seen().len()), (2, 1));
}

#[tokio::test]
async fn upstream_429_goes_to_another_target_and_is_left_alone_as_long_as_it_asked() {
    let (a, b) = (failing(429, Some(("retry-after", "30"))).await, Upstream::model().await);
    let fleet = Fleet::start(&[("a", &a.url(), ""), ("b", &b.url(), "")], BOTH).await;
    for _ in 0..5 {
        fleet.chat("m").send().await.expect(200);
    }
    assert_eq!((a.seen().len(), b.seen().len()), (1, 5));
    assert_eq!(fleet.metric("attach_upstream_skipped_total", "\"paused\"").await, 4.0);
}

#[tokio::test]
async fn upstream_429_of_all_targets_stays_a_429_with_its_retry_after() {
    let (a, b) =
        (failing(429, Some(("retry-after", "30"))).await, failing(429, Some(("retry-after", "7"))).await);
    let fleet = Fleet::start(&[("a", &a.url(), ""), ("b", &b.url(), "")], BOTH).await;
    let answer = fleet.chat("m").send().await.expect(429);
    assert_eq!((answer.header("retry-after"), a.seen().len(), b.seen().len()), (Some("7"), 1, 1));
    assert_eq!(answer.json()["error"]["message"], "said the upstream");
}

#[tokio::test]
async fn upstream_429_is_what_the_caller_hears_where_the_other_target_is_away() {
    let a = failing(429, Some(("retry-after", "30"))).await;
    let fleet = Fleet::start(&[("a", &a.url(), ""), ("b", &nobody(), "")], BOTH).await;
    for path in [CHATS[0], CHATS[2]] {
        let answer = fleet.post(path).json(&question(path, "m", "hello")).send().await;
        // The second call begins with the target that has not asked to be left alone.
        if path == CHATS[0] {
            assert_shape(path, &answer, "upstream_rate_limited");
        }
        assert_eq!((answer.status, answer.header("retry-after")), (429, Some("30")), "{path}");
    }
}

#[tokio::test]
async fn upstream_429_counts_for_the_breaker() {
    let a = failing(429, Some(("retry-after", "1"))).await;
    let settings = "breaker = { consecutive = 2, open = \"10m\", max_open = \"10m\" }";
    let fleet = Fleet::start(&[("a", &a.url(), settings)], ONE).await;
    for status in [429, 429, 503] {
        fleet.chat("m").send().await.expect(status);
    }
    assert_eq!(a.seen().len(), 2);
}

#[tokio::test]
async fn upstream_that_is_full_is_passed_over_and_alone_it_is_a_503_at_once() {
    let (a, b) = (Upstream::with(|_| Reply::never()).await, Upstream::model().await);
    let more = format!("{BOTH}[[model]]\nname = \"alone\"\nto = [\"a\"]\n");
    let fleet = Fleet::start(&[("a", &a.url(), "max_in_flight = 2"), ("b", &b.url(), "")], &more).await;
    let call = fleet.chat("m");
    let running = (0..2).map(|_| {
        let call = call.clone();
        tokio::spawn(async move { call.send().await })
    });
    let running: Vec<_> = running.collect();
    eventually("two calls", || (a.seen().len() == 2).then_some(())).await;
    fleet.chat("m").send().await.expect(200);
    let answer = fleet.chat("alone").send().await.expect(503);
    assert_shape(CHATS[0], &answer, "upstream_busy");
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!((a.seen().len(), b.seen().len()), (2, 1));
    running.iter().for_each(tokio::task::JoinHandle::abort);
    // Their places are free when they have left.
    let call = fleet.chat("alone");
    let late = tokio::spawn(async move {
        loop {
            if call.clone().send().await.status != 503 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    eventually("a third call", || (a.seen().len() == 3).then_some(())).await;
    late.abort();
}
