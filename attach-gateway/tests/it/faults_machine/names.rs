//! `dns-fail`: a model server's name is unknown, cannot be asked for, or moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{ELSEWHERE, FAILING, Fault, Machine, UNKNOWN};
use crate::support::fleet::{Fleet, ONE};
use crate::support::{CHATS, Issuer, Launch, assert_shape, wire};

/// Answers on a port of both addresses, a connection for each request; how often each was asked.
async fn twins() -> (u16, [Arc<AtomicUsize>; 2]) {
    let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = first.local_addr().unwrap().port();
    let second = TcpListener::bind(("127.0.0.2", port)).await.unwrap();
    let asked: [Arc<AtomicUsize>; 2] = Default::default();
    let said = wire::Said { model: "m".into(), text: "hi".into(), usage: true };
    let body = wire::openai::chat(&said).to_string();
    let answer: Arc<str> = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .into();
    for (listener, asked) in [first, second].into_iter().zip(&asked) {
        let (asked, answer) = (Arc::clone(asked), Arc::clone(&answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                asked.fetch_add(1, Ordering::SeqCst);
                let answer = Arc::clone(&answer);
                tokio::spawn(async move {
                    // The requests here are smaller than one read.
                    let _ = stream.read(&mut [0; 16384]).await;
                    let _ = stream.write_all(answer.as_bytes()).await;
                    let _ = stream.shutdown().await;
                    let _ = stream.read(&mut [0; 16384]).await;
                });
            }
        });
    }
    (port, asked)
}

async fn fleet(machine: &Machine, port: u16) -> Fleet {
    let issuer = Issuer::start().await;
    let url = format!("http://model.test:{port}");
    let text = Fleet::file(&issuer, &[("a", &url, "breaker = false")], ONE);
    Fleet::launch(issuer, machine.under(Launch::file(&text))).await
}

#[tokio::test]
async fn dns_fail_from_the_start_is_a_502_until_the_name_is_there() {
    let Some(machine) = Machine::new() else { return };
    let (port, asked) = twins().await;
    for fault in [UNKNOWN, FAILING] {
        machine.set(Fault::Names, fault);
        let fleet = fleet(&machine, port).await;
        let answer = fleet.chat("m").send().await.expect(502);
        assert_shape(CHATS[0], &answer, "upstream_unreachable");
        assert_eq!(fleet.gateway.finished(&answer.id()).await.end(), "upstream_error");
        machine.set(Fault::Names, 0);
        fleet.chat("m").send().await.expect(200);
    }
    assert_eq!(asked[0].load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn dns_fail_later_is_noticed_by_no_caller() {
    let Some(machine) = Machine::new() else { return };
    let (port, _) = twins().await;
    let fleet = fleet(&machine, port).await;
    fleet.chat("m").send().await.expect(200);
    machine.set(Fault::Names, FAILING);
    let began = Instant::now();
    // An answer is fresh for ten seconds; after that the resolver is asked, and fails.
    while !fleet.gateway.stderr.text().contains("the resolver fails; its last answer is used") {
        fleet.chat("m").send().await.expect(200);
        assert!(began.elapsed() < Duration::from_secs(60), "the resolver was never asked again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    fleet.chat("m").send().await.expect(200);
}

#[tokio::test]
async fn dns_that_moves_is_followed_within_half_a_minute_and_no_call_fails() {
    let Some(machine) = Machine::new() else { return };
    let (port, asked) = twins().await;
    let fleet = fleet(&machine, port).await;
    fleet.chat("m").send().await.expect(200);
    machine.set(Fault::Names, ELSEWHERE);
    let began = Instant::now();
    while asked[1].load(Ordering::SeqCst) == 0 {
        fleet.chat("m").send().await.expect(200);
        assert!(began.elapsed() < Duration::from_secs(30), "still asked where it was");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("a name that moved was followed after {:.1?}", began.elapsed());
}
