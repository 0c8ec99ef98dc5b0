//! A real Redis, started by the test on a port of its own.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::TempDir;

/// A running server; killed when dropped.
pub(crate) struct RedisServer {
    pub(crate) port: u16,
    folder: TempDir,
    child: Child,
}

impl RedisServer {
    /// Starts one; `None`, after saying so, where there is no `redis-server` and nothing demands one.
    pub(crate) async fn start(arguments: &[&str]) -> Option<Self> {
        if program().is_none() {
            let message =
                "skipped: redis-server is not installed; attach-gateway/tests/tools/install.sh installs it";
            assert!(std::env::var_os("ATTACH_E2E").is_none_or(|value| value != "required"), "{message}");
            let _ = writeln!(std::io::stderr(), "{message}");
            return None;
        }
        let port = free_port();
        let folder = TempDir::new();
        let child = spawn(port, &folder, arguments);
        let server = Self { port, folder, child };
        server.wait().await;
        Some(server)
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Sends a command that must work.
    pub(crate) async fn command(&self, words: &[&str]) -> redis::Value {
        self.try_command(words).await.expect("the command works")
    }

    /// `STOP` and `CONT`, as a partition and its end.
    pub(crate) fn signal(&self, name: &str) {
        let signal = format!("-{name}");
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&signal, &pid]).status().expect("kill runs").success());
    }

    /// Ends it and starts another on the same port, with nothing in it.
    pub(crate) async fn restart_empty(&mut self) {
        self.child.kill().expect("was running");
        self.child.wait().expect("is over");
        self.child = spawn(self.port, &self.folder, &[]);
        self.wait().await;
    }

    async fn wait(&self) {
        for _ in 0..200 {
            if self.try_command(&["PING"]).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("redis-server did not start");
    }

    async fn try_command(&self, words: &[&str]) -> redis::RedisResult<redis::Value> {
        let client = redis::Client::open(self.url()).expect("a URL");
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(port: u16, folder: &TempDir, arguments: &[&str]) -> Child {
    let mut command = Command::new(program().expect("it was there a moment ago"));
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    command.arg("--dir").arg(folder.path()).args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("it was there a moment ago")
}

/// The server on the path, else the one that the end-to-end tests install.
fn program() -> Option<PathBuf> {
    let runs = |program: &Path| {
        let mut command = Command::new(program);
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    };
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = || folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
    let tools = folder("ATTACH_TOOLS").or_else(|| Some(cache()?.join("attach-tools")));
    let installed = tools.map(|tools| tools.join("py/bin/redis-server"));
    [Some("redis-server".into()), installed].into_iter().flatten().find(|program| runs(program))
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).expect("a port").local_addr().expect("an address").port()
}

/// An address that leads to one server and later to another, as a failover has it.
pub(crate) struct Address {
    port: u16,
    target: Arc<AtomicU16>,
    turned: watch::Sender<()>,
}

impl Address {
    pub(crate) async fn of(server: &RedisServer) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (target, turned) = (Arc::new(AtomicU16::new(server.port)), watch::Sender::new(()));
        let (to, turns) = (Arc::clone(&target), turned.clone());
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (port, mut turned) = (to.load(Ordering::SeqCst), turns.subscribe());
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(("127.0.0.1", port)).await.expect("a server");
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        _ = turned.changed() => {}
                    }
                });
            }
        });
        Self { port, target, turned }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn turn_to(&self, server: &RedisServer) {
        self.target.store(server.port, Ordering::SeqCst);
        self.turned.send_replace(());
    }
}
