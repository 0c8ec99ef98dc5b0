//! What `deploy/` holds is what its tools accept, and what the gateway accepts.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::Launch;
use crate::support::tools::python;

fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(name)
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Renders the chart; what helm printed, and whether it agreed.
fn helm(python: &Path, values: &str, set: &[&str]) -> (String, bool) {
    let mut command = Command::new(python.with_file_name("helm"));
    command.args(["template", "attach"]).arg(deploy("helm/attach-gateway"));
    command.arg("--values").arg(deploy("helm/attach-gateway/ci").join(values));
    set.iter().for_each(|value| _ = command.args(["--set", value]));
    let output = command.output().unwrap();
    (text(&output), output.status.success())
}

/// YAML as JSON, document by document.
fn documents(python: &Path, yaml: &str) -> Vec<Value> {
    let folder = crate::support::TempDir::new();
    let path = folder.write("all.yaml", yaml);
    let script =
        "import json,sys,yaml\nfor one in yaml.safe_load_all(open(sys.argv[1])):\n  print(json.dumps(one))";
    let output = Command::new(python).args(["-c", script]).arg(path).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|one: &Value| !one.is_null())
        .collect()
}

fn of_kind<'a>(documents: &'a [Value], kind: &str) -> &'a Value {
    documents.iter().find(|one| one["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

/// What `check` says of a file that the gateway is given there.
async fn checked(config: &str) -> String {
    let secrets = [("ATTACH_REDACT_KEY", "k".repeat(32)), ("REDIS_URL", "redis://127.0.0.1:1".to_owned())];
    // A variable that the file does not refer to is an error.
    let known = secrets.iter().filter(|(name, _)| config.contains(&format!("\"{name}\"")));
    let launch = Launch::file(config).without_port();
    let finished = known.fold(launch, |launch, (name, value)| launch.set(name, value)).check().await;
    assert!(finished.ok, "{}\n{config}", finished.stderr);
    finished.stdout
}

#[tokio::test]
async fn the_chart_renders_to_what_kubernetes_knows_and_the_gateway_accepts() {
    let Some(python) = python() else { return };
    for values in ["one.yaml", "many.yaml"] {
        let (yaml, ok) = helm(&python, values, &[]);
        assert!(ok, "{yaml}");
        let folder = crate::support::TempDir::new();
        let path = folder.write("all.yaml", &yaml);
        let mut validate = Command::new(python.with_file_name("kubernetes-validate"));
        let output = validate.args(["--strict", "--no-warn"]).arg(path).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        assert!(text(&output).contains("statefulset/attach"), "{}", text(&output));
        let documents = documents(&python, &yaml);
        let config = of_kind(&documents, "ConfigMap")["data"]["attach.toml"].as_str().unwrap().to_owned();
        checked(&config).await;
    }
}

#[tokio::test]
async fn a_pod_is_not_root_writes_to_its_volume_alone_and_sends_its_records_before_it_goes() {
    let Some(python) = python() else { return };
    let documents = documents(&python, &helm(&python, "many.yaml", &[]).0);
    let set = &of_kind(&documents, "StatefulSet")["spec"];
    let pod = &set["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(container["securityContext"]["capabilities"]["drop"][0], "ALL");
    assert_eq!(set["volumeClaimTemplates"][0]["metadata"]["name"], "state");
    assert_eq!(set["persistentVolumeClaimRetentionPolicy"]["whenDeleted"], "Retain");
    let before = container["lifecycle"]["preStop"]["exec"]["command"].as_array().unwrap();
    assert_eq!(before[1..3], ["audit", "shipped"]);
    // preStop, the running answers and the last records have to fit in.
    assert!(pod["terminationGracePeriodSeconds"].as_u64().unwrap() > 30 + 120);
}

#[tokio::test]
async fn nodes_that_share_nothing_are_not_rendered() {
    let Some(python) = python() else { return };
    let (said, ok) = helm(&python, "one.yaml", &["replicas=2"]);
    assert!(!ok && said.contains("state.redis"), "{said}");
    let (said, ok) = helm(&python, "one.yaml", &["image.repository="]);
    assert!(!ok && said.contains("image.repository"), "{said}");
}

#[tokio::test]
async fn the_compose_file_has_a_gateway_whose_configuration_is_accepted() {
    let Some(python) = python() else { return };
    let yaml = std::fs::read_to_string(deploy("compose/compose.yaml")).unwrap();
    let documents = documents(&python, &yaml);
    let services = &documents[0]["services"];
    assert_eq!(services["attach"]["read_only"], true);
    // Who would reach the model server beside the gateway is nobody.
    assert_eq!(services["ollama"]["networks"], serde_json::json!(["models"]));
    assert_eq!(services["open-webui"]["networks"], serde_json::json!(["clients"]));
    let config = std::fs::read_to_string(deploy("compose/attach.toml")).unwrap();
    let described = checked(&config).await;
    assert!(described.contains("0.0.0.0:8080"), "{described}");
}

#[test]
fn the_unit_leaves_little_exposed() {
    let unit = deploy("systemd/attach-gateway.service");
    let mut analyze = Command::new("systemd-analyze");
    let analyze = analyze.args(["security", "--offline=true", "--threshold=15"]).arg(unit).output();
    // Containers have no systemd; the machine of a developer or of CI may.
    let Ok(output) = analyze else { return };
    let said = text(&output);
    if said.contains("Unknown") || said.contains("unrecognized option") {
        return;
    }
    // In tenths: up to 1.5 of 10.
    assert!(output.status.success(), "{said}");
}
