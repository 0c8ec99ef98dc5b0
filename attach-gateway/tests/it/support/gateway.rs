//! The built binary as a child process.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::error::Elapsed;

use super::{AUDIENCE, Call, Issuer, PATIENCE, TempDir, Trail, Upstream, audit, eventually};

/// A command line and its environment, which is otherwise empty.
pub(crate) struct Launch {
    /// What a shell does before it becomes the program.
    before: Option<String>,
    arguments: Vec<String>,
    env: BTreeMap<String, String>,
    home: TempDir,
}

/// How a program that ends by itself ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) ok: bool,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Launch {
    /// Nothing is configured.
    pub(crate) fn bare() -> Self {
        let home = TempDir::new();
        let state = home.path().join("state").display().to_string();
        let env = [("XDG_STATE_HOME".to_owned(), state)].into();
        Self { before: None, arguments: Vec::new(), env, home }
    }

    /// By environment alone.
    pub(crate) fn env(issuer: &Issuer, upstream: &Upstream) -> Self {
        Self::bare()
            .arguments(&["--port", "0"])
            .set("OIDC_ISSUER", issuer.url())
            .set("OIDC_AUD", AUDIENCE)
            .set("ENGINE_URL", &upstream.url())
            .set("ENGINE_KIND", "openai,anthropic,ollama")
    }

    /// By a file with this text.
    pub(crate) fn file(text: &str) -> Self {
        let launch = Self::bare().arguments(&["--port", "0"]);
        let path = launch.home.write("attach.toml", text).display().to_string();
        launch.arguments(&["--config", &path])
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Under a limit that a shell sets, as `ulimit -n 256`.
    pub(crate) fn limited(mut self, command: &str) -> Self {
        self.before = Some(command.into());
        self
    }

    pub(crate) fn unset(mut self, name: &str) -> Self {
        self.env.remove(name);
        self
    }

    pub(crate) fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    fn program(&self) -> Command {
        let program = env!("CARGO_BIN_EXE_attach-gateway");
        let mut command = match &self.before {
            None => Command::new(program),
            Some(before) => {
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", &format!("{before} && exec \"$0\" \"$@\""), program]);
                shell
            }
        };
        command.args(&self.arguments).env_clear().envs(&self.env).current_dir(self.home.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// Starts it, and waits until it listens.
    pub(crate) async fn start(self) -> Gateway {
        let mut gateway = self.spawn();
        let listening = |line: &str| field(line, "addr").filter(|_| line.contains("is listening"));
        let addr = gateway.stderr.find("the listening address", listening).await;
        gateway.addr = addr.parse().unwrap();
        gateway
    }

    /// Starts it, whatever it does.
    pub(crate) fn spawn(self) -> Gateway {
        let mut child = self.program().spawn().unwrap();
        let stdout = Lines::of(child.stdout.take().unwrap());
        let stderr = Lines::of(child.stderr.take().unwrap());
        let addr = SocketAddr::from(([127, 0, 0, 1], 0));
        Gateway { child, addr, stdout, stderr, state: None, home: self.home }
    }

    /// Runs it to its end.
    pub(crate) async fn run(&self) -> Finished {
        finished(tokio::time::timeout(PATIENCE, self.program().output()).await)
    }

    /// Runs it to its end with this on standard input.
    pub(crate) async fn fed(&self, input: &[u8]) -> Finished {
        let path = self.home.path().join("input");
        std::fs::write(&path, input).unwrap();
        let mut program = self.program();
        program.stdin(std::fs::File::open(&path).unwrap());
        finished(tokio::time::timeout(PATIENCE, program.output()).await)
    }

    /// Runs another command with the same configuration, and this on standard input.
    pub(crate) async fn command_fed(mut self, words: &[&str], input: &[u8]) -> Finished {
        self.arguments.splice(0..0, words.iter().map(|word| (*word).to_owned()));
        self.fed(input).await
    }

    /// Starts it with pipes on both ends.
    pub(crate) fn piped(&self) -> Child {
        self.program().stdin(Stdio::piped()).spawn().unwrap()
    }

    /// For commands that do not listen.
    pub(crate) fn without_port(mut self) -> Self {
        let place = self.arguments.iter().position(|argument| argument == "--port").unwrap();
        self.arguments.drain(place..place + 2);
        self
    }

    /// With another port than the free one it would take.
    pub(crate) fn port(mut self, port: &str) -> Self {
        let place = self.arguments.iter().position(|argument| argument == "--port").unwrap();
        self.arguments[place + 1] = port.to_owned();
        self
    }

    /// Runs `check` with the same options.
    pub(crate) async fn check(mut self) -> Finished {
        self.arguments.insert(0, "check".into());
        self.run().await
    }

    /// Runs another command with the same configuration.
    pub(crate) async fn command(mut self, words: &[&str]) -> Finished {
        self.arguments.splice(0..0, words.iter().map(|word| (*word).to_owned()));
        self.run().await
    }

    /// Runs it, and expects that it refuses to start; what it says.
    pub(crate) async fn refusal(self) -> String {
        let finished = self.run().await;
        assert!(!finished.ok, "it started: {}", finished.stderr);
        finished.stderr
    }
}

fn finished(output: Result<std::io::Result<Output>, Elapsed>) -> Finished {
    let output = output.expect("the program ends by itself").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Finished {
        ok: output.status.success(),
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

fn field(line: &str, name: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    line["fields"][name].as_str().map(str::to_owned)
}

/// A running gateway; killed when dropped.
pub(crate) struct Gateway {
    child: Child,
    pub(crate) addr: SocketAddr,
    pub(crate) stdout: Lines,
    pub(crate) stderr: Lines,
    /// Where the state is, if not in the default place.
    state: Option<PathBuf>,
    home: TempDir,
}

impl Gateway {
    pub(crate) fn post(&self, path: &str) -> Call {
        Call::new(self.addr, "POST", path)
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        Call::new(self.addr, "GET", path)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    #[cfg(feature = "dev")]
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Where the audit log is.
    pub(crate) fn audit_folder(&self) -> PathBuf {
        self.state.clone().unwrap_or_else(|| self.home.path().join("state/attach")).join("audit")
    }

    /// Says where the state is, if not in the default place.
    pub(crate) fn with_state(mut self, state: &Path) -> Self {
        self.state = Some(state.into());
        self
    }

    pub(crate) fn records(&self) -> Vec<Value> {
        audit::records(&self.audit_folder())
    }

    /// What the log says about this request now.
    pub(crate) fn trail(&self, request: &str) -> Trail {
        Trail::of(&self.records(), request)
    }

    /// What the log says about this request once it is over.
    pub(crate) async fn finished(&self, request: &str) -> Trail {
        eventually("the request's outcome", || {
            let trail = self.trail(request);
            trail.kinds().iter().any(|kind| ["outcome", "reject"].contains(kind)).then_some(trail)
        })
        .await
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// Kills it, as the kernel does when there is no memory left.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Replaces the configuration file and sends SIGHUP.
    pub(crate) fn reload(&self, text: &str) {
        self.write("attach.toml", text);
        self.signal("HUP");
    }

    /// The process's number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("still running")
    }

    /// Writes a file into the folder it was started in; its configuration is `attach.toml`.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        self.home.write(name, text)
    }

    fn signal(&self, name: &str) {
        let pid = self.pid();
        let sent = std::process::Command::new("sh").arg("-c").arg(format!("kill -{name} {pid}")).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it ends").unwrap()
    }

    /// Ends it in good order and verifies the log it leaves.
    pub(crate) async fn stop_and_verify(&mut self) -> Finished {
        self.terminate();
        assert!(self.ended().await.success(), "exit code: {}", self.stderr.text());
        let path = self.audit_folder().display().to_string();
        let finished = Launch::bare().arguments(&["audit", "verify", &path]).run().await;
        assert!(finished.ok, "{finished:?}");
        finished
    }
}

/// Its end is waited for, so that what starts next finds the state directory free. Whatever a test
/// looked at, every record it left fits the published schema.
impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.start_kill();
        let until = std::time::Instant::now() + PATIENCE;
        while matches!(self.child.try_wait(), Ok(None)) && std::time::Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        if !std::thread::panicking() {
            audit::check(&self.audit_folder());
        }
    }
}

/// What a program has printed so far, line by line.
pub(crate) struct Lines(watch::Receiver<Vec<String>>);

impl Lines {
    pub(crate) fn of(pipe: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let (sender, receiver) = watch::channel(Vec::new());
        tokio::spawn(async move {
            let mut lines = BufReader::new(pipe).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                sender.send_modify(|known: &mut Vec<String>| known.push(line));
            }
        });
        Self(receiver)
    }

    pub(crate) fn text(&self) -> String {
        self.0.borrow().join("\n")
    }

    /// Waits for the last line.
    pub(crate) async fn ended(&self) {
        let mut receiver = self.0.clone();
        let last = async { while receiver.changed().await.is_ok() {} };
        tokio::time::timeout(PATIENCE, last).await.expect("the program has closed its output");
    }

    /// Waits for a line in which `look` finds something.
    pub(crate) async fn find<T>(&self, what: &str, mut look: impl FnMut(&str) -> Option<T>) -> T {
        let mut receiver = self.0.clone();
        let mut found = None;
        let waiting = receiver.wait_for(|lines| {
            found = lines.iter().find_map(|line| look(line));
            found.is_some()
        });
        let ended = tokio::time::timeout(PATIENCE + Duration::from_secs(5), waiting).await;
        let seen = matches!(ended, Ok(Ok(_)));
        drop(ended);
        assert!(seen, "no line with {what}: {}", self.text());
        found.unwrap()
    }

    /// Waits for a line that contains `text`.
    pub(crate) async fn line(&self, text: &str) -> String {
        self.find(text, |line| line.contains(text).then(|| line.to_owned())).await
    }
}
