//! The official Python clients, where they are installed.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::dialects::endless;

/// Where `attach-gateway/tests/tools/install.sh` put it; `None`, with a line, where it is not.
fn python() -> Option<PathBuf> {
    let home = |name: &str, below: &str| std::env::var_os(name).map(|home| Path::new(&home).join(below));
    let root = home("ATTACH_TOOLS", "")
        .or_else(|| home("XDG_CACHE_HOME", "attach-tools"))
        .or_else(|| home("HOME", ".cache/attach-tools"));
    let python = root.map(|root| root.join("py/bin/python")).filter(|python| python.exists());
    if python.is_none() {
        let message = "skipped: the Python of the official client programs is not installed";
        assert!(std::env::var_os("ATTACH_E2E").is_none_or(|value| value != "required"), "{message}");
        let _ = writeln!(std::io::stderr(), "{message}");
    }
    python
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_clients_read_a_cut_stream_to_its_end() {
    let Some(python) = python() else { return };
    let server = endless(false).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/cut.py");
    let output = tokio::task::spawn_blocking(move || {
        std::process::Command::new(python).arg(script).arg(format!("http://{}", server.addr)).output()
    });
    let output = tokio::time::timeout(Duration::from_secs(120), output).await.expect("it ends");
    let output = output.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.matches("PASS").count() == 5, "{text}");
}
