//! How long an index takes to build, and to ask:
//! `cargo run --release -p attach-audit --features sqlite --example index -- 1000000`.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use attach_audit::index::{Index, Search};
use attach_audit::log::Options;
use attach_audit::read::{Entry, Records};
use attach_audit::{Audit, Log, Mode};
use attach_core::{Exchange, Identity};
use http::Request;
use tower::{ServiceBuilder, ServiceExt, service_fn};

type Change = fn(&mut Search);

const ROUNDS: u32 = 5;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let records: usize = std::env::args().nth(1).map_or(Ok(1_000_000), |n| n.parse())?;
    let dir = std::env::temp_dir().join(format!("attach-index-{}", std::process::id()));
    let log = dir.join("audit");
    std::fs::create_dir_all(&log)?;
    let begin = Instant::now();
    write(&log, records / 2).await?;
    println!("log written: {:.1?}", begin.elapsed());
    let (request, since) = sample(&log)?;

    let mut index = Index::open(dir.join("index.db"))?;
    let begin = Instant::now();
    let built = index.rebuild([&log])?;
    let size = std::fs::metadata(dir.join("index.db"))?.len() / 1_000_000;
    println!("rebuild of {} records: {:.1?}, {size} MB", built.records, begin.elapsed());
    let begin = Instant::now();
    index.update([&log])?;
    println!("update with nothing new: {:.1?}", begin.elapsed());

    let questions: [(&str, Change); 8] = [
        ("a user", |search| search.user = Some("00u-77".into())),
        ("a user, the last 100", |search| {
            (search.user, search.limit) = (Some("00u-77".into()), Some(100));
        }),
        ("a user's refusals", |search| {
            (search.user, search.decision) = (Some("00u-77".into()), Some("deny".into()));
        }),
        ("the last 100", |search| search.limit = Some(100)),
        ("the last 100 allowed", |search| {
            (search.decision, search.limit) = (Some("allow".into()), Some(100));
        }),
        ("the last 100 of a directory", |search| {
            (search.directory, search.limit) = (Some("acme".into()), Some(100));
        }),
        ("a directory's refusals: none", |search| {
            (search.directory, search.decision) = (Some("acme".into()), Some("deny".into()));
        }),
        ("the last 100 of a model that nobody asked for", |search| {
            (search.model, search.limit) = ("gpt-9*".parse().ok(), Some(100));
        }),
    ];
    for (what, change) in questions {
        let mut search = Search::default();
        change(&mut search);
        time(&mut index, what, &search)?;
    }
    let mut search = Search::default();
    search.request = Some(request);
    time(&mut index, "a request", &search)?;
    let mut search = Search::default();
    (search.since, search.limit) = (Some(since.clone()), Some(100));
    time(&mut index, "since the middle, the last 100", &search)?;
    let mut search = Search::default();
    (search.until, search.limit) = (Some(since), Some(100));
    time(&mut index, "until the middle, the last 100", &search)?;
    drop(index);
    std::fs::remove_dir_all(dir)?;
    Ok(())
}

/// The best and the worst of some rounds.
fn time(index: &mut Index, what: &str, search: &Search) -> std::io::Result<()> {
    let (mut best, mut worst, mut lines) = (Duration::MAX, Duration::ZERO, 0);
    for _ in 0..ROUNDS {
        lines = 0;
        let begin = Instant::now();
        index.find(search, |_| {
            lines += 1;
            Ok(())
        })?;
        best = best.min(begin.elapsed());
        worst = worst.max(begin.elapsed());
    }
    println!("{what}: {best:.1?} to {worst:.1?}, {lines} lines");
    Ok(())
}

/// A request and a time from the middle of the log.
fn sample(log: &Path) -> Result<(String, String), Box<dyn Error>> {
    let (mut records, mut n) = (Records::open([log])?, 0_u64);
    let mut found = Default::default();
    while let Some(line) = records.next()? {
        n += 1;
        // The last power of two is in the latter half.
        if n.is_power_of_two() {
            let entry = Entry::parse(line.bytes)?;
            found = (entry.req_id.into_owned(), entry.ts.into_owned());
        }
    }
    Ok(found)
}

/// A log of real records, two for each request.
async fn write(dir: &Path, requests: usize) -> Result<(), Box<dyn Error>> {
    let audit = Audit::new(Log::open(dir, Options::new("speed").build("0.1.0"))?).mode(Mode::Relaxed);
    let handler = async |_: Request<()>| {
        Ok::<_, std::convert::Infallible>(http::Response::new(attach_core::Body::empty()))
    };
    let service =
        ServiceBuilder::new().layer(audit.layer()).layer(audit.intent_layer()).service(service_fn(handler));
    for n in 0..requests {
        let mut request =
            Request::post("/v1/chat/completions").header("user-agent", "openai-python/1.0").body(())?;
        let caller = Identity::person("acme", format!("00u-{}", n % 5000));
        let exchange = Exchange::of_request(&mut request);
        exchange.identify(std::sync::Arc::new(caller));
        exchange.facts(|facts| facts.model = Some(format!("model-{}", n % 50).into()));
        service.clone().oneshot(request).await?;
        if n % 1000 == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    audit.close().await;
    Ok(())
}
