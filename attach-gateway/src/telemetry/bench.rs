//! What measuring costs a request: `cargo test --release -p attach-gateway --lib telemetry::bench -- --ignored --nocapture`.

use std::time::Instant;

use attach_core::exchange::Route;
use attach_core::{Exchange, Outcome};
use http::StatusCode;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;

use super::requests::Requests;
use super::{Attempt, Telemetry};
use crate::config::Config;

const FILE: &str = r#"
    [[issuer]]
    issuer = "https://login.example"
    audience = ["api://llm"]
    [[upstream]]
    name = "local"
    kind = "ollama"
    url = "http://127.0.0.1:11434"
    [[model]]
    name = "llama3"
    to = ["local"]
"#;

fn exchange() -> Exchange {
    let request = http::Request::post("/api/chat").body(());
    let exchange = Exchange::of_request(&mut request.expect("a valid request"));
    exchange.facts(|facts| {
        facts.model = Some("llama3".into());
        facts.route = Some(Route::new("local".into(), "llama3".into()));
        facts.usage.input = 100;
        facts.usage.output = 50;
    });
    exchange.finish(Outcome::Complete);
    exchange
}

#[test]
#[ignore = "a benchmark"]
fn a_request_is_measured_in_microseconds() {
    let config = Config::parse(FILE, |_| None).expect("a valid configuration");
    let registry = prometheus::Registry::new();
    let reader = opentelemetry_prometheus::exporter().with_registry(registry.clone()).build();
    let provider = SdkMeterProvider::builder().with_reader(reader.expect("a reader")).build();
    let requests = std::sync::Arc::new(Requests::new(&config, &provider.meter("bench")));
    let exchanges: Vec<_> = (0..100_000).map(|_| exchange()).collect();
    let began = Instant::now();
    for exchange in &exchanges {
        requests.begin();
        requests.end(exchange, 200);
    }
    let each = began.elapsed() / 100_000;
    println!("request: {each:?}");
    let began = Instant::now();
    for _ in 0..100_000 {
        requests.attempted("local", "ok", each);
    }
    println!("attempt: {:?}", began.elapsed() / 100_000);
    let (nobody, began) = (Telemetry::default(), Instant::now());
    for exchange in &exchanges {
        Attempt::begin(&nobody, exchange, &config.upstreams[0], ("llama3", 1)).answered(StatusCode::OK);
    }
    println!("attempt that nobody watches: {:?}", began.elapsed() / 100_000);
    assert!(!registry.gather().is_empty());
}
