//! `conn-flood`: connections on which nothing comes.

use std::time::{Duration, Instant};

use tokio::net::{TcpSocket, TcpStream};

use crate::support::client::Connection;
use crate::support::{CHATS, Upstream, World, question};

/// Idle connections are closed after ten seconds unless somebody says otherwise: here they are to stay.
async fn world() -> World {
    let text = "[server]\nmax_connections = 20100\nmax_connections_per_address = 2100\ntimeout.head = \"10m\"\n[[issuer]]\nissuer = \"{ISSUER}\"\n\
                audience = [\"api://attach-test\"]\n[[upstream]]\nname = \"m\"\nkind = \"openai\"\nurl = \"{UPSTREAM}\"\n\
                [access]\ndefault = \"allow\"\n";
    World::file(Upstream::model().await, text).await
}

/// So many calls on a connection that is kept; how long half of them took at most, and all but one in a hundred.
async fn calls(world: &World, many: usize) -> (Duration, Duration) {
    let call = world.post(CHATS[0]).json(&question(CHATS[0], "m", "hello"));
    let (mut connection, mut took) = (Connection::open(world.gateway.addr).await, Vec::new());
    for _ in 0..many {
        let began = Instant::now();
        let (answer, same) = call.stream_on(connection).await.whole_and_connection().await;
        answer.expect(200);
        took.push(began.elapsed());
        connection = same;
    }
    took.sort_unstable();
    (took[many / 2], took[many * 99 / 100])
}

async fn idle(world: &World, many: usize) -> Vec<TcpStream> {
    let mut crowd = Vec::new();
    for _ in 0..many {
        crowd.push(TcpStream::connect(world.gateway.addr).await.unwrap());
    }
    crowd
}

#[tokio::test]
async fn conn_flood_of_idle_connections_takes_little_memory_and_others_are_served() {
    let world = world().await;
    calls(&world, 20).await;
    let before = world.gateway.resident();
    let crowd = idle(&world, 2000).await;
    calls(&world, 50).await;
    let grown = world.gateway.resident().saturating_sub(before);
    println!("2000 idle connections: {grown} MiB more");
    assert!(grown < 128, "{grown} MiB more");
    drop(crowd);
    calls(&world, 20).await;
}

/// As many as the issue asks for.
const CROWD: usize = 20_000;

/// How many connections this process may have and the gateway takes: each may need two descriptors there.
fn affordable() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let soft = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next());
    soft.and_then(|soft| soft.parse().ok())
        .map_or(CROWD, |soft: usize| (soft.saturating_sub(2000) / 2).min(CROWD))
}

/// Idle connections of many addresses, each with less than its share.
async fn crowd(world: &World, many: usize) -> Vec<TcpStream> {
    let mut crowd = Vec::with_capacity(many);
    for n in 0..many {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 2 + (n / 1000) as u8], 0).into()).unwrap();
        crowd.push(socket.connect(world.gateway.addr).await.unwrap());
    }
    crowd
}

/// `ulimit -n 45000; cargo test -p attach-gateway --test it conn_flood -- --ignored --nocapture`
#[tokio::test]
#[ignore = "a measurement; takes 20,000 connections, or as many as ulimit -n has room for"]
async fn conn_flood_and_how_long_calls_take_beside_it() {
    let many = affordable();
    if many < CROWD {
        println!("{CROWD} connections need ulimit -n 45000 (hard as well): {many} are all that fit here");
    }
    let world = world().await;
    calls(&world, 500).await;
    let alone = calls(&world, 1000).await;
    let before = world.gateway.resident();
    let crowd = crowd(&world, many).await;
    calls(&world, 100).await;
    let beside = calls(&world, 1000).await;
    assert!(world.gateway.descriptors() > many, "they were there all the time");
    let grown = world.gateway.resident().saturating_sub(before);
    println!(
        "a call alone {alone:.2?}, beside {} idle connections {beside:.2?} (median, 99 %); {grown} MiB more",
        crowd.len()
    );
}
