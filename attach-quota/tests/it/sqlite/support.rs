use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use attach_quota::store::{OpenError, SqliteStore};

/// A moment in a month that is not over soon.
pub(super) const NOW: Duration = Duration::from_secs(1_800_000_000);

/// A directory that goes when the test does.
pub(super) struct Directory(PathBuf);

impl Directory {
    pub(super) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("attach-quota-{}-{count}", std::process::id())))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn file(&self) -> PathBuf {
        self.0.join("quota.db")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(super) async fn open(directory: &Path) -> Result<SqliteStore, OpenError> {
    SqliteStore::open_on(directory, || NOW).await
}

/// The thread that held the file ends soon after the last handle is gone.
pub(super) async fn reopen(directory: &Path) -> SqliteStore {
    for _ in 0..2000 {
        match open(directory).await {
            Ok(store) => return store,
            Err(error) if is_held(&error) => tokio::time::sleep(Duration::from_millis(5)).await,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the file stays locked");
}

pub(super) fn is_held(error: &OpenError) -> bool {
    error.to_string().ends_with("quota.db: another process has it open")
}

/// One of the tests here, as a process of its own. Ends with this value.
pub(super) struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// Says in which directory such a process works.
const DIRECTORY: &str = "ATTACH_QUOTA_CHILD";

pub(super) fn directory_of_child() -> Option<PathBuf> {
    std::env::var_os(DIRECTORY).map(PathBuf::from)
}

impl Process {
    pub(super) fn start(test: &str, directory: &Path) -> Self {
        Self::run(Command::new(std::env::current_exe().unwrap()), test, directory)
    }

    /// By a shell that sees to it that no file grows beyond `kilobytes`, until somebody lifts that.
    pub(super) fn start_limited(test: &str, directory: &Path, kilobytes: u32) -> Self {
        let mut shell = Command::new("sh");
        // In units of 512 bytes. The signal has to be ignored, or it ends the process.
        let script = format!("trap '' XFSZ; ulimit -S -f {} && exec \"$0\" \"$@\"", kilobytes * 2);
        shell.arg("-c").arg(script).arg(std::env::current_exe().unwrap());
        Self::run(shell, test, directory)
    }

    fn run(mut command: Command, test: &str, directory: &Path) -> Self {
        let mut child = command
            .args(["--ignored", "--exact", test, "--nocapture"])
            .env(DIRECTORY, directory)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// What follows `word` on the first line that begins with it.
    pub(super) fn says(&mut self, word: &str) -> String {
        let line = self.lines.find_map(|line| Some(line.unwrap().strip_prefix(word)?.trim().to_owned()));
        line.unwrap_or_else(|| panic!("the process ended and did not say {word}"))
    }

    /// SIGKILL.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
