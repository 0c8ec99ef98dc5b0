//! Every record the tests see is held against the published schema.

use std::sync::LazyLock;

use serde_json::Value;

const TEXT: &str = include_str!("../../../docs/audit-record.schema.json");

/// Parses a line of the log and checks it.
pub(crate) fn checked(line: &str) -> Value {
    static SCHEMA: LazyLock<Value> =
        LazyLock::new(|| serde_json::from_str(TEXT).expect("the schema is JSON"));
    let record: Value = serde_json::from_str(line).expect("a record is JSON");
    if let Err(wrong) = check(&SCHEMA, &record, "$") {
        panic!("{wrong}: {line}");
    }
    assert_in_order(line, &record);
    record
}

/// The part of JSON Schema that our schema uses.
fn check(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64() || value.is_i64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some(other) => return Err(format!("the checker does not know type {other}")),
        None => true,
    };
    let allowed = schema["enum"].as_array().is_none_or(|list| list.contains(value));
    let constant = schema.get("const").is_none_or(|only| only == value);
    let short = schema["maxLength"]
        .as_u64()
        .is_none_or(|max| value.as_str().is_none_or(|s| s.chars().count() as u64 <= max));
    let hex = schema.get("pattern").is_none_or(|pattern| {
        assert_eq!(pattern, "^[0-9a-f]{64}$", "the only pattern the checker knows");
        value
            .as_str()
            .is_some_and(|s| s.len() == 64 && s.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
    });
    if !(fits && allowed && constant && short && hex) {
        return Err(format!("{at} is {value}, against {schema}"));
    }
    if let Some(members) = value.as_object() {
        for required in schema["required"].as_array().into_iter().flatten() {
            members.get(required.as_str().unwrap_or_default()).ok_or(format!("{at} lacks {required}"))?;
        }
        for (name, member) in members {
            let known = schema["properties"].get(name).or_else(|| match &schema["additionalProperties"] {
                Value::Object(_) => Some(&schema["additionalProperties"]),
                _ => None,
            });
            check(
                known.ok_or(format!("{at} has an unknown member {name}"))?,
                member,
                &format!("{at}.{name}"),
            )?;
        }
    }
    for (n, item) in value.as_array().into_iter().flatten().enumerate() {
        check(&schema["items"], item, &format!("{at}[{n}]"))?;
    }
    Ok(())
}

/// The members of a record stand in the order of the schema.
fn assert_in_order(line: &str, record: &Value) {
    // From the text, because a parsed object has forgotten its order.
    static ORDER: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let members = TEXT.lines().skip_while(|line| *line != "  \"properties\": {").skip(1);
        members
            .filter_map(|line| line.strip_prefix("    \"")?.split_once('"').map(|(name, _)| name))
            .collect()
    });
    let mut from = 0;
    let members = record.as_object().expect("an object");
    for name in ORDER.iter().filter(|name| members.contains_key(**name)) {
        let found = line[from..].find(&format!("\"{name}\":"));
        from += found.unwrap_or_else(|| panic!("{name} is out of order: {line}"));
    }
}

/// One request about which everything is known that can be.
#[tokio::test]
async fn a_record_with_every_member_fits_the_schema() {
    use attach_audit::{Audit, Log, log::Options};
    use attach_core::exchange::{Coverage, Decision, QuotaFacts, Redaction, Route};
    use attach_core::identity::Proof;
    use attach_core::{Exchange, Identity, Outcome, Peer, TlsFacts};
    use std::time::{Duration, UNIX_EPOCH};
    use tower::{ServiceBuilder, ServiceExt, service_fn};

    let dir = crate::support::Dir::new();
    let log =
        Log::open(dir.path(), Options::new("node \"1\"").build("b").config_hash("c")).expect("it opens");
    let audit = Audit::new(log);
    let handler = async |mut request: http::Request<()>| {
        let exchange = Exchange::of_request(&mut request);
        exchange.facts(|facts| facts.first_byte = Some(Duration::from_micros(1500)));
        exchange.finish(Outcome::Cut);
        Ok::<_, std::convert::Infallible>(http::Response::new(attach_core::Body::empty()))
    };
    let service =
        ServiceBuilder::new().layer(audit.layer()).layer(audit.intent_layer()).service(service_fn(handler));

    let mut request = http::Request::post("/v1/messages?secret=1")
        .header("user-agent", b"a\xffb".as_slice())
        .body(())
        .expect("valid");
    let mut caller = Identity::service("acme", "s".repeat(2000));
    (caller.client_id, caller.session_id, caller.token_id) =
        (Some("c".into()), Some("s".into()), Some("t".into()));
    caller.assurance.acr = Some("loa2".into());
    caller.assurance.amr = vec!["mfa".into()];
    caller.assurance.auth_time = Some(UNIX_EPOCH + Duration::from_secs(5));
    caller.expires_at = Some(UNIX_EPOCH + Duration::from_secs(9));
    let mut front_end = Identity::service("acme", "web-ui");
    (front_end.client_id, front_end.token_id) = (Some("web".into()), Some("t2".into()));
    (caller.proof, caller.actor) = (Proof::Delegated, Some(std::sync::Arc::new(front_end)));
    let exchange = Exchange::of_request(&mut request);
    exchange.identify(std::sync::Arc::new(caller));
    exchange.facts(|facts| {
        facts.model = Some("gpt-4o".into());
        facts.stream = true;
        let mut decision = Decision::new(true, "rule");
        decision.rule = Some("power-users".into());
        decision.groups = vec!["AI-Power-Users".into()];
        facts.decision = Some(decision);
        facts.route = Some(Route::new("openai".into(), "gpt-4o-2024".into()));
        facts.answered_by = Some("gpt-4o-2024-08-06".into());
        facts.quota = Some(QuotaFacts::new("per-user".into(), 2000));
        let mut redaction = Redaction::default();
        redaction.counts = vec![("EMAIL".into(), 2), ("EMAIL".into(), 3)];
        redaction.coverage = Coverage::Full;
        facts.redaction = Some(redaction);
        (facts.usage.input, facts.usage.output) = (10, 20);
        facts.custom = vec![("tenant", "a\"b".into())];
    });
    let mut tls = TlsFacts::default();
    tls.version = "TLSv1.3".into();
    tls.client_certificate = Some([1, 2, 3].into());
    let peer =
        Peer::new("[::ffff:10.1.2.3]:99".parse().expect("an address")).with_tls(std::sync::Arc::new(tls));
    request.extensions_mut().insert(peer);
    service.oneshot(request).await.expect("answered");

    let records = dir.records();
    let [intent, outcome] = &records[1..] else { panic!("{records:?}") };
    assert!(intent.get("end").is_none() && intent.get("usage").is_none());
    assert_eq!((&outcome["end"], &outcome["decision"]["result"]), (&"cut".into(), &"deny".into()));
    assert_eq!((&outcome["src"]["ip"], &outcome["src"]["ua"]), (&"10.1.2.3".into(), &"a\u{fffd}b".into()));
    assert_eq!(outcome["actor"]["sub"].as_str().map(str::len), Some(512));
    assert_eq!((&outcome["actor"]["auth_time"], &outcome["actor"]["token_exp"]), (&5.into(), &9.into()));
    assert_eq!(
        (&outcome["actor"]["proof"], &outcome["actor"]["on_behalf_of"]),
        (&"delegated".into(), &outcome["actor"]["uid"])
    );
    let via = serde_json::json!({"directory": "acme", "uid": "web-ui", "client_id": "web", "jti": "t2", "proof": "token"});
    assert_eq!(outcome["actor"]["via"], via);
    assert_eq!(outcome["redaction"]["counts"], serde_json::json!({"EMAIL": 2}));
    assert_eq!(
        (&outcome["usage"]["output_tokens"], &outcome["usage"]["source"]),
        (&20.into(), &"estimated".into())
    );
    assert_eq!((&outcome["timing"]["ttft_ms"], &outcome["custom"]["tenant"]), (&1.5.into(), &"a\"b".into()));
    assert_eq!(
        (&outcome["route"]["path"], &outcome["route"]["api"]),
        (&"/v1/messages".into(), &"anthropic.messages".into())
    );
    assert_eq!(outcome["node"], "node \"1\"");
}
