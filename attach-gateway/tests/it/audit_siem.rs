//! What a collector of OpenTelemetry and a syslog server get of the log, by the built binary.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message;

use crate::authority::certify;
use crate::support::tools::{Rsyslog, program};
use crate::support::{
    AUDIENCE, CHATS, Gateway, Issuer, Launch, Reply, TempDir, Upstream, audit, eventually, question,
};

const HEADERS: &str = "authorization=Bearer%20not-a-real-token,x-tenant=ai";

/// A gateway that sends its records as `egress` says, after two answers and a refusal, stopped; and its log's lines.
async fn sent(egress: &str) -> (Gateway, Vec<String>) {
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let text = format!(
        "[[issuer]]\nissuer = \"{}\"\naudience = [\"{AUDIENCE}\"]\n[[upstream]]\nname = \"one\"\nkind = \"openai\"\n\
         url = \"{}\"\n[access]\ndefault = \"allow\"\n[[audit.egress]]\n{egress}",
        issuer.url(),
        upstream.url(),
    );
    let mut gateway = Launch::file(&text).set("OTLP_HEADERS", HEADERS).start().await;
    for _ in 0..2 {
        let call = gateway.post(CHATS[0]).bearer(&issuer.token("alice", &[]));
        call.json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(200);
    }
    gateway.post(CHATS[0]).json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(401);
    gateway.stop_and_verify().await;
    let lines: Vec<_> = audit::text(&gateway.audit_folder()).lines().map(str::to_owned).collect();
    assert!(lines.len() >= 7, "a start, two requests, a refusal, a stop: {lines:?}");
    (gateway, lines)
}

#[tokio::test]
async fn a_collector_gets_every_line_of_the_log_as_a_log_record() {
    let collector = Upstream::with(|_| Reply::text("application/x-protobuf", "")).await;
    let egress =
        format!("kind = \"otlp\"\nurl = \"{}\"\nheaders = {{ env = \"OTLP_HEADERS\" }}\n", collector.url());
    let (gateway, lines) = sent(&egress).await;
    let mut bodies = Vec::new();
    for seen in collector.seen() {
        assert_eq!(
            (seen.path.as_str(), seen.header("content-type")),
            ("/v1/logs", Some("application/x-protobuf"))
        );
        assert_eq!(
            (seen.header("authorization"), seen.header("x-tenant")),
            (Some("Bearer not-a-real-token"), Some("ai"))
        );
        let request = ExportLogsServiceRequest::decode(seen.body.clone()).unwrap();
        for resource in request.resource_logs {
            let attributes = resource.resource.unwrap().attributes;
            let text = |value: Option<Value>| {
                if let Some(Value::StringValue(text)) = value { text } else { panic!() }
            };
            let name = attributes.into_iter().find(|attribute| attribute.key == "service.name").unwrap();
            assert_eq!(text(name.value.unwrap().value), "attach-gateway");
            let records = resource.scope_logs.into_iter().flat_map(|scope| scope.log_records);
            bodies.extend(records.map(|record| text(record.body.unwrap().value)));
        }
    }
    assert_eq!(bodies, lines);
    assert!(!(gateway.stdout.text() + &gateway.stderr.text()).contains("not-a-real-token"));
}

#[tokio::test]
async fn rsyslog_writes_the_log_over_tls_byte_for_byte() {
    let folder = TempDir::new();
    if program("openssl").is_none() {
        return;
    }
    certify(&folder).await;
    let Some(rsyslog) = Rsyslog::start(&folder).await else { return };
    let file = |name: &str| folder.path().join(name);
    let egress = format!(
        "kind = \"syslog\"\naddress = \"127.0.0.1:{}\"\nca = {:?}\ncertificate = {:?}\nkey = {{ file = {:?} }}\n",
        rsyslog.port,
        file("ca.pem"),
        file("leaf.pem"),
        file("leaf.key"),
    );
    let (_gateway, lines) = sent(&egress).await;
    let written = || std::fs::read_to_string(file("audit.jsonl")).unwrap_or_default();
    let written = eventually("all lines at rsyslog", || {
        let text = written();
        (text.lines().count() >= lines.len()).then_some(text)
    })
    .await;
    assert_eq!(written.lines().collect::<Vec<_>>(), lines);
    let copy = file("audit.jsonl").display().to_string();
    let verified = Launch::bare().arguments(&["audit", "verify", &copy]).run().await;
    assert!(verified.ok, "{verified:?}");
}
