//! How fast a log is verified, next to hashing the same bytes and nothing else:
//! `cargo run --release -p attach-audit --features checkpoints --example verify_speed`.

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use attach_audit::checkpoint::Signer;
use attach_audit::log::Options;
use attach_audit::verify::{Trust, verify_all};
use attach_audit::{Audit, Log, Mode};
use attach_core::{Exchange, Identity};
use http::Request;
use sha2::{Digest, Sha256};
use tower::{ServiceBuilder, ServiceExt, service_fn};

const REQUESTS: usize = 150_000;
const ROUNDS: usize = 5;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::temp_dir().join(format!("attach-verify-speed-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let signer = Signer::open(&dir.join("audit.key"), "attach/speed")?;
    let trust = Trust::new().key(signer.verifier_key().clone());
    let log = dir.join("audit");
    write(&log, signer).await?;
    let (mut hashing, mut verifying, mut bytes) = (Duration::MAX, Duration::MAX, 0);
    for _ in 0..ROUNDS {
        let begin = Busy::now();
        bytes = hash(&log)?;
        hashing = hashing.min(begin.elapsed());
        let begin = Busy::now();
        let report = verify_all(&[&log], &trust)?;
        verifying = verifying.min(begin.elapsed());
        assert_eq!(report.bytes, bytes);
    }
    let rate = |time: Duration| bytes as f64 / time.as_secs_f64() / 1e6;
    println!("{bytes} bytes, one thread, best of {ROUNDS}, time on a core where the system tells it");
    println!("SHA-256 alone: {:.0} MB/s; verify: {:.0} MB/s", rate(hashing), rate(verifying));
    println!("ratio: {:.2}", hashing.as_secs_f64() / verifying.as_secs_f64());
    std::fs::remove_dir_all(dir)?;
    Ok(())
}

/// The time this thread had a core, where the system tells it (Linux); else the time that passed.
struct Busy(Instant, Option<Duration>);

impl Busy {
    fn now() -> Self {
        Self(Instant::now(), on_core())
    }

    fn elapsed(&self) -> Duration {
        self.1.and_then(|before| on_core()?.checked_sub(before)).unwrap_or_else(|| self.0.elapsed())
    }
}

fn on_core() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
}

/// A log of real records.
async fn write(dir: &Path, signer: Signer) -> Result<(), Box<dyn Error>> {
    let log = Log::open(dir, Options::new("speed").build("0.1.0").signer(signer))?;
    let audit = Audit::new(log).mode(Mode::Relaxed);
    let handler = async |_: Request<()>| {
        Ok::<_, std::convert::Infallible>(http::Response::new(attach_core::Body::empty()))
    };
    let service =
        ServiceBuilder::new().layer(audit.layer()).layer(audit.intent_layer()).service(service_fn(handler));
    for n in 0..REQUESTS {
        let mut request =
            Request::post("/v1/chat/completions").header("user-agent", "openai-python/1.0").body(())?;
        let caller = Identity::person("acme", format!("00u-{}", n % 500));
        Exchange::of_request(&mut request).identify(std::sync::Arc::new(caller));
        service.clone().oneshot(request).await?;
        if n % 1000 == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    audit.close().await;
    Ok(())
}

/// Reads and hashes the segments, each as a whole.
fn hash(dir: &Path) -> std::io::Result<u64> {
    let (mut bytes, mut buffer) = (0, vec![0; 1 << 18]);
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_none_or(|end| end != "jsonl") {
            continue;
        }
        let (mut file, mut digest) = (File::open(path)?, Sha256::new());
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            digest.update(&buffer[..read]);
            bytes += read as u64;
        }
        std::hint::black_box(digest.finalize());
    }
    Ok(bytes)
}
