use tokio::io::AsyncWriteExt;

use super::{HOSTS, start, text};
use crate::support::Launch;
use crate::support::raw::hear;

#[tokio::test]
async fn hosts_come_and_go_with_the_file() {
    let two = start(HOSTS).await;
    let (alice, bob) = (two.acme.token("alice", &[]), two.globex.token("bob", &[]));
    let reload = |hosts: &str| {
        two.gateway.reload(&text(&two.acme, &two.globex, &two.upstream, hosts));
    };
    let mut stream = tokio::net::TcpStream::connect(two.gateway.addr).await.unwrap();
    reload(
        &HOSTS.replace("globex.example\"\ndir", "new.example\"\ndir").replace("\"gpt-4*\"", "\"secret-*\""),
    );
    two.gateway.stderr.line("configuration reloaded").await;
    assert_eq!(two.ask("new.example", &bob, "gpt-4o").await.0, 200);
    assert_eq!(two.ask("globex.example", &bob, "gpt-4o").await.0, 421);
    assert_eq!(two.ask("acme.example", &alice, "gpt-4o").await.0, 403);
    assert_eq!(two.ask("acme.example", &alice, "secret-model").await.0, 200);
    assert_eq!(two.ask("new.example", &alice, "gpt-4o").await.0, 401);
    let old = format!(
        "GET /v1/models HTTP/1.1\r\nHost: globex.example\r\nAuthorization: Bearer {bob}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(old.as_bytes()).await.unwrap();
    assert_eq!(hear(&mut stream).await.statuses(), [421], "a connection that was there before");
    let looser = two.gateway.records();
    let looser = looser.iter().rfind(|record| record["decision"]["reason"] == "config.reload").unwrap();
    assert!(
        looser.to_string().contains("new.example") && looser.to_string().contains("has other models"),
        "{looser}"
    );
    reload("");
    two.gateway.stderr.line("host changed, which needs a restart").await;
    assert_eq!(two.ask("globex.example", &bob, "gpt-4o").await.0, 421, "nothing of it is in force");
}

#[tokio::test]
async fn what_would_be_allowed_is_explained_for_a_host() {
    let two = start(HOSTS).await;
    let file = text(&two.acme, &two.globex, &two.upstream, HOSTS);
    let explain = async |words: &[&str], model: &str| {
        let launch = Launch::file(&file).without_port().set("THE_TOKEN", &two.acme.token("alice", &[]));
        launch.command(&[&["explain", "--token-env", "THE_TOKEN", "--model", model], words].concat()).await
    };
    let known = explain(&["--host", "acme.example"], "gpt-4o").await;
    assert!(known.ok && known.stdout.contains("answer: allowed"), "{known:?}");
    let hidden = explain(&["--host", "acme.example"], "secret-model").await;
    assert!(!hidden.ok && hidden.stdout.contains("nobody serves this model"), "{hidden:?}");
    let elsewhere = explain(&["--host", "globex.example"], "gpt-4o").await;
    assert!(!elsewhere.ok && elsewhere.stdout.contains("denied: 401"), "{elsewhere:?}");
    for (words, said) in [(&[][..], "say with --host"), (&["--host", "x.example"], "is no [[host]]")] {
        let finished = explain(words, "gpt-4o").await;
        assert!(!finished.ok && finished.stderr.contains(said), "{finished:?}");
    }
}
