//! What is measured, where it may be read, what a collector gets, and what nobody is told.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::Value;

use crate::support::collector::{Collector, text};
mod calls;
mod names;

use crate::support::{CHATS, Call, Gateway, Issuer, Launch, Upstream, question, streamed};

const FILE: &str = r#"
[server]
telemetry_listen = "127.0.0.1:0"

[[issuer]]
issuer = "{ISSUER}"
audience = ["api://attach-test"]

[[upstream]]
name = "away"
kind = "openai"
url = "http://127.0.0.1:1"

[[upstream]]
name = "everything"
kind = "openai"
dialects = ["openai", "anthropic", "ollama"]
url = "{UPSTREAM}"

[[model]]
name = "gpt-4o"
to = ["everything"]

[[model]]
name = "second-try"
to = ["away", "everything"]

[access]
default = "allow"
"#;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

struct Watched {
    issuer: Issuer,
    upstream: Upstream,
    gateway: Gateway,
}

async fn watched(more: &str, change: impl FnOnce(Launch) -> Launch) -> Watched {
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let text = FILE.replace("{ISSUER}", issuer.url()).replace("{UPSTREAM}", &upstream.url());
    let gateway = change(Launch::file(&format!("{text}\n{more}"))).start().await;
    Watched { issuer, upstream, gateway }
}

impl Watched {
    fn chat(&self, model: &str) -> Call {
        let token = self.issuer.token("alice", &[]);
        self.gateway.post(CHATS[0]).bearer(&token).json(&question(CHATS[0], model, "hello"))
    }

    async fn metrics(&self) -> Metrics {
        let addr = |line: &str| {
            let line: Value = serde_json::from_str(line).ok()?;
            line["fields"]["telemetry"].as_str()?.parse().ok()
        };
        let addr = self.gateway.stderr.find("the telemetry address", addr).await;
        let answer = Call::new(addr, "GET", "/metrics").send().await.expect(200);
        assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4"));
        assert_eq!(Call::new(addr, "GET", "/healthz").send().await.status, 200);
        assert_eq!(Call::new(addr, "GET", "/readyz").send().await.status, 200);
        assert_eq!(Call::new(addr, "GET", "/v1/models").send().await.status, 404);
        assert_eq!(Call::new(addr, "POST", "/metrics").send().await.status, 405);
        Metrics::parse(&answer.text())
    }

    /// Ends the gateway, which sends what was not sent yet.
    async fn end(&mut self) {
        self.gateway.terminate();
        assert!(self.gateway.ended().await.success(), "{}", self.gateway.stderr.text());
    }
}

/// An exposition in Prometheus' text format, every line of it understood.
struct Metrics {
    text: String,
    types: BTreeMap<String, String>,
    samples: Vec<(String, BTreeMap<String, String>, f64)>,
}

impl Metrics {
    fn parse(text: &str) -> Self {
        let mut parsed = Self { text: text.to_owned(), types: BTreeMap::new(), samples: Vec::new() };
        for line in text.lines() {
            if let Some(comment) = line.strip_prefix("# TYPE ") {
                let (name, kind) = comment.split_once(' ').unwrap();
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert!(parsed.types.insert(name.into(), kind.into()).is_none(), "two of {name}");
            } else if !line.starts_with("# HELP ") {
                parsed.samples.push(sample(line));
            }
        }
        for (name, ..) in &parsed.samples {
            let stem = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            let known = |name: &str| parsed.types.contains_key(name);
            assert!(known(name) || stem.is_some_and(known), "{name} has no type");
        }
        parsed
    }

    /// The sum of the samples that have these labels.
    fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let fits = |of: &BTreeMap<String, String>| {
            labels.iter().all(|(label, value)| of.get(*label).is_some_and(|known| known == value))
        };
        self.samples.iter().filter(|(known, of, _)| known == name && fits(of)).map(|(.., value)| value).sum()
    }

    /// The bounds of a histogram's buckets.
    fn bounds(&self, name: &str) -> Vec<String> {
        let name = format!("{name}_bucket");
        let all = self.samples.iter().filter(|(known, ..)| *known == name);
        let first = all.clone().next().unwrap().1.get("attach_upstream").cloned();
        let mut bounds: Vec<_> = all
            .filter(|(_, labels, _)| labels.get("attach_upstream").cloned() == first)
            .map(|(_, labels, _)| labels["le"].clone())
            .collect();
        bounds.dedup();
        bounds
    }
}

fn sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let (head, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
    let (name, labels) = head.split_once('{').map_or((head, ""), |(name, rest)| {
        (name, rest.strip_suffix('}').unwrap_or_else(|| panic!("no labels: {line}")))
    });
    let word = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    assert!(word(name), "{line}");
    let labels = labels.split_terminator("\",").map(|pair| {
        let (label, value) = pair.split_once("=\"").unwrap_or_else(|| panic!("no label: {line}"));
        assert!(word(label), "{line}");
        (label.to_owned(), value.trim_end_matches('"').to_owned())
    });
    (name.to_owned(), labels.collect(), value.parse().unwrap_or_else(|_| panic!("no value: {line}")))
}

fn kind(spans: &[Span], kind: SpanKind) -> Vec<&Span> {
    spans.iter().filter(|span| span.kind == kind as i32).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn metrics_count_what_happened_and_name_nobody() {
    let world = watched("", |launch| launch).await;
    let answer = world.chat("gpt-4o").send().await.expect(200);
    let tokens = answer.json()["usage"].clone();
    let token = world.issuer.token("alice", &[]);
    let stream = streamed(CHATS[0], "gpt-4o", "hello");
    world.gateway.post(CHATS[0]).bearer(&token).json(&stream).send().await.expect(200);
    world.chat("made-up-by-alice").send().await.expect(403);
    world.gateway.post(CHATS[0]).json(&question(CHATS[0], "gpt-4o", "x")).send().await.expect(401);
    world.chat("second-try").send().await.expect(200);

    let metrics = world.metrics().await;
    let chat = ("attach_api", "openai.chat");
    let counted = |labels: &[(&str, &str)]| metrics.sum("attach_requests_total", labels);
    assert_eq!(counted(&[chat, ("attach_end", "complete"), ("http_response_status_code", "200")]), 3.0);
    assert_eq!(counted(&[chat, ("http_response_status_code", "401")]), 1.0);
    assert_eq!(counted(&[chat, ("attach_decision_reason", "model_not_available")]), 1.0);
    let duration = "gen_ai_server_request_duration_seconds_count";
    let model = |name| ("gen_ai_request_model", name);
    assert_eq!(metrics.sum(duration, &[model("gpt-4o"), ("attach_upstream", "everything")]), 2.0);
    assert_eq!(metrics.sum(duration, &[model("other")]), 2.0, "{}", metrics.text);
    assert_eq!(metrics.sum(duration, &[("error_type", "model_not_available")]), 1.0);
    assert_eq!(metrics.sum("gen_ai_server_time_to_first_token_seconds_count", &[]), 1.0);
    let used = "gen_ai_client_token_usage_sum";
    let input = metrics.sum(used, &[("gen_ai_token_type", "input"), model("second-try")]);
    assert_eq!(Some(input), tokens["prompt_tokens"].as_f64(), "{}", metrics.text);
    let attempts = |how| metrics.sum("attach_upstream_attempts_total", &[("attach_end", how)]);
    assert_eq!((attempts("ok"), attempts("connect")), (3.0, 1.0));
    assert_eq!(metrics.sum("attach_requests_in_flight", &[]), 0.0);
    assert_eq!(metrics.sum("attach_audit_ready", &[]), 1.0);
    assert_eq!(metrics.sum("attach_auth_issuer_ready", &[]), 1.0);
    let age = metrics.samples.iter().find(|(name, ..)| name == "attach_auth_issuer_keys_age_seconds");
    assert!(age.is_some_and(|(.., age)| (0.0..3600.0).contains(age)), "{age:?}");
    assert_eq!(metrics.sum("attach_build_info", &[("service_version", env!("CARGO_PKG_VERSION"))]), 1.0);
    assert_eq!(metrics.sum("attach_config_info", &[]), 1.0);
    assert!(metrics.sum("process_memory_usage_bytes", &[]) > 1e6, "{}", metrics.text);
    let bounds = metrics.bounds("gen_ai_client_token_usage");
    assert_eq!((&*bounds[0], &*bounds[1], &*bounds[13]), ("1", "4", "67108864"), "{bounds:?}");
    assert_eq!(metrics.bounds("gen_ai_server_request_duration_seconds")[13], "81.92");
    assert!(!metrics.text.contains("alice"), "{}", metrics.text);
}

#[tokio::test]
async fn labels_that_are_asked_for_are_told_apart() {
    let world = watched("[telemetry]\nlabels = [\"directory\"]", |launch| launch).await;
    world.chat("gpt-4o").send().await.expect(200);
    let metrics = world.metrics().await;
    let directory = metrics.samples.iter().find(|(name, ..)| name == "attach_requests_total").unwrap();
    assert!(directory.1["attach_actor_directory"].contains("127.0.0.1"), "{directory:?}");
}

#[tokio::test]
async fn a_trace_goes_from_the_client_through_the_gateway_to_the_model_server() {
    let collector = Collector::grpc().await;
    let telemetry = format!("[telemetry]\notlp = \"{}\"\nprotocol = \"grpc\"", collector.url);
    let mut world = watched(&telemetry, |launch| launch).await;
    let call = world.chat("second-try").header("traceparent", PARENT).header("tracestate", "a=1");
    let id = call.header("baggage", "user=alice").send().await.expect(200).id();
    let seen = world.upstream.only();
    let outcome = world.gateway.trail(&id).outcome().clone();
    assert_eq!(outcome["trace_id"], PARENT[3..35]);
    let line = world.gateway.stderr.line("cannot reach the upstream").await;
    assert!(line.contains(&PARENT[3..35]) && line.contains(&id), "{line}");
    world.end().await;

    let spans = collector.spans();
    let server = kind(&spans, SpanKind::Server)[0];
    assert_eq!(hex(&server.trace_id), PARENT[3..35]);
    assert_eq!(hex(&server.parent_span_id), PARENT[36..52]);
    assert_eq!(server.name, "chat second-try");
    let said = |name: &str| text(&server.attributes, name);
    assert_eq!(said("gen_ai.operation.name").as_deref(), Some("chat"));
    assert_eq!(said("gen_ai.request.model").as_deref(), Some("second-try"));
    assert_eq!(said("http.response.status_code").as_deref(), Some("200"));
    assert_eq!(said("attach.request.id"), Some(id));
    assert_eq!(said("error.type"), None);
    let attempts = kind(&spans, SpanKind::Client);
    assert_eq!(attempts.len(), 2, "{attempts:?}");
    for attempt in &attempts {
        assert_eq!(attempt.trace_id, server.trace_id);
        assert_eq!(attempt.parent_span_id, server.span_id);
        assert_eq!(text(&attempt.attributes, "server.address").as_deref(), Some("127.0.0.1"));
    }
    let of = |name: &str| {
        let found =
            attempts.iter().find(|one| text(&one.attributes, "attach.upstream").as_deref() == Some(name));
        *found.unwrap()
    };
    assert_eq!(text(&of("away").attributes, "error.type").as_deref(), Some("connect"));
    let onward = format!("00-{}-{}-01", &PARENT[3..35], hex(&of("everything").span_id));
    assert_eq!(seen.header("traceparent"), Some(&*onward));
    assert_eq!((seen.header("tracestate"), seen.header("baggage")), (Some("a=1"), None));
    assert_eq!(collector.histogram("gen_ai.server.request.duration").unwrap().0, 1);
    assert_eq!(collector.histogram("gen_ai.client.token.usage").unwrap().0, 2);
    assert!(collector.histogram("gen_ai.client.token.usage").unwrap().1 > 0.0);
    assert_eq!(collector.resource("service.name").as_deref(), Some("attach-gateway"));
    let everything = collector.everything();
    assert!(!everything.contains("alice") && !everything.contains("hello"), "{everything}");
}

#[tokio::test]
async fn a_collector_over_http_is_found_by_the_environment_alone() {
    let collector = Collector::http().await;
    let change = |launch: Launch| {
        launch
            .set("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url)
            .set("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
            .set("OTEL_EXPORTER_OTLP_HEADERS", "x-key=not-shown")
            .set("OTEL_SERVICE_NAME", "front-door")
            .set("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    };
    let mut world = watched("", change).await;
    world.gateway.post(CHATS[0]).json(&question(CHATS[0], "gpt-4o", "x")).send().await.expect(401);
    world.end().await;
    let spans = collector.spans();
    assert_eq!(spans.len(), 1, "a refused request has no attempt: {spans:?}");
    assert!(text(&spans[0].attributes, "error.type").is_some());
    assert!(spans[0].parent_span_id.is_empty());
    assert_eq!(collector.histogram("gen_ai.server.request.duration").unwrap().0, 1);
    assert_eq!(collector.resource("service.name").as_deref(), Some("front-door"));
    assert_eq!(collector.resource("deployment.environment.name").as_deref(), Some("test"));
    assert_eq!(collector.header("x-key").as_deref(), Some("not-shown"));
    assert!(!world.gateway.stderr.text().contains("not-shown"));
}

#[tokio::test]
async fn whoever_began_a_trace_decides_whether_it_is_kept() {
    let collector = Collector::http().await;
    let telemetry = format!("[telemetry]\notlp = \"{}\"", collector.url);
    let mut world = watched(&telemetry, |launch| launch).await;
    let unsampled = PARENT.replace("-01", "-00");
    world.chat("gpt-4o").header("traceparent", &unsampled).send().await.expect(200);
    world.chat("gpt-4o").header("traceparent", "00-nonsense").send().await.expect(200);
    let [first, second] = <[_; 2]>::try_from(world.upstream.seen()).unwrap();
    world.end().await;
    let onward = first.header("traceparent").unwrap();
    assert!(onward.starts_with(&PARENT[..36]) && onward.ends_with("-00"), "{onward}");
    let spans = collector.spans();
    assert_eq!(kind(&spans, SpanKind::Server).len(), 1, "{spans:?}");
    assert_eq!(second.header("traceparent").unwrap()[3..35], hex(&spans[0].trace_id));
    assert_ne!(hex(&spans[0].trace_id), PARENT[3..35]);
}

#[tokio::test]
async fn a_share_of_none_sends_no_span() {
    let collector = Collector::http().await;
    let telemetry = format!("[telemetry]\notlp = \"{}\"\nsample = 0.0\nuser_id = true", collector.url);
    let mut world = watched(&telemetry, |launch| launch).await;
    world.chat("gpt-4o").send().await.expect(200);
    world.end().await;
    assert!(collector.spans().is_empty());
    assert_eq!(collector.histogram("gen_ai.server.request.duration").unwrap().0, 1);
}

#[tokio::test]
async fn a_trace_that_nobody_watches_still_goes_on() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let gateway = Launch::env(&issuer, &upstream).start().await;
    let call = gateway.post(CHATS[0]).bearer(&issuer.token("alice", &[])).header("traceparent", PARENT);
    call.json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(200);
    assert_eq!(upstream.only().header("traceparent"), Some(PARENT));
}

#[tokio::test]
async fn a_collector_that_is_away_slows_nobody_and_its_loss_is_counted() {
    let telemetry = "[telemetry]\notlp = \"http://127.0.0.1:1\"\nprotocol = \"grpc\"";
    let change = |launch: Launch| launch.set("OTEL_BSP_SCHEDULE_DELAY", "100");
    let mut world = watched(telemetry, change).await;
    for _ in 0..20 {
        world.chat("gpt-4o").send().await.expect(200);
    }
    world.gateway.stderr.line("the collector does not take telemetry").await;
    let lost = async || world.metrics().await.sum("attach_telemetry_spans_lost_total", &[]);
    let until = Instant::now() + Duration::from_secs(30);
    while lost().await == 0.0 {
        assert!(Instant::now() < until, "no span was counted as lost");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let began = Instant::now();
    world.end().await;
    assert!(began.elapsed() < Duration::from_secs(20), "the end waits for the collector");
}
