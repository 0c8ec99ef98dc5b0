//! Clients that leave, crowd in or send too much, and ends: what stays behind in the process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;

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

#[tokio::test]
async fn bodies_beyond_the_memory_for_them_are_refused_and_the_process_stays_small() {
    let upstream = Upstream::with(|_| Reply::never()).await;
    let world = World::file(upstream, &file("max_buffered = \"32MiB\"", "")).await;
    let before = world.gateway.resident();
    let body = question(CHATS[0], "m", &"words and ".repeat(400_000)).to_string();
    assert!(body.len() > 3 << 20);
    let call = world.post(CHATS[0]).body(body);
    let mut calls = JoinSet::new();
    for _ in 0..200 {
        let call = call.clone();
        calls.spawn(async move { tokio::time::timeout(Duration::from_secs(20), call.send()).await });
    }
    let mut refused = 0;
    while let Some(ended) = calls.join_next().await {
        match ended.unwrap() {
            Ok(answer) => {
                let answer = answer.expect(503);
                assert_eq!(
                    (answer.code(), answer.header("retry-after")),
                    ("memory_exhausted".into(), Some("1"))
                );
                refused += 1;
            }
            // The few that were taken wait for the model server.
            Err(_) => break,
        }
    }
    assert!(refused >= 190, "{refused} of 200 were refused");
    let grown = world.gateway.peak().saturating_sub(before);
    assert!(grown < 256, "{grown} MiB more");
    // What they held comes back with them.
    calls.shutdown().await;
    let small = world.post(CHATS[0]).json(&question(CHATS[0], "m", &"words and ".repeat(300_000)));
    for _ in 0..500 {
        let answer = tokio::time::timeout(Duration::from_millis(500), small.stream()).await;
        // It waits for the model server: it was let in.
        if answer.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the memory was not given back");
}

#[tokio::test]
async fn a_body_without_a_length_is_counted_as_it_comes() {
    let world = World::file(Upstream::model().await, &file("max_buffered = \"4MiB\"", "")).await;
    let bearer = format!("Bearer {}", world.token("alice"));
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer}\r\nTransfer-Encoding: chunked\r\n\r\n",
        CHATS[0]
    );
    // Two that have sent three megabytes each do not fit side by side.
    let chunk = format!("80000\r\n{}\r\n", " ".repeat(0x8_0000));
    let mut streams = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(world.gateway.addr).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        streams.push(stream);
    }
    for _ in 0..6 {
        for stream in &mut streams {
            let _ = stream.write_all(chunk.as_bytes()).await;
        }
    }
    let (mut one, mut other) = ([0; 12], [0; 12]);
    let (first, second) = streams.split_at_mut(1);
    let heard = tokio::time::timeout(PATIENCE, async {
        tokio::select! {
            _ = first[0].read_exact(&mut one) => one,
            _ = second[0].read_exact(&mut other) => other,
        }
    });
    assert_eq!(&heard.await.unwrap(), b"HTTP/1.1 503");
    // Nobody's body is held for who is not known.
    let stranger = world.gateway.post(CHATS[0]).body(" ".repeat(1 << 20)).send().await;
    assert_eq!(stranger.status, 401);
}

/// Answers after a while, a few at a time: its capacity is `places / pause`.
async fn busy(pause: Duration) -> Upstream {
    Upstream::with(move |seen| {
        let answer = crate::support::wire::model(seen).bytes();
        Reply::stream("application/json", vec![Step::Pause(pause), Step::Send(answer.into())])
    })
    .await
}

#[tokio::test]
async fn what_is_too_much_is_refused_at_once_and_the_rest_is_served() {
    let world = World::file(busy(Duration::from_millis(50)).await, &file("max_in_flight = 8", "")).await;
    let call = world.post(CHATS[0]).json(&question(CHATS[0], "m", "hello"));
    let mut clients = JoinSet::new();
    // Twice as many at a time as there are places.
    for _ in 0..16 {
        let call = call.clone();
        clients.spawn(async move {
            let (mut served, mut refused) = (0, 0);
            for _ in 0..20 {
                let answer = call.send().await;
                match answer.status {
                    200 => served += 1,
                    503 => {
                        assert_eq!(
                            (answer.code(), answer.header("retry-after")),
                            ("overloaded".into(), Some("1"))
                        );
                        refused += 1;
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    other => panic!("{other}: {}", answer.text()),
                }
            }
            (served, refused)
        });
    }
    let ended = clients.join_all().await;
    let (served, refused) = ended.iter().fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
    assert!(served > 0 && refused > 0, "{served} served, {refused} refused");
    call.send().await.expect(200);
}

/// `cargo test -p attach-gateway --test it -- --ignored overload --nocapture`
#[tokio::test]
#[ignore = "a measurement of ten seconds"]
async fn goodput_under_twice_the_load() {
    let world = World::file(busy(Duration::from_millis(100)).await, &file("max_in_flight = 16", "")).await;
    let call = world.post(CHATS[0]).json(&question(CHATS[0], "m", "hello"));
    let load = |clients: usize| {
        let call = call.clone();
        async move {
            let until = Instant::now() + Duration::from_secs(5);
            let mut running = JoinSet::new();
            for _ in 0..clients {
                let call = call.clone();
                running.spawn(async move {
                    let (mut served, mut waits) = (0_u32, Vec::new());
                    while Instant::now() < until {
                        let since = Instant::now();
                        match call.send().await.status {
                            200 => served += 1,
                            _ => {
                                waits.push(since.elapsed());
                                tokio::time::sleep(Duration::from_millis(100)).await;
                            }
                        }
                    }
                    (served, waits)
                });
            }
            let ended = running.join_all().await;
            let served: u32 = ended.iter().map(|one| one.0).sum();
            let mut waits: Vec<_> = ended.into_iter().flat_map(|one| one.1).collect();
            waits.sort_unstable();
            (served, waits)
        }
    };
    let (alone, _) = load(16).await;
    let (crowded, waits) = load(32).await;
    let median = waits.get(waits.len() / 2).copied().unwrap_or_default();
    println!("{alone} served in 5 s by 16 clients, {crowded} by 32; {} refused, in {median:?}", waits.len());
    assert!(f64::from(crowded) >= 0.9 * f64::from(alone));
}
