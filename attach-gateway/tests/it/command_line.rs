//! What is said by the command line itself: help, exit codes, scripts for shells, pages, and whether a gateway is ready.

use crate::support::gateway::Finished;
use crate::support::tools::program;
use crate::support::{Issuer, Launch, TempDir, Upstream, World};

/// The help as it is meant to be read; `UPDATE=1` writes it anew.
const HELP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/command_line_help.txt");

async fn run(words: &[&str]) -> Finished {
    Launch::bare().arguments(words).run().await
}

/// A build without `dev` has a line less.
fn without_dev(help: &str) -> String {
    help.lines().filter(|line| !line.starts_with("  dev ")).map(|line| format!("{line}\n")).collect()
}

#[tokio::test]
async fn the_help_reads_as_it_was_written() {
    let help = run(&["--help"]).await;
    assert!(help.ok, "{help:?}");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(HELP, &help.stdout).unwrap();
    }
    let kept = std::fs::read_to_string(HELP).unwrap();
    assert_eq!(without_dev(&help.stdout), without_dev(&kept), "UPDATE=1 writes it anew");
}

#[tokio::test]
async fn each_exit_code_means_the_same_everywhere() {
    for (words, code) in [
        (&["--version"][..], 0),
        (&["frobnicate"], 2),
        (&["check", "--config", "no-such.toml"], 1),
        (&["--config", "no-such.toml"], 2),
        (&["state", "adopt", "--config", "no-such.toml"], 2),
        (&["audit", "verify", "no-such-folder"], 2),
        (&["token"], 3),
        (&["healthcheck", "--url", "http://127.0.0.1:9"], 1),
        (&["keys", "list", "--server", "http://127.0.0.1:9"], 3),
        (&["keys", "list", "--server", "http://127.0.0.1:9", "--token", "no-such-file"], 2),
        (&["keys", "list", "--server", "http://llm.example.com"], 2),
        (&["login", "--proxy", "192.0.2.1:1", "--server", "http://127.0.0.1:9"], 2),
        (&["login", "--proxy", "127.0.0.1:0"], 2),
    ] {
        let finished = run(words).await;
        assert_eq!(finished.code, Some(code), "{words:?}: {finished:?}");
        assert_eq!(code == 0, finished.stderr.is_empty(), "{words:?}: {finished:?}");
    }
}

#[tokio::test]
async fn a_shell_takes_its_script_and_completes_with_it() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = run(&["completions", shell]).await;
        assert!(script.ok && script.stdout.contains("healthcheck"), "{shell}: {script:?}");
    }
    let Some(()) = program("bash") else { return };
    let script = run(&["completions", "bash"]).await.stdout;
    let asked = format!(
        "{script}\nCOMP_WORDS=(attach-gateway audit ver) COMP_CWORD=2\n\
         _attach__gateway attach-gateway ver audit\necho \"${{COMPREPLY[@]}}\""
    );
    let output = tokio::process::Command::new("bash").args(["-c", &asked]).output().await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.trim(), "verify verify-proof", "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn there_is_a_page_for_each_command_and_the_first_has_the_exit_codes() {
    let place = TempDir::new();
    let folder = place.path().join("man").display().to_string();
    let written = run(&["man", "--out", &folder]).await;
    assert!(written.ok && written.stdout.is_empty(), "{written:?}");
    let printed = run(&["man"]).await.stdout;
    assert_eq!(std::fs::read_to_string(format!("{folder}/attach-gateway.1")).unwrap(), printed);
    assert!(printed.contains("Exit codes") && printed.contains("attach\\-gateway\\-audit(1)"), "{printed}");
    for name in ["attach-gateway-audit-verify", "attach-gateway-keys-create", "attach-gateway-healthcheck"] {
        let page = std::fs::read_to_string(format!("{folder}/{name}.1")).unwrap();
        assert!(page.contains(&format!(".TH {name} 1")), "{page}");
    }
}

fn healthcheck(words: &[&str]) -> Launch {
    Launch::bare().arguments(&["healthcheck"]).arguments(words)
}

#[tokio::test]
async fn a_gateway_that_is_ready_is_healthy_by_whichever_way_it_is_named() {
    let world = World::start().await;
    let (port, url) = (world.gateway.addr.port().to_string(), world.gateway.url());
    let files = TempDir::new();
    // Secrets are none of its business: asking must work where they are not.
    let text = format!("[server]\nlisten = \"0.0.0.0:{port}\"\n[redact]\nkey = {{ env = \"NOT_HERE\" }}\n");
    let file = files.write("attach.toml", &text).display().to_string();
    for launch in [
        healthcheck(&["--port", &port]),
        healthcheck(&["--url", &url]),
        healthcheck(&["--url", &format!("{url}/healthz")]),
        healthcheck(&["--config", &file]),
        healthcheck(&[]).set("ATTACH_CONFIG", &file),
    ] {
        let healthy = launch.run().await;
        assert_eq!(
            (healthy.code, &*healthy.stdout, &*healthy.stderr),
            (Some(0), "ready\n", ""),
            "{healthy:?}"
        );
    }
}

#[tokio::test]
async fn a_gateway_that_is_not_ready_or_not_there_is_not_healthy() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    issuer.set_down(true);
    let gateway = Launch::env(&issuer, &upstream).start().await;
    let port = gateway.addr.port().to_string();
    let sick = healthcheck(&["--port", &port]).run().await;
    assert!(sick.code == Some(1) && sick.stderr.contains("not ready: 503"), "{sick:?}");
    drop(gateway);
    let gone = healthcheck(&["--port", &port]).run().await;
    assert!(gone.code == Some(1) && gone.stderr.contains("refused"), "{gone:?}");
    let unknown = healthcheck(&["--config", "no-such.toml"]).run().await;
    assert!(unknown.code == Some(1) && unknown.stderr.contains("no-such.toml"), "{unknown:?}");
}
