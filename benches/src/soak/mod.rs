//! A long run: the gateway under a steady mix of calls, then its audit log against what the clients saw.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use self::driver::Ledger;
use self::log::Findings;
use self::memory::{Memory, mib};
use crate::Result;
use crate::issuer::{AUDIENCE, ISSUER, Issuer, KEYS_PATH};
use crate::mock::Mock;
use crate::process::{Server, free_addr};
use crate::scratch::Scratch;

mod calls;
mod driver;
mod log;
mod memory;
mod plan;

pub use self::calls::Kind;
pub use self::plan::{HELP, Plan};

/// By how much of its five-minute value memory may differ at the end.
const TOLERANCE: f64 = 0.1;

/// What came of a run.
#[derive(Debug)]
pub struct Verdict {
    time: Duration,
    ledger: Ledger,
    found: Findings,
    cpu: Duration,
    /// Resident memory after five minutes, at the end, at most.
    resident: (u64, u64, u64),
}

/// Runs it.
///
/// # Errors
///
/// When the gateway does not start or does not end, or its log does not verify.
pub fn run(plan: &Plan) -> Result<Verdict> {
    let issuer = Issuer::new()?;
    let mock = Mock::start([(KEYS_PATH, issuer.jwks())])?;
    let files = Scratch::new("soak")?;
    let state = plan.keep.clone().unwrap_or_else(|| files.path().join("state"));
    let mut server = start(plan, mock, &state)?;
    let token = issuer.token("00u1soak")?;
    let (addr, pids) = (server.addr(), server.pids());
    let (running, over) = mpsc::channel::<()>();
    let (ledger, memory) = thread::scope(|scope| {
        let watched = &pids;
        let memory = scope.spawn(move || Memory::watch(watched, &over));
        let ledger = driver::drive(addr, &token, plan.rate, plan.time);
        drop(running);
        (ledger, memory.join().unwrap_or_default())
    });
    let cpu = crate::procstat::cpu(&pids);
    server.terminate()?;
    let found = log::compare(&state.join("audit"), &ledger)?;
    let five = Duration::from_secs(300).min(plan.time / 3);
    let around = |at| memory.around(at).unwrap_or_default();
    let end = plan.time.saturating_sub(Duration::from_secs(30)).max(plan.time / 2);
    let resident = (around(five), around(end), memory.most());
    Ok(Verdict { time: plan.time, ledger, found, cpu, resident })
}

fn start(plan: &Plan, mock: Mock, state: &Path) -> Result<Server> {
    let binary: &PathBuf = &plan.gateway;
    if !binary.is_file() {
        return Err(
            format!("there is no {}: build attach-gateway, or --gateway PATH", binary.display()).into()
        );
    }
    let addr = free_addr()?;
    let files = Scratch::new("soak-config")?;
    let more = plan.with.as_ref().map(std::fs::read_to_string).transpose()?.unwrap_or_default();
    let upstream = mock.addr();
    let config = format!(
        r#"
[server]
listen = "{addr}"

[state]
dir = {state:?}

[[issuer]]
directory = "soak"
issuer = "{ISSUER}"
audience = ["{AUDIENCE}"]
required_scopes = ["llm"]
jwks_uri = "http://{upstream}{KEYS_PATH}"

[[upstream]]
name = "model"
kind = "openai"
url = "http://{upstream}"

[[price]]
models = ["gpt-4o*"]
input = 2.5
output = 10

[[model]]
name = "*"
to = ["model"]

[[access.allow]]
id = "engineers"
groups = ["eng"]
models = ["gpt-4o*"]

[[quota]]
id = "tokens-per-user"
tokens = "1000000000/s"

[audit]
mode = "strict"
{more}"#
    );
    let path = files.write("attach.toml", &config)?;
    let mut command = Command::new(binary);
    command.arg("--config").arg(path).env("RUST_LOG", "error").stderr(Stdio::inherit());
    let mut server = Server::start(command, addr, files, None)?;
    server.await_ok("/readyz")?;
    Ok(server)
}

impl Verdict {
    /// Whether everything is as it should be.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let Findings { lost, duplicate, open, odd, .. } = self.found;
        lost + duplicate + open + odd == 0
            && self.ledger.failures.is_empty()
            && self.growth().abs() <= TOLERANCE
    }

    /// From the five-minute value to the end, as a share of it.
    fn growth(&self) -> f64 {
        let (five, end, _) = self.resident;
        if five == 0 { 0.0 } else { (end as f64 - five as f64) / five as f64 }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { time, ledger, found, cpu, resident: (five, end, most) } = self;
        for failure in ledger.failures.iter().take(5) {
            writeln!(f, "failed: {failure}")?;
        }
        write!(
            f,
            "soak {}: {:.0} s, {} calls, {} failed, p50 {:.1} ms, p99 {:.1} ms; {} records of {:.0} bytes, {} lost, \
             {} duplicate, {} open, {} odd; resident {:.1} MiB at 5 min, {:.1} MiB at the end ({:+.1} %), {:.1} MiB at \
             most; {:.0} us of processor time a call",
            if self.is_good() { "ok" } else { "FAILED" },
            time.as_secs_f64(),
            ledger.sent,
            ledger.failures.len(),
            ledger.latency.micros(0.5) / 1e3,
            ledger.latency.micros(0.99) / 1e3,
            found.records,
            found.bytes as f64 / found.records.max(1) as f64,
            found.lost,
            found.duplicate,
            found.open,
            found.odd,
            mib(*five),
            mib(*end),
            self.growth() * 100.0,
            mib(*most),
            cpu.as_secs_f64() * 1e6 / ledger.sent.max(1) as f64,
        )
    }
}
