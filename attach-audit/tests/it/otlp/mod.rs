//! OTLP logs as a receiver sees them: every record byte by byte, over real sockets.

mod grpc;
mod http;

use std::sync::{Arc, Mutex};

use attach_audit::names;
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;

/// What has arrived.
#[derive(Clone, Default)]
struct Received(Arc<Mutex<Vec<ExportLogsServiceRequest>>>);

impl Received {
    fn take(&self, request: ExportLogsServiceRequest) {
        self.0.lock().unwrap().push(request);
    }

    fn records(&self) -> Vec<LogRecord> {
        let requests = self.0.lock().unwrap();
        let scopes = requests.iter().flat_map(|request| &request.resource_logs).flat_map(|r| &r.scope_logs);
        scopes.flat_map(|scope| scope.log_records.clone()).collect()
    }

    /// The bodies, which are the lines.
    fn bodies(&self) -> Vec<String> {
        self.records().iter().map(|record| text(record.body.as_ref())).collect()
    }
}

fn rejecting(rejected_log_records: i64) -> ExportLogsServiceResponse {
    let partial_success =
        Some(ExportLogsPartialSuccess { rejected_log_records, error_message: "too old".into() });
    ExportLogsServiceResponse { partial_success }
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{other:?}"),
    }
}

fn attribute(attributes: &[KeyValue], key: &str) -> Option<String> {
    let mut found = attributes.iter().filter(|attribute| attribute.key == key);
    let value = found.next().map(|attribute| text(attribute.value.as_ref()));
    assert!(found.next().is_none(), "{key} is there twice");
    value
}

/// What arrived says of each record what its line says.
fn assert_described(received: &Received) {
    let requests = received.0.lock().unwrap().clone();
    let resource = &requests[0].resource_logs[0];
    let of_resource = &resource.resource.as_ref().unwrap().attributes;
    for (key, value) in [
        (names::SERVICE_NAME, "attach-gateway"),
        (names::SERVICE_INSTANCE_ID, "node-1"),
        (names::SERVICE_VERSION, "9.9"),
    ] {
        assert_eq!(attribute(of_resource, key).as_deref(), Some(value));
    }
    assert_eq!(resource.scope_logs[0].scope.as_ref().unwrap().name, "attach.audit");
    let severities: Vec<_> = received.records().iter().map(described).collect();
    // A start; an intent and an outcome of each of: answered, cut, broken.
    assert_eq!(severities, ["INFO", "INFO", "INFO", "INFO", "WARN", "INFO", "ERROR"]);
}

/// Compares one with its line; its severity.
fn described(record: &LogRecord) -> String {
    let line: serde_json::Value = serde_json::from_str(&text(record.body.as_ref())).unwrap();
    assert_eq!(record.event_name, format!("attach.audit.{}", line["kind"].as_str().unwrap()));
    let shown = attach_audit::Timestamp::from(
        std::time::UNIX_EPOCH + std::time::Duration::from_nanos(record.time_unix_nano),
    );
    assert_eq!(line["ts"], shown.to_string());
    assert!(record.observed_time_unix_nano >= record.time_unix_nano);
    let hex: String = record.trace_id.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, line["trace_id"].as_str().unwrap_or_default());
    for (key, pointer) in [
        (names::ATTACH_AUDIT_ID, "/id"),
        (names::ATTACH_AUDIT_SEQ, "/seq"),
        (names::ATTACH_AUDIT_CHAIN, "/chain"),
        (names::ATTACH_AUDIT_HASH, "/hash"),
        (names::ATTACH_REQUEST_ID, "/req_id"),
        (names::ATTACH_INTENT_ID, "/intent_id"),
        (names::ATTACH_DECISION, "/decision/result"),
        (names::ATTACH_END, "/end"),
        (names::USER_ID, "/actor/uid"),
        (names::CLIENT_ADDRESS, "/src/ip"),
        (names::USER_AGENT_ORIGINAL, "/src/ua"),
        (names::HTTP_REQUEST_METHOD, "/route/method"),
        (names::HTTP_RESPONSE_STATUS_CODE, "/decision/http_status"),
        (names::URL_PATH, "/route/path"),
        (names::GEN_AI_OPERATION_NAME, "/route/op"),
        (names::GEN_AI_REQUEST_MODEL, "/model/requested"),
        (names::GEN_AI_RESPONSE_MODEL, "/model/response"),
        (names::GEN_AI_USAGE_INPUT_TOKENS, "/usage/input_tokens"),
        (names::GEN_AI_USAGE_OUTPUT_TOKENS, "/usage/output_tokens"),
    ] {
        let expected =
            line.pointer(pointer).map(|value| value.as_str().map_or(value.to_string(), Into::into));
        let expected = expected.filter(|text| !text.is_empty());
        assert_eq!(attribute(&record.attributes, key), expected, "{key} of {line}");
    }
    record.severity_text.clone()
}
