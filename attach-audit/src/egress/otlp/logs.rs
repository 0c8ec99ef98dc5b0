//! A batch as the message that OTLP sends.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::attributes::Attributes;
use crate::egress::Batch;
use crate::egress::moment::since_1970;
use crate::egress::program::Program;
use crate::egress::rendered::{Rendered, Severity};
use crate::format::Format;
use crate::names::{SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION};

/// The name of the scope of all log records.
const SCOPE: &str = "attach.audit";

/// How records become log records.
#[derive(Debug, Clone, Default)]
pub(super) struct Encoder {
    pub(super) format: Format,
    pub(super) program: Program,
}

impl Encoder {
    /// All of a batch, one resource per node, in order.
    pub(super) fn encode(&self, batch: &Batch) -> ExportLogsServiceRequest {
        let observed = nanos(SystemTime::now().duration_since(UNIX_EPOCH).ok());
        let mut nodes: Vec<(String, Vec<LogRecord>)> = Vec::new();
        for line in batch.lines() {
            let rendered = Rendered::new(line, self.format);
            let node = rendered.entry.node.to_string();
            let record = log_record(rendered, observed);
            match nodes.last_mut() {
                Some((same, records)) if *same == node => records.push(record),
                _ => nodes.push((node, vec![record])),
            }
        }
        let resource_logs = nodes.into_iter().map(|(node, records)| self.of_node(&node, records)).collect();
        ExportLogsServiceRequest { resource_logs }
    }

    fn of_node(&self, node: &str, log_records: Vec<LogRecord>) -> ResourceLogs {
        let mut attributes = Attributes::default();
        attributes.text(SERVICE_NAME, Some(&Cow::Borrowed(&*self.program.name)));
        attributes.text(SERVICE_INSTANCE_ID, Some(&Cow::Borrowed(node)));
        attributes.text(SERVICE_VERSION, self.program.version.as_deref().map(Cow::Borrowed).as_ref());
        let scope = InstrumentationScope { name: SCOPE.to_owned(), ..InstrumentationScope::default() };
        ResourceLogs {
            resource: Some(Resource { attributes: attributes.0, ..Resource::default() }),
            scope_logs: vec![ScopeLogs { scope: Some(scope), log_records, ..ScopeLogs::default() }],
            ..ResourceLogs::default()
        }
    }
}

fn log_record(rendered: Rendered<'_>, observed: u64) -> LogRecord {
    let (severity, text) = match rendered.severity() {
        Severity::Info => (SeverityNumber::Info, "INFO"),
        Severity::Warn => (SeverityNumber::Warn, "WARN"),
        Severity::Error => (SeverityNumber::Error, "ERROR"),
    };
    let event_name = format!("{SCOPE}.{}", rendered.kind());
    let entry = &rendered.entry;
    let (attributes, time) = (Attributes::of(entry).0, nanos(since_1970(&entry.ts)));
    let trace_id = entry.trace_id.as_deref().and_then(trace_id).unwrap_or_default();
    let body = match String::from_utf8(rendered.text) {
        Ok(text) => Value::StringValue(text),
        Err(bytes) => Value::BytesValue(bytes.into_bytes()),
    };
    LogRecord {
        time_unix_nano: time,
        observed_time_unix_nano: observed,
        severity_number: severity.into(),
        severity_text: text.to_owned(),
        body: Some(AnyValue { value: Some(body) }),
        attributes,
        trace_id,
        event_name,
        ..LogRecord::default()
    }
}

/// Zero is "unknown".
fn nanos(time: Option<Duration>) -> u64 {
    time.and_then(|time| u64::try_from(time.as_nanos()).ok()).unwrap_or_default()
}

/// 32 hex digits as the 16 bytes they stand for.
fn trace_id(text: &str) -> Option<Vec<u8>> {
    let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = digits.then(|| u128::from_str_radix(text, 16).ok())??;
    Some(id.to_be_bytes().to_vec())
}
