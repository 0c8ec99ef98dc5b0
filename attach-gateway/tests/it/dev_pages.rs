//! What the documentation says to type is typed, with `attach-gateway dev` running, as a new user would.

use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

use crate::support::tools::{program, python};
use crate::support::{Gateway, Launch};

fn page(name: &str) -> String {
    std::fs::read_to_string(format!("{}/../docs/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// What stands between fences of one of these languages.
fn blocks<'a>(page: &'a str, languages: &[&str]) -> Vec<&'a str> {
    let fenced = page.split("```").skip(1).step_by(2);
    let of = |block: &'a str| block.split_once('\n').filter(|(language, _)| languages.contains(language));
    fenced.filter_map(of).map(|(_, text)| text).collect()
}

async fn dev() -> Gateway {
    let mut gateway = Launch::bare().arguments(&["dev", "--port", "0"]).spawn();
    gateway.stdout.line("dev token alice").await;
    let text = gateway.stdout.text();
    let url = text.lines().find_map(|line| line.strip_prefix("export URL=http://")).expect("a URL");
    gateway.addr = url.parse().unwrap();
    gateway
}

/// What a shell says to `script` in the folder that `dev` was started in.
async fn typed(gateway: &Gateway, script: &str) -> (String, bool) {
    let here = Path::new(env!("CARGO_BIN_EXE_attach-gateway")).parent().unwrap().display().to_string();
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", script]).current_dir(gateway.home());
    bash.env("PATH", format!("{here}:{}", std::env::var("PATH").unwrap()))
        .env("ATTACH_STATE_DIR", "attach-dev");
    let output = bash.output().await.expect("bash runs");
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8_lossy(&text).into_owned(), output.status.success())
}

#[tokio::test]
async fn the_python_of_each_clients_page_does_what_the_page_says() {
    let Some(python) = python() else { return };
    let Some(()) = program("bash") else { return };
    let gateway = dev().await;
    for (name, said) in [
        ("openai-python.md", "You said: count to three"),
        ("anthropic-sdk.md", "You said: count to three"),
        ("ollama.md", "You said: count to three"),
    ] {
        let page = page(&format!("clients/{name}"));
        let shell = blocks(&page, &["sh"])[0];
        let exports: Vec<_> = shell.lines().filter(|line| line.starts_with("export ")).collect();
        assert!(!exports.is_empty(), "{name}");
        let program = blocks(&page, &["python"])[0];
        let script =
            format!("{}\n{} - <<'PROGRAM'\n{program}PROGRAM\n", exports.join("\n"), python.display());
        let script = script.replace("127.0.0.1:8080", &gateway.addr.to_string());
        let (text, well) = typed(&gateway, &script).await;
        assert!(well && text.contains("You said: hello") && text.contains(said), "{name}: {text}");
    }
}

/// Again while there is no checkpoint: the first one comes a second after the first record.
async fn typed_in_time(gateway: &Gateway, line: &str) -> (String, bool) {
    for _ in 0..100 {
        let (text, well) = typed(gateway, line).await;
        if well || !text.contains("there is no checkpoint yet") {
            return (text, well);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    typed(gateway, line).await
}

/// Whether a line can be typed where there is nothing but a log of `dev`.
fn can_be_typed(line: &str) -> bool {
    const NEEDED: [&str; 8] = ["…", "[", "|", "$(", "--config", "--chain", "KEY", "--identity"];
    line.starts_with("attach-gateway audit ") && !NEEDED.iter().any(|needed| line.contains(needed))
}

#[tokio::test]
async fn the_commands_about_the_log_are_those_that_the_pages_name() {
    let Some(()) = program("bash") else { return };
    let gateway = dev().await;
    gateway.get("/v1/models").send().await.expect(401);
    let mut typed_lines = 0;
    for name in ["audit.md", "audit-query.md", "audit-verify.md", "audit-operations.md", "usage.md"] {
        let page = page(name);
        for line in blocks(&page, &["sh", "console"]).concat().lines() {
            let line = line.strip_prefix("$ ").unwrap_or(line);
            if !can_be_typed(line) {
                continue;
            }
            let places = ["/var/lib/attach/audit", "collected/", "/srv/attach/gw-1"];
            let line = places.iter().fold(line.replace("/var/lib/audit/", ""), |line, place| {
                line.replace(place, "attach-dev/audit")
            });
            let (text, well) = typed_in_time(&gateway, &line).await;
            assert!(well, "{name}: {line}: {text}");
            typed_lines += 1;
        }
    }
    assert!(typed_lines >= 10, "only {typed_lines} lines were typed");
}
