//! What a record says, under OpenTelemetry's names.

use std::borrow::Cow;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};

use crate::names::*;
use crate::read::{Entry, Model, Usage};

/// Attributes as they are collected; what is absent or empty is left out.
#[derive(Debug, Default)]
pub(super) struct Attributes(pub(super) Vec<KeyValue>);

impl Attributes {
    /// The attributes of a record.
    pub(super) fn of(entry: &Entry<'_>) -> Self {
        let mut out = Self::default();
        out.record(entry);
        out.actor(entry);
        out.request(entry);
        out.decision(entry);
        entry.model.iter().for_each(|model| out.model(model));
        entry.usage.iter().for_each(|usage| out.usage(usage));
        if let Some(ms) = entry.timing.and_then(|timing| timing.ttft_ms) {
            out.push(GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK, Value::DoubleValue(ms / 1000.0));
        }
        out
    }

    fn record(&mut self, entry: &Entry<'_>) {
        self.text(ATTACH_AUDIT_ID, Some(&entry.id));
        if !entry.chain.is_empty() {
            self.int(ATTACH_AUDIT_SEQ, entry.seq);
        }
        self.text(ATTACH_AUDIT_CHAIN, Some(&entry.chain));
        self.text(ATTACH_AUDIT_HASH, Some(&entry.hash));
        self.text(ATTACH_AUDIT_KIND, Some(&entry.kind));
        self.text(ATTACH_AUDIT_MODE, entry.mode.as_ref());
        if let Some(fold) = &entry.fold {
            self.int(ATTACH_AUDIT_EVENTS, fold.n);
        }
        self.text(ATTACH_REQUEST_ID, Some(&entry.req_id));
        self.text(ATTACH_INTENT_ID, entry.intent_id.as_ref());
    }

    fn actor(&mut self, entry: &Entry<'_>) {
        let actor = &entry.actor;
        self.text(ATTACH_ACTOR_KIND, Some(&actor.kind));
        self.text(ATTACH_ACTOR_DIRECTORY, actor.directory.as_ref());
        self.text(ATTACH_ACTOR_CLIENT_ID, actor.client_id.as_ref());
        self.text(USER_ID, actor.uid.as_ref().or(actor.sub.as_ref()));
    }

    fn request(&mut self, entry: &Entry<'_>) {
        let (src, route) = (&entry.src, &entry.route);
        self.text(CLIENT_ADDRESS, src.ip.as_ref());
        if let Some(port) = src.port {
            self.int(CLIENT_PORT, port.into());
        }
        self.text(USER_AGENT_ORIGINAL, src.ua.as_ref());
        self.text(HTTP_REQUEST_METHOD, route.method.as_ref());
        self.text(URL_PATH, route.path.as_ref());
        self.text(ATTACH_API, route.api.as_ref());
        self.text(GEN_AI_OPERATION_NAME, route.op.as_ref());
    }

    fn decision(&mut self, entry: &Entry<'_>) {
        let decision = &entry.decision;
        self.text(ATTACH_DECISION, Some(&decision.result));
        self.text(ATTACH_DECISION_REASON, decision.reason.as_ref());
        self.texts(ATTACH_DECISION_RULES, &decision.rule_ids);
        if let Some(status) = decision.http_status {
            self.int(HTTP_RESPONSE_STATUS_CODE, status.into());
        }
        self.text(ATTACH_END, entry.end.as_ref());
        if matches!(&*decision.result, "deny" | "error") {
            self.text(ERROR_TYPE, decision.reason.as_ref().or(entry.end.as_ref()));
        }
    }

    fn model(&mut self, model: &Model<'_>) {
        self.text(GEN_AI_REQUEST_MODEL, model.requested.as_ref());
        self.push(GEN_AI_REQUEST_STREAM, Value::BoolValue(model.stream));
        self.text(GEN_AI_RESPONSE_MODEL, model.response.as_ref());
        self.text(ATTACH_UPSTREAM, model.upstream.as_ref());
    }

    /// Nothing where nothing is known: a zero would be a statement.
    fn usage(&mut self, usage: &Usage<'_>) {
        if usage.source != "none" {
            self.int(GEN_AI_USAGE_INPUT_TOKENS, usage.input_tokens);
            self.int(GEN_AI_USAGE_OUTPUT_TOKENS, usage.output_tokens);
            self.int(GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, usage.cache_read_input_tokens);
            self.int(GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS, usage.cache_write_input_tokens);
            self.int(GEN_AI_USAGE_REASONING_OUTPUT_TOKENS, usage.reasoning_output_tokens);
        }
        if let Some(cost) = usage.cost_microusd {
            self.int(ATTACH_COST_MICROUSD, cost);
        }
    }

    pub(super) fn text(&mut self, key: &str, value: Option<&Cow<'_, str>>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.push(key, Value::StringValue(value.as_ref().to_owned()));
        }
    }

    fn texts(&mut self, key: &str, values: &[Cow<'_, str>]) {
        let string = |value: &Cow<'_, str>| AnyValue { value: Some(Value::StringValue(value.to_string())) };
        if !values.is_empty() {
            self.push(key, Value::ArrayValue(ArrayValue { values: values.iter().map(string).collect() }));
        }
    }

    /// OTLP has signed integers only.
    fn int(&mut self, key: &str, value: u64) {
        self.push(key, Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    fn push(&mut self, key: &str, value: Value) {
        let value = Some(AnyValue { value: Some(value) });
        self.0.push(KeyValue { key: key.to_owned(), value, ..KeyValue::default() });
    }
}
