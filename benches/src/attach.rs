//! The gateway as people run it: its binary, a configuration file, a state directory.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Result;
use crate::issuer::{AUDIENCE, ISSUER, KEYS_PATH};
use crate::process::{Server, free_addr};
use crate::scratch::Scratch;

/// When the gateway waits for its audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "the two ends of the scale")]
pub enum AuditMode {
    /// Never.
    Relaxed,
    /// Before a call goes upstream, and before its answer completes.
    Strict,
}

impl AuditMode {
    /// The name in the configuration and in tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Relaxed => "relaxed",
            Self::Strict => "strict",
        }
    }
}

/// Starts the gateway at `binary` in front of the mock at `upstream`, which also publishes the issuer's keys.
///
/// Everything is on: one token limit and one request limit that are never reached, redaction because the upstream is
/// not trusted, model policy, the audit log on disk.
///
/// # Errors
///
/// When it does not start, or is not ready in time.
pub fn start(binary: &Path, upstream: SocketAddr, mode: AuditMode) -> Result<Server> {
    if !binary.is_file() {
        return Err(format!(
            "there is no {}: cargo build --profile dist -p attach-gateway, or --gateway PATH",
            binary.display()
        )
        .into());
    }
    let addr = free_addr()?;
    let files = Scratch::new(mode.as_str())?;
    let state = files.path().join("state");
    let path = files.write("attach.toml", &config(addr, upstream, &state, mode))?;
    let mut command = Command::new(binary);
    command.arg("--config").arg(path).env("RUST_LOG", "warn").stderr(Stdio::inherit());
    let mut server = Server::start(command, addr, files, None)?;
    server.await_ok("/readyz")?;
    Ok(server)
}

fn config(addr: SocketAddr, upstream: SocketAddr, state: &Path, mode: AuditMode) -> String {
    format!(
        r#"
[server]
listen = "{addr}"

[state]
dir = {state:?}

[[issuer]]
directory = "bench"
issuer = "{ISSUER}"
audience = ["{AUDIENCE}"]
required_scopes = ["llm"]
jwks_uri = "http://{upstream}{KEYS_PATH}"

[[upstream]]
name = "model"
kind = "openai"
url = "http://{upstream}"

[[model]]
name = "gpt-4o*"
to = ["model"]

[[access.allow]]
id = "engineers"
groups = ["eng"]
models = ["gpt-4o*"]

[[quota]]
id = "tokens-per-user"
tokens = "1000000000/s"

[[quota]]
id = "requests-per-user"
requests = "1000000/s"

[audit]
mode = "{}"
"#,
        mode.as_str()
    )
}
