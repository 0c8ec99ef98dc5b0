//! Commands that call a gateway by one of its names, however they reach it.

use super::{HOSTS, Two, start, text};
use crate::listeners::certificates::Certificates;
use crate::support::gateway::Finished;
use crate::support::{Issuer, Launch, TempDir, Upstream};

/// `keys list` at `server`, by whoever holds `token`.
async fn list(server: &str, token: &str, more: &[&str]) -> Finished {
    let words = ["keys", "list", "--server", server, "--token-env", "TOKEN"];
    Launch::bare().arguments(&words).arguments(more).set("TOKEN", token).run().await
}

async fn named(server: &str, token: &str, host: &str) -> Finished {
    list(server, token, &["--host", host]).await
}

/// The same gateway, listening elsewhere.
async fn at(server: &str) -> Two {
    let (acme, globex, upstream) = (Issuer::start().await, Issuer::start().await, Upstream::model().await);
    let file = text(&acme, &globex, &upstream, &format!("[server]\n{server}\n{HOSTS}"));
    let gateway = Launch::file(&file).without_port().spawn();
    gateway.stderr.line("is listening").await;
    Two { acme, globex, upstream, gateway }
}

#[tokio::test]
async fn a_command_calls_a_gateway_at_an_address_by_its_name() {
    let two = start(HOSTS).await;
    let (server, alice) = (two.gateway.url(), two.acme.token("alice", &[]));
    let nobody = list(&server, &alice, &[]).await;
    assert!(nobody.code == Some(1) && nobody.stderr.contains("421"), "{nobody:?}");
    let unknown = named(&server, &alice, "other.example").await;
    assert!(unknown.code == Some(1) && unknown.stderr.contains("421"), "{unknown:?}");
    let elsewhere = named(&server, &alice, "globex.example").await;
    assert!(elsewhere.code == Some(1) && elsewhere.stderr.contains("401"), "{elsewhere:?}");
    let done = named(&server, &alice, "acme.example").await;
    assert!(done.ok, "{done:?}");
    let wrong = named(&server, &alice, "acme.example:80").await;
    assert!(!wrong.ok && wrong.stderr.contains("is no name"), "{wrong:?}");

    let file = text(&two.acme, &two.globex, &two.upstream, HOSTS);
    let words = ["--server", &server, "--host", "acme.example", "--token-env", "TOKEN", "--model", "gpt-4o"];
    let launch = Launch::bare().set("TOKEN", &alice);
    let folder = TempDir::new();
    let config = folder.write("attach.toml", &file).display().to_string();
    let told = launch.arguments(&["explain", "--config", &config]).arguments(&words).run().await;
    assert!(told.ok && told.stdout.contains(&format!("limits in force at {server}")), "{told:?}");
}

#[tokio::test]
async fn a_command_calls_a_gateway_at_a_socket_by_its_name() {
    let folder = TempDir::new();
    let server = format!("unix:{}", folder.path().join("calls").display());
    let two = at(&format!("listen = {server:?}")).await;
    let alice = two.acme.token("alice", &[]);
    let nobody = list(&server, &alice, &[]).await;
    assert!(nobody.code == Some(1) && nobody.stderr.contains("421"), "{nobody:?}");
    let done = named(&server, &alice, "acme.example").await;
    assert!(done.ok, "{done:?}");
}

#[tokio::test]
async fn with_tls_the_certificate_has_to_be_for_that_name() {
    let Some(made) = Certificates::new() else { return };
    made.issue_for("server", "DNS:acme.example");
    let (acme, globex, upstream) = (Issuer::start().await, Issuer::start().await, Upstream::model().await);
    let hosts = format!("[server]\n{}{HOSTS}", made.setting(""));
    let gateway = Launch::file(&text(&acme, &globex, &upstream, &hosts)).start().await;
    let (server, roots) =
        (format!("https://127.0.0.1:{}", gateway.addr.port()), made.path("ca.pem").display().to_string());
    let alice = acme.token("alice", &[]);
    let list = async |host: &[&str]| {
        let words = ["keys", "list", "--server", &server, "--token-env", "TOKEN"];
        let launch = Launch::bare().set("TOKEN", &alice).set("SSL_CERT_FILE", &roots);
        launch.arguments(&words).arguments(host).run().await
    };
    let done = list(&["--host", "acme.example"]).await;
    assert!(done.ok, "{done:?}");
    for host in [&[][..], &["--host", "globex.example"]] {
        let refused = list(host).await;
        assert!(refused.code == Some(2) && refused.stderr.contains("certificate"), "{refused:?}");
    }
}
