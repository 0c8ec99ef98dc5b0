//! Clients that leave, crowd in or send too much, and ends: what stays behind in the process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

mod load;

use crate::support::wire::openai::chat_chunk;
use crate::support::{
    CHATS, Issuer, Launch, PATIENCE, Reply, Step, Upstream, World, eventually, question, streamed,
};

/// With these settings of the server.
fn file(server: &str, more: &str) -> String {
    format!(
        "[server]\n{server}\n[[issuer]]\nissuer = \"{{ISSUER}}\"\naudience = [\"api://attach-test\"]\n\
         [[upstream]]\nname = \"m\"\nkind = \"openai\"\ntrusted = true\nurl = \"{{UPSTREAM}}\"\n\
         [access]\ndefault = \"allow\"\n{more}\n"
    )
}

/// A model server that begins a stream and never goes on.
async fn endless() -> Upstream {
    Upstream::with(|_| {
        let piece = chat_chunk("m", &json!({"content": "one "}), &Value::Null);
        Reply::stream("text/event-stream", vec![Step::Send(piece.into()), Step::Hang])
    })
    .await
}

#[tokio::test]
async fn a_thousand_clients_that_leave_leave_nothing_behind() {
    let more = "[[quota]]\nid = \"few\"\nconcurrent = 60\n";
    let world = World::file(endless().await, &file("max_in_flight = 60", more)).await;
    let abort = || async {
        let mut answer = world.post(CHATS[0]).json(&streamed(CHATS[0], "m", "write")).stream().await;
        assert_eq!(answer.status, 200);
        answer.until("one").await;
        answer.id()
    };
    for _ in 0..5 {
        abort().await;
    }
    let outcomes = || world.gateway.records().iter().filter(|record| record["end"] == "client_abort").count();
    eventually("the first outcomes", || (outcomes() == 5).then_some(())).await;
    let (descriptors, memory) = (world.gateway.descriptors(), world.gateway.resident());
    // More than there are places: each has to be given back.
    for _ in 0..20 {
        futures_of(50, &abort).await;
        eventually("places", || (world.gateway.descriptors() <= descriptors + 40).then_some(())).await;
    }
    eventually("an outcome of each", || (outcomes() == 1005).then_some(())).await;
    eventually("as many descriptors as before", || {
        (world.gateway.descriptors() <= descriptors + 2).then_some(())
    })
    .await;
    let grown = world.gateway.resident().saturating_sub(memory);
    assert!(grown < 48, "{grown} MiB more");
    abort().await;
}

/// Runs it so many times side by side.
async fn futures_of<F: Future>(times: usize, one: &impl Fn() -> F) {
    let mut running: Vec<_> = (0..times).map(|_| Box::pin(one())).collect();
    std::future::poll_fn(|cx| {
        running.retain_mut(|one| one.as_mut().poll(cx).is_pending());
        if running.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

#[tokio::test]
async fn a_client_that_reads_slowly_slows_its_model_server_and_fills_no_memory() {
    let upstream = Upstream::with(|_| {
        let piece = chat_chunk("m", &json!({"content": "x".repeat(100_000)}), &Value::Null);
        let end = chat_chunk("m", &json!({}), &json!("stop")) + "data: [DONE]\n\n";
        let pieces = (0..1000).map(|_| Step::Send(piece.clone().into())).chain([Step::Send(end.into())]);
        Reply::stream("text/event-stream", pieces.collect())
    })
    .await;
    let world = World::file(upstream, &file("", "")).await;
    let before = world.gateway.resident();
    let mut answer = world.post(CHATS[0]).json(&streamed(CHATS[0], "m", "write")).stream().await;
    // A hundred megabytes are to come; most of them wait where they are.
    answer.piece().await.unwrap();
    let sent = eventually("the model server to stop", || {
        let sent = world.upstream.sent().len();
        std::thread::sleep(Duration::from_millis(200));
        (world.upstream.sent().len() == sent && sent > 0).then_some(sent)
    })
    .await;
    assert!(sent < 500, "{sent} of 1000 pieces were taken from the model server");
    let grown = world.gateway.peak().saturating_sub(before);
    assert!(grown < 64, "{grown} MiB more");
    assert!(answer.whole().await.text().ends_with("data: [DONE]\n\n"));
}

#[tokio::test]
async fn two_hundred_open_streams_are_finished_or_on_record_at_the_end() {
    let told = Arc::new(Notify::new());
    let wait = Arc::clone(&told);
    let upstream = Upstream::with(move |seen| {
        let event = |text: &str| chat_chunk("m", &json!({"content": text}), &Value::Null);
        let end = chat_chunk("m", &json!({}), &json!("stop")) + "data: [DONE]\n\n";
        let hangs = seen.text().contains("forever");
        let then = if hangs { Step::Hang } else { Step::Await(Arc::clone(&wait)) };
        let steps = vec![Step::Send(event("one ").into()), then, Step::Send((event("two") + &end).into())];
        Reply::stream("text/event-stream", steps)
    })
    .await;
    let mut world = World::file(upstream, &file("drain = \"6s\"", "")).await;
    let mut answers = Vec::new();
    for number in 0..200 {
        let text = if number % 4 == 0 { "forever" } else { "a while" };
        let mut answer = world.post(CHATS[0]).json(&streamed(CHATS[0], "m", text)).stream().await;
        answer.until("one").await;
        answers.push((text, answer));
    }
    world.gateway.terminate();
    world.gateway.stderr.line("stopping").await;
    assert!(TcpStream::connect(world.gateway.addr).await.is_err(), "still listening");
    told.notify_waiters();
    let mut ids = Vec::new();
    for (text, answer) in answers {
        let id = answer.id();
        let whole = answer.whole().await;
        assert_eq!(whole.text().ends_with("data: [DONE]\n\n"), text == "a while", "{text}: {}", whole.text());
        ids.push((text, id));
    }
    assert_eq!(world.gateway.ended().await.code(), Some(0));
    let records = world.gateway.records();
    for (text, id) in ids {
        let trail = crate::support::Trail::of(&records, &id);
        assert_eq!(trail.kinds(), ["intent", "outcome"], "{trail:?}");
        assert_eq!(trail.end() == "complete", text == "a while", "{trail:?}");
    }
}

#[tokio::test]
async fn without_file_descriptors_it_waits_and_serves_whom_it_has() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let text = file("", "").replace("{ISSUER}", issuer.url()).replace("{UPSTREAM}", &upstream.url());
    let gateway = Launch::file(&text).limited("ulimit -n 256").start().await;
    gateway.stderr.line("fewer connections than configured").await;
    let world = World { issuer, upstream, gateway };
    let call = world.post(CHATS[0]).json(&question(CHATS[0], "m", "hello"));
    let kept = call.stream().await;
    let (answer, connection) = kept.whole_and_connection().await;
    answer.expect(200);
    let mut crowd = Vec::new();
    for _ in 0..400 {
        crowd.push(TcpStream::connect(world.gateway.addr).await.unwrap());
    }
    // Whom it has it serves, with descriptors left for the model server and the log.
    let (answer, connection) = call.stream_on(connection).await.whole_and_connection().await;
    answer.expect(200);
    let before = world.gateway.ticks();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let used = world.gateway.ticks() - before;
    assert!(used < 50, "{used} hundredths of a second in one, while nobody can be let in");
    assert!(world.gateway.descriptors() < 256 - 32, "{}", world.gateway.descriptors());
    drop((crowd, connection));
    call.send().await.expect(200);
}

#[tokio::test]
async fn one_address_has_no_more_than_its_share_of_connections() {
    let world = World::file(Upstream::model().await, &file("max_connections_per_address = 20", "")).await;
    let call = world.post(CHATS[0]).json(&question(CHATS[0], "m", "hello"));
    let (answer, connection) = call.stream().await.whole_and_connection().await;
    answer.expect(200);
    let mut crowd = Vec::new();
    for _ in 0..500 {
        crowd.push(TcpStream::connect(world.gateway.addr).await.unwrap());
    }
    let mut turned_away = 0;
    for stream in &mut crowd[100..] {
        let ended = tokio::time::timeout(PATIENCE, stream.read(&mut [0; 1])).await;
        turned_away += usize::from(matches!(ended, Ok(Ok(0) | Err(_))));
    }
    assert_eq!(turned_away, 400);
    let since = Instant::now();
    call.stream_on(connection).await.whole().await.expect(200);
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
    drop(crowd);
    for _ in 0..500 {
        if let Ok(stream) = TcpStream::connect(world.gateway.addr).await {
            let mut answer = Vec::new();
            let mut stream = stream;
            let _ = stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").await;
            let _ = stream.read_to_end(&mut answer).await;
            if answer.starts_with(b"HTTP/1.0 200") || answer.starts_with(b"HTTP/1.1 200") {
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the places were not given back");
}
