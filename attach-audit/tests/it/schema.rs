//! Every record the tests see is held against the published schema.

pub(crate) use crate::schema_check::checked;

/// One request about which everything is known that can be.
#[tokio::test]
async fn a_record_with_every_member_fits_the_schema() {
    use attach_audit::{Audit, Log, log::Options};
    use attach_core::exchange::{
        Charged, Costs, Coverage, Decision, QuotaFacts, Redaction, RedactionMode, Route,
    };
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
        exchange.facts(|facts| {
            facts.first_byte = Some(Duration::from_micros(1500));
            facts.upstream_time = Some(Duration::from_micros(1750));
            facts.upstream_request_id = Some("req_011".into());
            facts.costs = Some(Costs::new(|usage| usage.output * 15));
        });
        exchange.finish(Outcome::Cut);
        Ok::<_, std::convert::Infallible>(http::Response::new(attach_core::Body::empty()))
    };
    let service =
        ServiceBuilder::new().layer(audit.layer()).layer(audit.intent_layer()).service(service_fn(handler));

    let mut request = http::Request::post("/v1/messages?secret=1")
        .header("user-agent", b"a\xffb".as_slice())
        .header("x-client-request-id", "mine-1")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
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
        let mut route = Route::new("openai".into(), "gpt-4o-2024".into());
        (route.provider, route.attempts) = (Some("openai"), 2);
        facts.route = Some(Route::new("azure".into(), "gpt-4o".into()));
        facts.tried("5xx", Some(503), Duration::from_millis(7));
        facts.route = Some(route);
        facts.tried("ok", Some(200), Duration::from_micros(1250));
        facts.answered_by = Some("gpt-4o-2024-08-06".into());
        let mut quota = QuotaFacts::new("per-user".into(), 2000);
        quota.charged =
            vec![Charged { limit_id: "month".into(), bucket: 10, until: 1_796_083_200, amount: 7 }];
        facts.quota = Some(quota);
        let mut redaction = Redaction::default();
        redaction.counts = vec![("EMAIL".into(), 2), ("EMAIL".into(), 3)];
        (redaction.coverage, redaction.answer) = (Coverage::Full, true);
        (redaction.engine, redaction.ruleset) = (Some("attach-redact/1"), Some("00ff".into()));
        redaction.mode = Some(RedactionMode::Mask);
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
    for (member, expected) in
        [("engine", "attach-redact/1"), ("ruleset", "00ff"), ("mode", "mask"), ("dir", "both")]
    {
        assert_eq!(outcome["redaction"][member], expected);
    }
    let charged = serde_json::json!([{"limit": "month", "bucket": format!("{:032x}", 10), "until": 1_796_083_200, "amount": 7}]);
    assert_eq!(outcome["quota"]["charged"], charged);
    for record in [intent, outcome] {
        assert_eq!(record["trace_id"], "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(record["client_req_id"], "mine-1");
        assert_eq!(
            (&record["model"]["provider"], &record["model"]["attempts"]),
            (&"openai".into(), &2.into())
        );
    }
    let tried = serde_json::json!([
        {"upstream": "azure", "model": "gpt-4o", "end": "5xx", "status": 503, "ms": 7.0},
        {"upstream": "openai", "model": "gpt-4o-2024", "end": "ok", "status": 200, "ms": 1.25},
    ]);
    assert_eq!(outcome["model"]["tried"], tried);
    assert_eq!(outcome["model"]["upstream_req_id"], "req_011");
    assert_eq!(
        (&outcome["usage"]["cost_microusd"], &outcome["timing"]["upstream_ms"]),
        (&300.into(), &1.75.into())
    );
    assert!(intent["mono_ns"].as_u64() < outcome["mono_ns"].as_u64(), "the steady clock goes on");
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
