//! SIGKILL under load: no charge of an answer that was seen is lost, and none is doubled.

use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use attach_core::Body;
use attach_quota::{Budget, Limit, Period, QuotaLayer, Rate};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tower::{Layer, service_fn};

use super::support::{Directory, Process, directory_of_child, reopen};
use crate::support::{SSE, chunk, stream, typed};

const ROUNDS: &str = "ATTACH_KILL_ROUNDS";
const LONG: Duration = Duration::from_secs(600);
const CALLERS: usize = 4;
/// Calls of one caller at a time.
const AT_A_TIME: usize = 3;

const TOKENS: u64 = 1_000_000_000;
const REQUESTS: u64 = 1_000_000;

/// How calls are answered.
const KINDS: [&str; 5] = ["whole", "stream", "long", "error", "empty"];

/// Not a test by itself: the service that is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by another test, as a process of its own"]
async fn child() {
    let Some(directory) = directory_of_child() else { return };
    let store = reopen(&directory).await;
    let limits = vec![
        Limit::tokens("tokens", Budget::new(TOKENS, Period::Month)),
        Limit::requests("requests", Budget::new(REQUESTS, Period::Month)),
        Limit::tokens("rate", Rate::per_second(2 * TOKENS)),
        Limit::concurrent("places", 1000),
    ];
    let caller =
        |parts: &http::request::Parts| Some(parts.headers.get("x-caller")?.to_str().ok()?.to_owned());
    let layer = QuotaLayer::by(limits, caller).store(store);
    let service = layer.layer(service_fn(|request| {
        let answer = answer(&request);
        async { Ok::<_, Infallible>(answer) }
    }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("\nlistens {}", listener.local_addr().unwrap());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let service = TowerToHyperService::new(service.clone());
        let connection = hyper::server::conn::http1::Builder::new();
        tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
    }
}

/// Says that it used as many tokens as the caller wanted.
fn answer(request: &Request<Body>) -> Response<Body> {
    let header = |name: &str| request.headers()[name].to_str().unwrap();
    let tokens: u64 = header("x-tokens").parse().unwrap();
    let usage =
        format!(r#"{{"choices":[],"usage":{{"prompt_tokens":1,"completion_tokens":{}}}}}"#, tokens - 1);
    match header("x-kind") {
        "whole" => Response::builder()
            .header("content-type", "application/json")
            .body(Body::from(Bytes::from(usage)))
            .unwrap(),
        "error" => Response::builder().status(500).body(Body::from(Bytes::from("{}"))).unwrap(),
        "empty" => Response::builder().status(503).body(Body::default()).unwrap(),
        kind => {
            // A long one outgrows its reservation while it runs.
            let text = if kind == "long" { "abcd".repeat(100) } else { "abcd".to_owned() };
            let (writer, body) = stream();
            tokio::spawn(async move {
                for _ in 0..4 {
                    writer.send(&chunk(&text));
                    tokio::task::yield_now().await;
                }
                writer.send(&format!("data: {usage}\n\ndata: [DONE]\n\n"));
            });
            typed(SSE, body)
        }
    }
}

/// What one caller knows to have used, and what may have been used besides.
#[derive(Debug, Clone, Copy, Default)]
struct Used {
    tokens: u64,
    requests: u64,
    flying_tokens: u64,
    flying_requests: u64,
}

type Http = Client<HttpConnector, Full<Bytes>>;

struct Caller {
    name: String,
    used: Mutex<Used>,
}

/// An answer to its end: what was left of tokens and requests when it was admitted.
async fn call(http: &Http, addr: SocketAddr, caller: &str, kind: &str, tokens: u64) -> Option<(u64, u64)> {
    let body = r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"hi"}]}"#;
    let request = Request::post(format!("http://{addr}/v1/chat/completions"))
        .header("x-caller", caller)
        .header("x-kind", kind)
        .header("x-tokens", tokens)
        .body(Full::from(body))
        .unwrap();
    let answer = http.request(request).await.ok()?;
    let status = answer.status().as_u16();
    assert!([200, 500, 503].contains(&status), "{status}");
    let left = |unit: &str| {
        let left = &answer.headers()[format!("x-ratelimit-remaining-{unit}")];
        left.to_str().unwrap().parse::<u64>().unwrap()
    };
    let left = (left("tokens"), left("requests"));
    answer.into_body().collect().await.ok()?;
    Some(left)
}

impl Caller {
    fn used(&self, change: impl FnOnce(&mut Used)) {
        change(&mut self.used.lock().unwrap());
    }

    /// Calls until nobody answers.
    async fn load(&self, addr: SocketAddr, seed: u64) {
        let http = http();
        let mut random = Random(seed);
        loop {
            let kind = KINDS[random.below(KINDS.len() as u64) as usize];
            // At least what we would count ourselves of a long answer that is not over.
            let asked = 500 + random.below(500);
            let tokens = if matches!(kind, "error" | "empty") { 0 } else { asked };
            self.used(|used| {
                used.flying_tokens += tokens;
                used.flying_requests += 1;
            });
            if call(&http, addr, &self.name, kind, asked).await.is_none() {
                return;
            }
            self.used(|used| {
                used.flying_tokens -= tokens;
                used.flying_requests -= 1;
                used.tokens += tokens;
                used.requests += 1;
            });
        }
    }

    /// Compares with what is stored, which is all that counts from here on.
    async fn compare(&self, addr: SocketAddr, reserved: u64, round: u32) {
        let (tokens, requests) = call(&http(), addr, &self.name, "error", 1).await.expect("it answers");
        let stored = (TOKENS - tokens - reserved, REQUESTS - requests - 1);
        self.used(|used| {
            let tokens = used.tokens..=used.tokens + used.flying_tokens;
            let requests = used.requests..=used.requests + used.flying_requests;
            assert!(tokens.contains(&stored.0), "round {round}: {} tokens stored, seen {used:?}", stored.0);
            assert!(
                requests.contains(&stored.1),
                "round {round}: {} requests stored, seen {used:?}",
                stored.1
            );
            *used = Used { tokens: stored.0, requests: stored.1 + 1, ..Used::default() };
        });
    }
}

fn http() -> Http {
    Client::builder(TokioExecutor::new()).build_http()
}

/// What a call of ours reserves, as a caller without a past finds out.
async fn reserved(addr: SocketAddr) -> u64 {
    TOKENS - call(&http(), addr, "nobody", "error", 1).await.expect("it answers").0
}

struct Random(u64);

impl Random {
    /// xorshift64.
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_charge_of_an_answer_that_was_seen_is_lost_and_none_is_doubled_by_kill_9_under_load() {
    let rounds = std::env::var(ROUNDS).map_or(200, |rounds| rounds.parse().unwrap());
    let (start, directory) = (Instant::now(), Directory::new());
    let mut random = Random(RandomState::new().hash_one(0) | 1);
    println!("seed {}", random.0);
    let callers: Vec<_> = (0..CALLERS)
        .map(|n| Arc::new(Caller { name: format!("caller-{n}"), used: Mutex::default() }))
        .collect();
    let mut reserves = None;
    for round in 0..=rounds {
        let mut process = Process::start("sqlite::kill::child", directory.path());
        let addr = process.says("listens ").parse().unwrap();
        let reserves = match reserves {
            Some(known) => known,
            None => *reserves.insert(reserved(addr).await),
        };
        for caller in &callers {
            caller.compare(addr, reserves, round).await;
        }
        let load: Vec<_> = (0..CALLERS * AT_A_TIME)
            .map(|n| {
                let (caller, seed) = (Arc::clone(&callers[n % CALLERS]), random.below(u64::MAX) | 1);
                tokio::spawn(async move { caller.load(addr, seed).await })
            })
            .collect();
        // After so many answers, and then in the middle of something.
        let (begun, enough) = (seen(&callers), random.below(60));
        while seen(&callers) < begun + enough {
            assert!(start.elapsed() < LONG, "no answers");
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        tokio::time::sleep(Duration::from_micros(random.below(5000))).await;
        process.kill();
        for one in load {
            one.await.unwrap();
        }
    }
    println!("{rounds} rounds, {} calls: {:?}", seen(&callers), start.elapsed());
}

fn seen(callers: &[Arc<Caller>]) -> u64 {
    callers.iter().map(|caller| caller.used.lock().unwrap().requests).sum()
}
