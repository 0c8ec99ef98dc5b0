//! A real Redis, started by the test on a port of its own, and an unreliable way to it.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// A running server; killed when dropped.
pub(crate) struct RedisServer {
    pub(crate) port: u16,
    pub(crate) folder: PathBuf,
    arguments: Vec<String>,
    child: Child,
}

impl RedisServer {
    /// Starts one; `None`, after saying so, where there is no `redis-server` and nothing demands one.
    pub(crate) async fn start(arguments: &[&str]) -> Option<Self> {
        if program().is_none() {
            let why = "redis-server is not installed; attach-gateway/tests/tools/install.sh installs it";
            assert!(std::env::var_os("ATTACH_E2E").is_none_or(|value| value != "required"), "{why}");
            skip(why);
            return None;
        }
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("attach-quota-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let port = free_port();
        let arguments: Vec<_> = arguments.iter().map(|one| (*one).to_owned()).collect();
        let child = spawn(port, &folder, &arguments);
        let server = Self { port, folder, arguments, child };
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

    pub(crate) async fn keys(&self) -> Vec<String> {
        redis::from_redis_value(self.command(&["KEYS", "*"]).await).unwrap()
    }

    /// `STOP` and `CONT`, as a partition and its end.
    pub(crate) fn signal(&self, name: &str) {
        let signal = format!("-{name}");
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&signal, &pid]).status().unwrap().success());
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on the same port and folder.
    pub(crate) async fn restart(&mut self) {
        self.child = spawn(self.port, &self.folder, &self.arguments);
        self.wait().await;
    }

    async fn wait(&self) {
        let begin = Instant::now();
        while self.try_command(&["PING"]).await.is_err_and(|error| error.code() != Some("NOAUTH")) {
            assert!(begin.elapsed() < Duration::from_secs(30), "redis-server did not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn try_command(&self, words: &[&str]) -> redis::RedisResult<redis::Value> {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What this machine has no means for.
pub(crate) fn skip(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

fn spawn(port: u16, folder: &Path, arguments: &[String]) -> Child {
    let mut command = Command::new(program().unwrap());
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"]);
    command.arg(folder).args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// The server on the path, else the one that the end-to-end tests install.
pub(crate) fn program() -> Option<PathBuf> {
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

pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// A way to a server on which answers can be swallowed.
pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Fate>,
}

#[derive(Default)]
struct Fate {
    /// The next answer is thrown away and its connection with it.
    cut: AtomicBool,
    /// Questions on this connection wait; the first is 1.
    held: AtomicU32,
    change: Notify,
    cuts: AtomicU32,
}

impl Proxy {
    pub(crate) async fn to(server: &RedisServer) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared: Arc<Fate> = Arc::default();
        let (fate, to) = (Arc::clone(&shared), server.port);
        tokio::spawn(async move {
            for number in 1.. {
                let Ok((client, _)) = listener.accept().await else { return };
                tokio::spawn(carry(client, to, number, Arc::clone(&fate)));
            }
        });
        Self { port, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Throws the next answer away; the connection ends there.
    pub(crate) fn cut_next_answer(&self) {
        self.shared.cut.store(true, Ordering::SeqCst);
    }

    pub(crate) fn cuts(&self) -> u32 {
        self.shared.cuts.load(Ordering::SeqCst)
    }

    /// What is asked on this connection, counted from 1, waits on the way until another is held, also when the
    /// connection ends meanwhile.
    pub(crate) fn hold(&self, connection: u32) {
        self.shared.held.store(connection, Ordering::SeqCst);
        self.shared.change.notify_waiters();
    }
}

async fn carry(client: TcpStream, to: u16, number: u32, fate: Arc<Fate>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let questions = Arc::clone(&fate);
    let there = tokio::spawn(async move {
        let mut buffer = vec![0; 65536];
        while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
            loop {
                let change = questions.change.notified();
                if questions.held.load(Ordering::SeqCst) != number {
                    break;
                }
                let _ = tokio::time::timeout(Duration::from_millis(20), change).await;
            }
            if to_server.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
    });
    let mut buffer = vec![0; 65536];
    while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
        if fate.cut.swap(false, Ordering::SeqCst) {
            fate.cuts.fetch_add(1, Ordering::SeqCst);
            there.abort();
            return;
        }
        if to_client.write_all(&buffer[..read]).await.is_err() {
            // Nobody listens, but what was asked is still on its way.
            break;
        }
    }
    let _ = there.await;
}
