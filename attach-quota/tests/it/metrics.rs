//! What an operator's metrics are told. The meter provider is one for the whole process, so every test has limits of
//! its own.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use attach_core::{Body, Identity};
use attach_quota::store::{Charge, Denied, MemoryStore, Reserving, Settling};
use attach_quota::{Action, Limit, QuotaLayer, Rate, Scope, Store};
use http::Request;
use http_body_util::{BodyExt, Full};
use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ScopeMetrics};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{HELLO, INPUT, SSE, chunk, json, stream, typed};

const USED: &str = r#"{"choices":[],"usage":{"prompt_tokens":18,"completion_tokens":64}}"#;

fn provider() -> &'static (SdkMeterProvider, InMemoryMetricExporter) {
    static PROVIDER: OnceLock<(SdkMeterProvider, InMemoryMetricExporter)> = OnceLock::new();
    PROVIDER.get_or_init(|| {
        let exporter = InMemoryMetricExporter::default();
        let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
        opentelemetry::global::set_meter_provider(provider.clone());
        (provider, exporter)
    })
}

type Series = BTreeMap<String, f64>;

fn labels<'a>(attributes: impl Iterator<Item = &'a KeyValue>) -> String {
    let mut labels: Vec<_> = attributes.map(|label| format!("{}={}", label.key, label.value)).collect();
    labels.sort();
    labels.join(",")
}

/// Every series of `name`: sums and gauges by their value, histograms by their sum.
fn series(name: &str) -> Series {
    static READING: Mutex<()> = Mutex::new(());
    let _reading = READING.lock().unwrap_or_else(PoisonError::into_inner);
    let (provider, exporter) = provider();
    exporter.reset();
    provider.force_flush().unwrap();
    let mut series = Series::new();
    for metrics in exporter.get_finished_metrics().unwrap() {
        for metric in metrics.scope_metrics().flat_map(ScopeMetrics::metrics).filter(|one| one.name() == name)
        {
            match metric.data() {
                AggregatedMetrics::U64(MetricData::Sum(sum)) => series.extend(
                    sum.data_points().map(|point| (labels(point.attributes()), point.value() as f64)),
                ),
                AggregatedMetrics::U64(MetricData::Gauge(gauge)) => series.extend(
                    gauge.data_points().map(|point| (labels(point.attributes()), point.value() as f64)),
                ),
                AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
                    series.extend(
                        histogram.data_points().map(|point| (labels(point.attributes()), point.sum())),
                    );
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }
    series
}

/// Those of the limit `id`.
fn of_limit(name: &str, id: &str) -> Series {
    let ours = |labels: &String| labels.split(',').any(|label| label == format!("limit={id}"));
    series(name).into_iter().filter(|(labels, _)| ours(labels)).collect()
}

async fn call(layer: &QuotaLayer, user: &str, body: &str) -> u16 {
    let service = layer.layer(service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(json(USED)) }));
    let request = Request::post("/v1/chat/completions").extension(Identity::person("acme", user));
    let request = request.body(Full::<bytes::Bytes>::from(body.to_owned())).unwrap();
    let answer = service.oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    answer.into_body().collect().await.map_err(|_| "a broken body").unwrap();
    status
}

#[tokio::test]
async fn every_decision_and_every_charge_is_counted_for_its_limit() {
    provider();
    let layer = QuotaLayer::new(vec![
        Limit::requests("decisions-few", Rate::per_hour(2)),
        Limit::requests("decisions-shadow", Rate::per_hour(1)).action(Action::Shadow),
        Limit::tokens("decisions-tokens", Rate::per_hour(100_000)),
    ]);
    let statuses =
        [call(&layer, "a", HELLO).await, call(&layer, "a", HELLO).await, call(&layer, "a", HELLO).await];
    assert_eq!(statuses, [200, 200, 429]);
    let decisions = |id: &str| of_limit("attach.quota.decisions", id);
    let series = |id: &str, unit: &str, outcomes: &[(&str, f64)]| -> Series {
        let label = |outcome: &str| format!("limit={id},outcome={outcome},unit={unit}");
        outcomes.iter().map(|(outcome, count)| (label(outcome), *count)).collect()
    };
    let few = series("decisions-few", "requests", &[("admitted", 2.0), ("refused", 1.0)]);
    assert_eq!(decisions("decisions-few"), few);
    let shadow = series("decisions-shadow", "requests", &[("admitted", 1.0), ("shadow_refused", 1.0)]);
    assert_eq!(decisions("decisions-shadow"), shadow);
    assert_eq!(decisions("decisions-tokens"), series("decisions-tokens", "tokens", &[("admitted", 2.0)]));

    let charged = |id: &str| of_limit("attach.quota.charged", id).into_values().collect::<Vec<_>>();
    assert_eq!(charged("decisions-few"), [2.0]);
    assert_eq!(charged("decisions-shadow"), [1.0]);
    assert_eq!(charged("decisions-tokens"), [2.0 * (18.0 + 64.0)]);
}

/// Every reservation has a mark of its own, by which it is known again.
#[derive(Default)]
struct Marking(MemoryStore, AtomicU64);

impl Store for Marking {
    fn reserve<'a>(&'a self, charges: &'a mut [Charge]) -> Reserving<'a> {
        Reserving::later(async move {
            self.0.reserve(charges).await?;
            charges.iter_mut().for_each(|charge| charge.set_mark(self.1.fetch_add(1, Ordering::Relaxed) + 1));
            Ok(())
        })
    }

    fn settle(&self, charges: &[Charge], settling: Settling) {
        self.0.settle(charges, settling);
    }
}

#[tokio::test]
async fn what_a_stream_reserved_piece_by_piece_is_counted_whole() {
    provider();
    let limit = Limit::tokens("charged-apart", Rate::per_minute(20_000)).action(Action::Cut);
    let layer = QuotaLayer::new(vec![limit]).store(Marking::default());
    let service = layer.layer(service_fn(|_: Request<Body>| async {
        let (writer, body) = stream();
        (0..2000).for_each(|_| writer.send(&chunk("word")));
        writer.send("data: [DONE]\n\n");
        Ok::<_, Infallible>(typed(SSE, body))
    }));
    let request = Request::post("/v1/chat/completions").extension(Identity::person("acme", "alice"));
    let request = request.body(Full::<bytes::Bytes>::from(HELLO)).unwrap();
    let answer = service.oneshot(request).await.unwrap();
    answer.into_body().collect().await.map_err(|_| "a broken body").unwrap();
    let charged: Vec<_> = of_limit("attach.quota.charged", "charged-apart").into_values().collect();
    assert_eq!(charged, [(INPUT + 2000) as f64]);
}

#[tokio::test]
async fn a_refusal_for_fairness_is_an_outcome_of_its_own() {
    provider();
    let limit = Limit::requests("decisions-fair", Rate::per_hour(8)).each(Scope::Everyone).fair();
    let layer = QuotaLayer::new(vec![limit]);
    assert_eq!(call(&layer, "b", HELLO).await, 200);
    for status in [200, 200, 200, 200, 200, 429] {
        assert_eq!(call(&layer, "a", HELLO).await, status);
    }
    let label = |outcome: &str| format!("limit=decisions-fair,outcome={outcome},unit=requests");
    let expected = [(label("admitted"), 6.0), (label("share_refused"), 1.0)];
    assert_eq!(of_limit("attach.quota.decisions", "decisions-fair"), expected.into());
}

#[tokio::test]
async fn a_store_that_cannot_be_asked_is_counted_for_every_limit() {
    struct Down;
    impl Store for Down {
        fn reserve<'a>(&'a self, _: &'a mut [Charge]) -> Reserving<'a> {
            Reserving::ready(Err(Denied::Unavailable))
        }
        fn settle(&self, _: &[Charge], _: Settling) {}
    }
    provider();
    let layer = QuotaLayer::new(vec![Limit::requests("down", Rate::per_hour(2))]).store(Down);
    assert_eq!(call(&layer, "a", HELLO).await, 503);
    let counted = of_limit("attach.quota.decisions", "down");
    assert_eq!(
        counted.into_iter().collect::<Vec<_>>(),
        [("limit=down,outcome=unavailable,unit=requests".to_owned(), 1.0)]
    );
}

#[tokio::test]
async fn a_thousand_users_and_models_add_no_series() {
    provider();
    let layer = QuotaLayer::new(vec![Limit::tokens("many", Rate::per_hour(1_000_000))]);
    let names = ["decisions", "charged", "estimate.error", "store.duration", "buckets"];
    let names = names.map(|name| format!("attach.quota.{name}"));
    for number in 0..1000 {
        let body = format!(
            r#"{{"model":"model-{number}","user":"u{number}","messages":[{{"role":"user","content":"hi"}}]}}"#
        );
        assert_eq!(call(&layer, &format!("user-{number}"), &body).await, 200);
    }
    layer.sweep();
    for name in &names[..2] {
        assert_eq!(of_limit(name, "many").len(), 1, "{name}");
    }
    assert_eq!(series(&names[2]).into_keys().collect::<Vec<_>>(), ["direction=input", "direction=output"]);
    for name in &names[3..] {
        let labels = loop {
            // A gauge that somebody else has read meanwhile has nothing to say until it is told again.
            layer.sweep();
            let labels: Vec<_> = series(name).into_keys().collect();
            if !labels.is_empty() {
                break labels;
            }
        };
        assert_eq!(labels, [""], "{name}");
    }
    for name in &names {
        let labels: String = series(name).into_keys().collect();
        assert!(!labels.contains("user-") && !labels.contains("model-"), "{labels}");
    }
}
