//! More than there is room for.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::file;
use crate::support::{CHATS, Call, PATIENCE, Reply, Step, Upstream, World, question};

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

/// Calls without a pause by so many clients, and how many a second are served; how long each refusal took.
async fn load(call: &Call, clients: usize, lasts: Duration) -> (f64, Vec<Duration>) {
    let until = Instant::now() + lasts;
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
    (f64::from(served) / lasts.as_secs_f64(), waits)
}

/// `ATTACH_OVERLOAD=300 cargo test -p attach-gateway --test it goodput -- --ignored --nocapture`; five seconds unless it
/// says otherwise.
#[tokio::test]
#[ignore = "a measurement of ten seconds, or of as many as it is told"]
async fn goodput_under_twice_the_load() {
    let seconds = std::env::var("ATTACH_OVERLOAD").ok().and_then(|n| n.parse().ok()).unwrap_or(5);
    let lasts = Duration::from_secs(seconds);
    // So few that it is the model server that is short, and not this machine's processor, whatever else runs on it.
    let world = World::file(busy(Duration::from_millis(250)).await, &file("max_in_flight = 8", "")).await;
    let call = world.post(CHATS[0]).json(&question(CHATS[0], "m", "hello"));
    let (alone, _) = load(&call, 8, lasts.min(Duration::from_secs(30))).await;
    let before = world.gateway.resident();
    let (crowded, waits) = load(&call, 16, lasts).await;
    let grown = world.gateway.resident().saturating_sub(before);
    let since = Instant::now();
    call.send().await.expect(200);
    let at = |share: usize| waits.get(waits.len() * share / 100).copied().unwrap_or_default();
    println!(
        "{alone:.1} a second served by 8 clients, {crowded:.1} by 16 for {seconds} s; {} refused, in {:.1?} (median), \
         {:.1?} (99 %); {grown} MiB more; the next call took {:.1?}",
        waits.len(),
        at(50),
        at(99),
        since.elapsed()
    );
    assert!(crowded >= 0.9 * alone && grown < 64);
}

/// `cargo test -p attach-gateway --test it a_thousand_bodies -- --ignored --nocapture`
///
/// The most that it ever had resident is held against 256 MiB: a control group of that size would not have ended it.
#[tokio::test]
#[ignore = "a measurement; sends 4 GB"]
async fn a_thousand_bodies_of_four_mebibytes_fit_into_256_mebibytes() {
    let upstream = Upstream::with(|_| Reply::never()).await;
    let world = World::file(upstream, &file("max_buffered = \"64MiB\"", "")).await;
    let body = question(CHATS[0], "m", &"a".repeat((4 << 20) - 4096)).to_string();
    let call = world.post(CHATS[0]).body(body);
    let mut calls = JoinSet::new();
    let mut refused = 0;
    for _ in 0..1000 {
        let call = call.clone();
        calls.spawn(
            async move { tokio::time::timeout(PATIENCE, call.send()).await.map(|answer| answer.status) },
        );
        // As many at a time as fit into this process.
        if calls.len() == 200 {
            refused += u32::from(matches!(calls.join_next().await, Some(Ok(Ok(503)))));
        }
    }
    while let Ok(Some(ended)) = tokio::time::timeout(Duration::from_secs(5), calls.join_next()).await {
        refused += u32::from(matches!(ended, Ok(Ok(503))));
    }
    let waiting = calls.len();
    calls.shutdown().await;
    world.gateway.get("/healthz").send().await.expect(200);
    let peak = world.gateway.peak();
    println!(
        "1000 bodies of 4 MiB: {refused} refused, {waiting} waiting for the model server, at most {peak} MiB resident"
    );
    assert!(peak < 256 && refused > 900, "{refused} refused, {peak} MiB");
}
