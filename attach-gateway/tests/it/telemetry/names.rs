//! Names: what is exposed, what is documented, and what the dashboard and the alerts ask for are the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Metrics, watched};
use crate::support::{Launch, PATIENCE, Reply, Upstream};

const DOCUMENTATION: &str = include_str!("../../../../docs/telemetry.md");
const DASHBOARD: &str = include_str!("../../../../docs/grafana-dashboard.json");
const ALERTS: &str = include_str!("../../../../docs/alerts.yml");

/// What the documentation calls "call".
const CALL: [&str; 4] =
    ["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "attach_upstream"];

/// A row of the documentation's table.
struct Row {
    histogram: bool,
    labels: BTreeSet<String>,
}

/// By the names at /metrics.
fn documented() -> BTreeMap<String, Row> {
    let rows = DOCUMENTATION.lines().filter_map(|line| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, _, name, kind, labels, _, _] = cells[..] else { return None };
        let name = name.strip_prefix('`')?.strip_suffix('`')?.to_owned();
        let mut all: BTreeSet<_> = labels.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        if labels.starts_with("call") {
            all.extend(CALL.map(str::to_owned));
        }
        Some((name, Row { histogram: kind == "histogram", labels: all }))
    });
    let rows: BTreeMap<_, _> = rows.collect();
    assert!(rows.len() > 45, "only {} metrics were found", rows.len());
    rows
}

/// The row of a name with the suffix of a histogram, or without.
fn row<'a>(rows: &'a BTreeMap<String, Row>, name: &str) -> Option<&'a Row> {
    let ends = ["_bucket", "_sum", "_count"];
    let stem = || ends.iter().find_map(|end| rows.get(name.strip_suffix(end)?)).filter(|row| row.histogram);
    rows.get(name).filter(|row| !row.histogram).or_else(stem)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| !word.is_empty())
}

/// What stands between `open` and `close`, each time.
fn between<'a>(text: &'a str, open: &str, close: char) -> Vec<&'a str> {
    text.split(open).skip(1).map(|rest| rest.split(close).next().unwrap_or_default()).collect()
}

/// The labels that an expression selects or groups by.
fn labels_of(expression: &str) -> Vec<&str> {
    let grouped = between(expression, "by (", ')').into_iter().flat_map(words);
    let selected = between(expression, "{", '}').into_iter().flat_map(|selector| {
        selector.split(',').map(|matcher| matcher.split(['=', '!']).next().unwrap_or_default().trim())
    });
    grouped.chain(selected).collect()
}

/// Holds an expression and the labels that are shown of its result against the documentation.
fn check(rows: &BTreeMap<String, Row>, expression: &str, shown: &str) -> usize {
    let labels = labels_of(expression);
    let ours = |word: &&str| ["attach_", "gen_ai_", "process_"].iter().any(|stem| word.starts_with(stem));
    let names: Vec<_> = words(expression).filter(ours).filter(|word| !labels.contains(word)).collect();
    assert!(!names.is_empty(), "{expression} asks for nothing");
    for name in &names {
        let row = row(rows, name).unwrap_or_else(|| panic!("docs/telemetry.md does not name {name}"));
        for label in &labels {
            let le = *label == "le" && row.histogram && name.ends_with("_bucket");
            assert!(le || row.labels.contains(*label), "{name} has no label {label}: {expression}");
        }
        // Prometheus adds the instance.
        let given = ["labels", "instance"];
        let shown =
            between(shown, "{{", '}').into_iter().flat_map(words).filter(|word| !given.contains(word));
        for label in shown {
            assert!(row.labels.contains(label), "{name} has no label {label} to be shown: {expression}");
        }
    }
    names.len()
}

#[test]
fn the_dashboard_asks_for_what_there_is() {
    let (rows, mut seen) = (documented(), 0);
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("valid JSON");
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let legend = target["legendFormat"].as_str().unwrap_or_default();
            seen += check(&rows, target["expr"].as_str().unwrap(), legend);
        }
    }
    assert!(seen > 20, "only {seen} names were found");
}

#[test]
fn the_alerts_ask_for_what_there_is() {
    let (rows, mut seen) = (documented(), 0);
    for rule in ALERTS.split("- alert: ").skip(1) {
        let (_, rest) = rule.split_once("expr:").unwrap();
        let ends = ["\n        for:", "\n        labels:"];
        let end = ends.iter().filter_map(|end| rest.find(end)).min().unwrap();
        let (expression, rest) = rest.split_at(end);
        let (_, summary) = rest.split_once("summary:").unwrap();
        seen += check(&rows, expression, summary);
    }
    assert!(seen > 12, "only {seen} names were found");
}

#[tokio::test]
async fn every_metric_that_is_exposed_is_documented_with_its_labels() {
    let siem = Upstream::with(|_| Reply::json(200, &json!({ "text": "Success", "code": 0 }))).await;
    let egress = format!(
        "[[audit.egress]]\nkind = \"splunk-hec\"\nname = \"soc\"\nurl = \"{}\"\ntoken = {{ env = \"HEC_TOKEN\" }}\n\
         [[quota]]\nid = \"all\"\neach = \"user\"\ntokens = \"60000/min\"\n\
         [[price]]\nmodels = \"gpt-4o\"\ninput = 2.5\noutput = 10",
        siem.url()
    );
    let token = "00000000-0000-0000-0000-000000000000";
    let world = watched(&egress, |launch: Launch| launch.set("HEC_TOKEN", token)).await;
    world.chat("gpt-4o").send().await.expect(200);
    world.chat("second-try").send().await.expect(200);
    let until = std::time::Instant::now() + PATIENCE;
    let metrics = loop {
        let metrics = world.metrics().await;
        let sent = metrics.sum("attach_audit_egress_records_total", &[("outcome", "sent")]) > 0.0;
        if sent && metrics.sum("attach_audit_egress_up", &[("egress", "soc")]) == 1.0 {
            break metrics;
        }
        assert!(std::time::Instant::now() < until, "nothing was sent: {}", metrics.text);
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    agrees(&metrics, &documented());
    assert_eq!(metrics.types["attach_audit_queue_depth"], "gauge");
    assert_eq!(metrics.sum("attach_audit_records_total", &[("attach_audit_kind", "intent")]), 2.0);
    assert!(metrics.sum("attach_audit_log_size_bytes", &[]) > 0.0, "{}", metrics.text);
    for zero in ["records_refused", "failures", "content_truncated"] {
        let name = format!("attach_audit_{zero}_total");
        assert!(metrics.types.contains_key(&name), "{name} begins with its first change: {}", metrics.text);
    }
}

fn agrees(metrics: &Metrics, rows: &BTreeMap<String, Row>) {
    for (name, labels, _) in metrics.samples.iter().filter(|(name, ..)| name != "target_info") {
        let row = row(rows, name).unwrap_or_else(|| panic!("docs/telemetry.md does not name {name}"));
        for label in labels.keys().filter(|label| *label != "le") {
            assert!(row.labels.contains(label), "docs/telemetry.md does not name {label} of {name}");
        }
    }
}

#[test]
fn every_instrument_of_the_source_is_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for part in
        ["attach-core", "attach-auth", "attach-redact", "attach-quota", "attach-audit", "attach-gateway"]
    {
        sources(&root.join(part).join("src"), &mut files);
    }
    let mut seen = 0;
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        if !text.contains("opentelemetry::") && !file.ends_with("telemetry/names.rs") {
            continue;
        }
        for name in text.split('"').skip(1) {
            let stem = ["attach.", "process."].iter().any(|stem| name.starts_with(stem));
            let name_like = |letter: char| letter.is_ascii_lowercase() || matches!(letter, '.' | '_');
            if stem && name.chars().all(name_like) && name != "attach.audit" {
                let known = [name.to_owned(), name.replace('.', "_")];
                let known = known.iter().any(|name| DOCUMENTATION.contains(&format!("`{name}`")));
                assert!(known, "docs/telemetry.md does not name {name} of {}", file.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 40, "only {seen} names were found");
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
