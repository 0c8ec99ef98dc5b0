//! The audit layers alone: what they add to each request, what the log takes.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use attach_audit::log::Options;
use attach_audit::{Audit, Log, Mode, verify};
use tokio::runtime::Runtime;

use self::service::{Service, service};
use crate::histogram::Histogram;
use crate::report::aligned;
use crate::scratch::Scratch;
use crate::{Result, procstat};

mod plan;
mod service;

pub use self::plan::{HELP, Plan};

const MODES: [Mode; 4] = [Mode::Strict, Mode::Overlap, Mode::Relaxed, Mode::Single];
const IN_FLIGHT: [usize; 3] = [1, 64, 256];
/// How often the disk alone is asked.
const SYNCS: usize = 200;
const HEAD: [&str; 9] = [
    "",
    "in flight",
    "p50 ms",
    "added p50 ms",
    "added p99 ms",
    "requests/s",
    "records/s",
    "bytes/record",
    "added CPU us",
];

/// One row's figures.
struct Row {
    latency: Histogram,
    requests: f64,
    elapsed: f64,
    /// Processor time of a request, in microseconds.
    cpu: f64,
}

/// Measures and prints.
///
/// # Errors
///
/// When a directory cannot be written to, or a log does not verify.
pub fn run(plan: &Plan) -> Result<()> {
    let scratch = Scratch::new("audit")?;
    let dir = plan.dir.as_deref().unwrap_or(scratch.path());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (p50, p99) = disk(dir)?;
    println!(
        "a sync of 1 KiB on this disk: p50 {p50:.2} ms, p99 {p99:.2} ms; the service takes {:?}",
        plan.work
    );
    let before = resident();
    let bare = service(None, plan.work);
    let bare = IN_FLIGHT.map(|in_flight| measure(&runtime, &bare, in_flight, plan.time));
    let mut rows = vec![HEAD.map(str::to_owned)];
    for (in_flight, row) in IN_FLIGHT.iter().zip(&bare) {
        rows.push(cells("no layers", *in_flight, row, None, (0, 0)));
    }
    for mode in MODES {
        for (in_flight, bare) in IN_FLIGHT.into_iter().zip(&bare) {
            let files = Folder::new(dir)?;
            let audit = Audit::new(Log::open(&files.0, Options::new("bench"))?).mode(mode);
            let row = measure(&runtime, &service(Some(&audit), plan.work), in_flight, plan.time);
            runtime.block_on(audit.close());
            let report = verify::verify(&files.0)?;
            rows.push(cells(name(mode), in_flight, &row, Some(bare), (report.records, report.bytes)));
        }
    }
    println!("{}", aligned(&rows));
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!("resident: {:.1} MiB before, {:.1} MiB after", mib(before), mib(resident()));
    Ok(())
}

/// Calls without a pause from `in_flight` places, for `time`.
fn measure(runtime: &Runtime, service: &Service, in_flight: usize, time: Duration) -> Row {
    let pid = [std::process::id()];
    let done = Arc::new(AtomicU64::new(0));
    let (cpu, began) = (procstat::cpu(&pid), Instant::now());
    let callers: Vec<_> = (0..in_flight)
        .map(|_| {
            let (service, done) = (service.clone(), Arc::clone(&done));
            runtime.spawn(async move {
                let mut latency = Histogram::new();
                while began.elapsed() < time {
                    let asked = Instant::now();
                    service.call().await;
                    latency.record(asked.elapsed());
                    done.fetch_add(1, Ordering::Relaxed);
                }
                latency
            })
        })
        .collect();
    let mut latency = Histogram::new();
    for caller in callers {
        if let Ok(part) = runtime.block_on(caller) {
            latency.merge(&part);
        }
    }
    let requests = done.load(Ordering::Relaxed) as f64;
    let cpu = procstat::cpu(&pid).saturating_sub(cpu).as_secs_f64() * 1e6 / requests.max(1.0);
    Row { latency, requests, elapsed: began.elapsed().as_secs_f64(), cpu }
}

fn cells(name: &str, in_flight: usize, row: &Row, bare: Option<&Row>, log: (u64, u64)) -> [String; 9] {
    let (records, bytes) = log;
    let added = |of: &dyn Fn(&Row) -> f64| {
        bare.map_or_else(|| "-".into(), |bare| format!("{:.2}", of(row) - of(bare)))
    };
    [
        name.to_owned(),
        in_flight.to_string(),
        format!("{:.2}", row.latency.micros(0.5) / 1e3),
        added(&|row| row.latency.micros(0.5) / 1e3),
        added(&|row| row.latency.micros(0.99) / 1e3),
        format!("{:.0}", row.requests / row.elapsed),
        format!("{:.0}", records as f64 / row.elapsed),
        format!("{:.0}", bytes as f64 / records.max(1) as f64),
        added(&|row| row.cpu),
    ]
}

fn name(mode: Mode) -> &'static str {
    match mode {
        Mode::Strict => "strict",
        Mode::Overlap => "overlap",
        Mode::Relaxed => "relaxed",
        Mode::Single => "single",
        _ => "another",
    }
}

/// How long the disk takes to make a kibibyte durable, in milliseconds: at the median, and at the 99th percentile.
fn disk(dir: &Path) -> Result<(f64, f64)> {
    let folder = Folder::new(dir)?;
    let mut file = File::create(folder.0.join("probe"))?;
    let mut took = Histogram::new();
    for _ in 0..SYNCS {
        let began = Instant::now();
        file.write_all(&[b'x'; 1024])?;
        file.sync_data()?;
        took.record(began.elapsed());
    }
    Ok((took.micros(0.5) / 1e3, took.micros(0.99) / 1e3))
}

fn resident() -> u64 {
    procstat::resident(&[std::process::id()]).0
}

/// A directory of its own for each log, gone afterwards.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(dir: &Path) -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = dir.join(format!("audit-bench-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
