//! What is carried over.

use super::{OTHER, REST, Site};
use crate::support::client::Connection;

#[tokio::test]
async fn connections_of_callers_and_to_upstreams_that_are_as_they_were_are_kept() {
    let site = Site::start().await;
    let connection = Connection::open(site.gateway.addr).await;
    let answer = site.call("alice", "hello").stream_on(connection).await;
    let (answer, connection) = answer.whole_and_connection().await;
    answer.expect(200);
    let connections = site.one.connections();
    let masked = format!("{REST}[redact]\ndefault = \"mask\"\n");
    site.reload(&masked).await;
    let answer = site.call("alice", "hello").stream_on(connection).await;
    let (answer, connection) = answer.whole_and_connection().await;
    answer.expect(200);
    assert_eq!(site.one.connections(), connections, "the same connection to the upstream");

    site.reload_all(&site.file(&masked).replacen("name = \"one\"", "name = \"one\"\ntrusted = true", 1))
        .await;
    let answer = site.call("alice", "hello").stream_on(connection).await;
    let (answer, connection) = answer.whole_and_connection().await;
    answer.expect(200);
    assert!(site.one.connections() > connections, "another upstream has its own");
    site.reload(&format!("{OTHER}[redact]\n")).await;
    let answer = site.call("alice", "hello").stream_on(connection).await;
    answer.whole().await.expect(200);
    assert_eq!(site.two.seen().len(), 1, "the caller's connection, the new configuration");
}

#[tokio::test]
async fn the_port_of_the_command_line_stays_and_the_log_goes_on_in_one_chain() {
    let mut site = Site::start().await;
    let listen = site.file(REST).replace("[server]\n", "[server]\nlisten = \"127.0.0.1:1\"\n");
    let line = site.attempt(&listen).await;
    assert!(line.contains("server.listen changed"), "{line}");
    site.reload(OTHER).await;
    site.ask().await.expect(200);
    site.reload(REST).await;
    let (first, last) = (site.deeds("config.reload")[0].clone(), site.deeds("config.reload")[1].clone());
    assert_eq!(first["custom"]["before"], last["custom"]["after"], "the same file is the same configuration");
    site.gateway.stop_and_verify().await;
}
