//! `conn-flood`: connections on which nothing comes.

use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use crate::support::client::Connection;
use crate::support::{CHATS, Upstream, World, question};

async fn world() -> World {
    let text = "[server]\nmax_connections = 10000\nmax_connections_per_address = 10000\n[[issuer]]\nissuer = \"{ISSUER}\"\n\
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

/// `cargo test -p attach-gateway --test it conn_flood -- --ignored --nocapture`
#[tokio::test]
#[ignore = "a measurement; takes 9,000 file descriptors"]
async fn conn_flood_and_how_long_calls_take_beside_it() {
    let world = world().await;
    calls(&world, 500).await;
    let alone = calls(&world, 1000).await;
    let before = world.gateway.resident();
    let crowd = idle(&world, 9_000).await;
    calls(&world, 100).await;
    let beside = calls(&world, 1000).await;
    let grown = world.gateway.resident().saturating_sub(before);
    println!(
        "a call alone {alone:.2?}, beside {} idle connections {beside:.2?} (median, 99 %); {grown} MiB more",
        crowd.len()
    );
}
