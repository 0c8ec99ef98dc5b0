//! Programs that are not ours: a certified OpenID provider, official client programs, a real model server.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::process::{Child, Command};

use super::gateway::Lines;
use super::{Call, PATIENCE, TempDir};

/// Where the project keeps them.
pub(crate) fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools").join(name)
}

/// Where `install.sh` put what they need.
pub(super) fn installed(name: &str) -> Option<PathBuf> {
    let cache = || {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        Some(
            cache
                .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?
                .join("attach-tools"),
        )
    };
    let root = std::env::var_os("ATTACH_TOOLS").map(PathBuf::from).or_else(cache)?;
    Some(root.join(name)).filter(|path| path.exists())
}

/// Says that a test is skipped, past the test runner's capture; fails where nothing may be skipped.
pub(super) fn skip<T>(what: &str) -> Option<T> {
    let message =
        format!("skipped: {what} is not installed; attach-gateway/tests/tools/install.sh installs it");
    assert!(std::env::var_os("ATTACH_E2E").is_none_or(|value| value != "required"), "{message}");
    let _ = writeln!(std::io::stderr(), "{message}");
    None
}

/// The Python that has the client programs and the model server, or a line that says what is skipped.
pub(crate) fn python() -> Option<PathBuf> {
    installed("py/bin/python").or_else(|| skip("the Python of the official client programs"))
}

pub(super) fn found(name: &str) -> bool {
    let mut command = std::process::Command::new(name);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// A program on the path, or a line that says what is skipped.
pub(crate) fn program(name: &str) -> Option<()> {
    if found(name) { Some(()) } else { skip(name) }
}

/// A folder in which a script finds its packages, or a line that says what is skipped.
fn node_folder(packages: &str, what: &str) -> Option<TempDir> {
    program("node")?;
    let Some(modules) = installed(packages) else { return skip(what) };
    let folder = TempDir::new();
    // A module's packages are looked for beside it, so it gets a copy beside them.
    std::os::unix::fs::symlink(modules, folder.path().join("node_modules")).unwrap();
    Some(folder)
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Runs a client program against a gateway; what it printed, and how many of its cases failed.
async fn run(mut command: Command) -> (String, bool) {
    let output = tokio::time::timeout(PATIENCE * 2, command.kill_on_drop(true).output());
    let output = output.await.expect("the client program ends").unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (text, output.status.success())
}

/// `smoke.py`: the official Python packages.
pub(crate) async fn smoke_py(python: &Path, base: &str, token: &str, model: &str) -> (String, bool) {
    let mut command = Command::new(python);
    command.arg(kept("clients/smoke.py")).args([base, token, model]);
    run(command).await
}

/// `smoke.mjs`: the official JavaScript package. `None` if it is not installed.
pub(crate) async fn smoke_mjs(base: &str, token: &str, model: &str) -> Option<(String, bool)> {
    let folder = node_folder("node/node_modules", "the official JavaScript client program")?;
    std::fs::copy(kept("clients/smoke.mjs"), folder.path().join("smoke.mjs")).unwrap();
    let mut command = Command::new("node");
    command.current_dir(folder.path()).arg("smoke.mjs").args([base, token, model]);
    Some(run(command).await)
}

/// Any other script of the official JavaScript package. `None` if it is not installed.
pub(crate) async fn client_mjs(script: &str, arguments: &[&str]) -> Option<(String, bool)> {
    let folder = node_folder("node/node_modules", "the official JavaScript client program")?;
    std::fs::copy(kept("clients").join(script), folder.path().join(script)).unwrap();
    let mut command = Command::new("node");
    command.current_dir(folder.path()).arg(script).args(arguments);
    Some(run(command).await)
}

/// Any other script of the official Python packages.
pub(crate) async fn client_py(python: &Path, script: &str, arguments: &[&str]) -> (String, bool) {
    let mut command = Command::new(python);
    command.arg(kept("clients").join(script)).args(arguments);
    run(command).await
}

/// `limits.py`: which SDK, a token, and how long it has to wait (`short`, `long`).
pub(crate) async fn limits_py(python: &Path, base: &str, arguments: [&str; 3]) -> (String, bool) {
    let mut command = Command::new(python);
    command.arg(kept("clients/limits.py")).arg(base).args(arguments);
    run(command).await
}

/// `messages.py`: Anthropic's Python package against a model of another dialect.
pub(crate) async fn messages_py(python: &Path, base: &str, token: &str) -> (String, bool) {
    let mut command = Command::new(python);
    command.arg(kept("clients/messages.py")).args([base, token]);
    run(command).await
}

/// `limits.mjs`, which is the same in JavaScript. `None` if the SDK is not installed.
pub(crate) async fn limits_mjs(base: &str, arguments: [&str; 3]) -> Option<(String, bool)> {
    let folder = node_folder("node/node_modules", "the official JavaScript client program")?;
    std::fs::copy(kept("clients/limits.mjs"), folder.path().join("limits.mjs")).unwrap();
    let mut command = Command::new("node");
    command.current_dir(folder.path()).arg("limits.mjs").arg(base).args(arguments);
    Some(run(command).await)
}

/// moto's S3, a store in memory that is none of ours.
pub(crate) struct Moto {
    port: u16,
    _child: Child,
}

impl Moto {
    /// Starts it, or says in a line what is skipped.
    pub(crate) async fn start() -> Option<Self> {
        let Some(program) = installed("py/bin/moto_server") else { return skip("moto") };
        let port = free_port();
        let mut command = Command::new(program);
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).kill_on_drop(true);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("moto starts");
        let listens = async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !listens().await {
            assert!(tokio::time::Instant::now() < deadline, "moto does not listen");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        Some(Self { port, _child: child })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// The running OpenID provider.
pub(crate) struct Idp {
    port: u16,
    folder: TempDir,
    logout_uri: String,
    child: Child,
    stderr: Lines,
}

impl Idp {
    /// Starts it; `None` if it is not installed.
    pub(crate) async fn start() -> Option<Self> {
        Self::announcing("http://127.0.0.1:9/nobody").await
    }

    /// Starts it; logouts are announced at `logout_uri`.
    pub(crate) async fn announcing(logout_uri: &str) -> Option<Self> {
        let folder = node_folder("idp/node_modules", "the certified OpenID provider")?;
        for script in ["idp.mjs", "login.mjs", "browser.mjs"] {
            std::fs::copy(kept("idp").join(script), folder.path().join(script)).unwrap();
        }
        let port = free_port();
        let logout_uri = logout_uri.to_owned();
        let (child, stderr) = Self::run(port, folder.path(), &logout_uri, false).await;
        Some(Self { port, folder, logout_uri, child, stderr })
    }

    async fn run(port: u16, folder: &Path, logout_uri: &str, rotate: bool) -> (Child, Lines) {
        let mut command = Command::new("node");
        command.arg("idp.mjs").current_dir(folder).env("PORT", port.to_string()).env("BCL_URI", logout_uri);
        if rotate {
            command.env("ROTATE", "1");
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let stderr = Lines::of(child.stderr.take().unwrap());
        stderr.line("idp http").await;
        (child, stderr)
    }

    /// Stops it, and with it everything it keeps but its keys.
    pub(crate) async fn stop(&mut self) {
        self.child.kill().await.unwrap_or_else(|error| panic!("{error}: {}", self.stderr.text()));
    }

    /// Starts it again, with new keys before the old ones.
    pub(crate) async fn rotate(&mut self) {
        self.stop().await;
        (self.child, self.stderr) = Self::run(self.port, self.folder.path(), &self.logout_uri, true).await;
    }

    /// Revokes a machine's token (RFC 7009).
    pub(crate) async fn revoke(&self, client: &str, token: &str) {
        let form = format!("token={token}&client_id={client}&client_secret={client}-secret");
        let call = Call::new(SocketAddr::from(([127, 0, 0, 1], self.port)), "POST", "/token/revocation");
        let call = call.header("Content-Type", "application/x-www-form-urlencoded");
        call.body(form).send().await.expect(200);
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A token of a machine, by the client credentials grant (RFC 6749 §4.4) for a resource (RFC 8707).
    pub(crate) async fn machine(&self, client: &str, resource: &str) -> String {
        let form = format!(
            "grant_type=client_credentials&client_id={client}&client_secret={client}-secret&scope=llm.chat&resource={resource}"
        );
        let call = Call::new(SocketAddr::from(([127, 0, 0, 1], self.port)), "POST", "/token");
        let answer = call.header("Content-Type", "application/x-www-form-urlencoded").body(form).send().await;
        answer.expect(200).json()["access_token"].as_str().unwrap().to_owned()
    }

    /// A token of a machine that is bound to the key of `proof` (RFC 9449 §5).
    pub(crate) async fn bound(&self, client: &str, proof: &str) -> String {
        let form = format!(
            "grant_type=client_credentials&client_id={client}&client_secret={client}-secret&scope=llm.chat"
        );
        let call =
            Call::new(SocketAddr::from(([127, 0, 0, 1], self.port)), "POST", "/token").header("DPoP", proof);
        let answer = call.header("Content-Type", "application/x-www-form-urlencoded").body(form).send().await;
        let answer = answer.expect(200).json();
        assert_eq!(answer["token_type"], "DPoP");
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// Signs a person in once more and out again, which the provider announces.
    pub(crate) async fn logout(&self, name: &str) {
        let mut command = Command::new("node");
        command.args(["login.mjs", name, "logout"]).current_dir(self.folder.path());
        let (text, ok) = run({
            command.env("ISSUER", self.url()).env("NO_LISTEN", "1");
            command
        })
        .await;
        assert!(ok, "{text}");
    }

    /// A token of a person, by the code flow.
    pub(crate) async fn person(&self, name: &str) -> String {
        self.tokens(name, "urn:llm-gateway").await["access_token"].as_str().unwrap().to_owned()
    }

    /// What a person gets by the code flow for a resource: access token, refresh token, ID token.
    pub(crate) async fn tokens(&self, name: &str, resource: &str) -> Value {
        let mut command = Command::new("node");
        command.args(["login.mjs", name]).current_dir(self.folder.path());
        command.env("ISSUER", self.url()).env("RESOURCE", resource);
        let (text, ok) = run(command).await;
        assert!(ok, "{text}");
        serde_json::from_str(text.lines().next().unwrap()).unwrap()
    }
}

impl Idp {
    /// What a person's browser does with an address: signs `name` in, agrees to everything (or aborts), and ends with
    /// a page that asks for nothing.
    pub(crate) async fn browse(&self, url: &str, name: &str, abort: bool) -> String {
        let mut command = Command::new("node");
        command.args(["browser.mjs", url, name]).current_dir(self.folder.path()).env("ISSUER", self.url());
        if abort {
            command.arg("abort");
        }
        let (text, ok) = run(command).await;
        assert!(ok, "{text}");
        text
    }

    /// How often it has given tokens for such a grant.
    pub(crate) fn grants(&self, kind: &str) -> usize {
        self.stderr.text().lines().filter(|line| line.starts_with(&format!("grant {kind} "))).count()
    }

    /// What it says to a refresh token of a public client.
    pub(crate) async fn refresh(&self, client: &str, token: &str) -> super::Response {
        let form = format!("grant_type=refresh_token&client_id={client}&refresh_token={token}");
        let call = Call::new(SocketAddr::from(([127, 0, 0, 1], self.port)), "POST", "/token");
        call.header("Content-Type", "application/x-www-form-urlencoded").body(form).send().await
    }
}

/// A running llama.cpp server with a tiny model of random weights.
pub(crate) struct Llama {
    port: u16,
    _child: Child,
    _stdout: Lines,
    _stderr: Lines,
}

impl Llama {
    /// Starts it; `None` if it is not installed.
    pub(crate) async fn start() -> Option<Self> {
        let python = installed("py/bin/python").or_else(|| skip("the llama.cpp server"))?;
        let port = free_port();
        let mut command = Command::new(python);
        command.arg(kept("model/serve.py")).arg(port.to_string()).arg(kept("model/tiny-random.gguf"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let stdout = Lines::of(child.stdout.take().unwrap());
        let stderr = Lines::of(child.stderr.take().unwrap());
        stdout.line("listening").await;
        Some(Self { port, _child: child, _stdout: stdout, _stderr: stderr })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// A running Redis, without persistence.
pub(crate) struct Redis {
    port: u16,
    child: Child,
}

impl Redis {
    /// Starts it; `None` if it is not installed.
    pub(crate) async fn start() -> Option<Self> {
        let port = free_port();
        let child = Self::run(port).await.or_else(|| skip("redis-server"))?;
        Some(Self { port, child })
    }

    async fn run(port: u16) -> Option<Child> {
        let program = if found("redis-server") {
            Some("redis-server".into())
        } else {
            installed("py/bin/redis-server")
        };
        let mut command = Command::new(program?);
        command.args([
            "--save",
            "",
            "--appendonly",
            "no",
            "--bind",
            "127.0.0.1",
            "--port",
            &port.to_string(),
        ]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let stdout = Lines::of(child.stdout.take().unwrap());
        stdout.line("eady to accept connections").await;
        Some(child)
    }

    /// Kills it, and with it everything it keeps.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Starts it again in the same place, with nothing.
    pub(crate) async fn again(&mut self) {
        self.child = Self::run(self.port).await.unwrap();
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Sends one command, without arguments that need quoting.
    pub(crate) async fn command(&self, line: &str) -> String {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        stream.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let read = stream.read(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer[..read]).into_owned()
    }
}

/// A running rsyslog that takes records over TLS.
pub(crate) struct Rsyslog {
    pub(crate) port: u16,
    _child: Child,
    _stderr: Lines,
}

impl Rsyslog {
    /// Starts it with the certificates in `folder`, where it writes `audit.jsonl`; `None` if it is not installed.
    pub(crate) async fn start(folder: &TempDir) -> Option<Self> {
        let root = installed("rsyslog").or_else(|| skip("rsyslog"))?;
        let libraries = std::fs::read_dir(root.join("usr/lib")).unwrap().map(|entry| entry.unwrap().path());
        let libraries = libraries.into_iter().find(|path| path.join("rsyslog/imtcp.so").exists()).unwrap();
        let port = free_port();
        let settings = std::fs::read_to_string(kept("rsyslog.conf")).unwrap();
        let settings = settings.replace("{PORT}", &port.to_string());
        let settings =
            folder.write("rsyslog.conf", &settings.replace("{DIR}", &folder.path().display().to_string()));
        let mut command = Command::new(root.join("usr/sbin/rsyslogd"));
        command.args(["-n", "-i", "none", "-M"]).arg(libraries.join("rsyslog")).arg("-f").arg(settings);
        command.env("LD_LIBRARY_PATH", &libraries).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let stderr = Lines::of(child.stderr.take().unwrap());
        super::eventually("rsyslog listens", || std::net::TcpStream::connect(("127.0.0.1", port)).ok()).await;
        Some(Self { port, _child: child, _stderr: stderr })
    }
}
