//! A record is, byte for byte, what `serde_json` makes of its members.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use attach_core::exchange::{
    Charged, Costs, Coverage, Decision, QuotaFacts, Redaction, RedactionMode, Route,
};
use attach_core::{Body, Exchange, Identity, Outcome, Peer, Rejection, TlsFacts};
use http::StatusCode;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::Mode;
use crate::chain::Hash;

/// Texts with and without what has to be escaped, of many lengths.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z0-9._:/-]{0,60}", "[ -~]{0,40}", "\\PC{0,40}", any::<String>(), "a{505,520}é\"b"]
}

/// Takes one text after another, from the beginning again if there are no more.
struct Texts(Vec<String>, usize);

impl Texts {
    fn next(&mut self) -> &str {
        self.1 += 1;
        &self.0[self.1 % self.0.len()]
    }

    fn boxed(&mut self) -> Box<str> {
        self.next().into()
    }

    fn shared(&mut self) -> Arc<str> {
        self.next().into()
    }

    fn time(&mut self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.next().len() as u64 * 1_000_003)
    }
}

fn identity(texts: &mut Texts) -> Identity {
    let mut identity = Identity::person(texts.shared(), texts.shared());
    (identity.issuer, identity.id) = (texts.shared(), texts.shared());
    identity.client_id = Some(texts.shared());
    (identity.token_id, identity.session_id) = (Some(texts.shared()), Some(texts.shared()));
    identity.assurance.acr = Some(texts.boxed());
    identity.assurance.amr = vec![texts.boxed(), texts.boxed()];
    (identity.assurance.auth_time, identity.expires_at) = (Some(texts.time()), Some(texts.time()));
    identity.actor = Some(Arc::new(Identity::service(texts.shared(), texts.shared())));
    identity
}

fn know(exchange: &Exchange, texts: &mut Texts) {
    exchange.identify(Arc::new(identity(texts)));
    exchange.facts(|facts| {
        (facts.model, facts.stream) = (Some(texts.boxed()), texts.next().len().is_multiple_of(2));
        let mut decision = Decision::new(true, "rule");
        (decision.rule, decision.groups) = (Some(texts.shared()), vec![texts.boxed(), texts.boxed()]);
        facts.decision = Some(decision);
        let mut route = Route::new(texts.shared(), texts.shared());
        (route.provider, route.attempts) = (Some("openai"), 3);
        facts.route = Some(route);
        facts.tried("5xx", Some(503), Duration::from_micros(7_125));
        facts.tried("ok", None, Duration::from_secs(7));
        let mut quota = QuotaFacts::new(texts.shared(), u64::MAX);
        (quota.remaining, quota.shadow) = (3, vec![texts.shared(), texts.shared()]);
        let (limit_id, bucket) = (texts.shared(), u128::MAX - 1);
        quota.charged = vec![Charged { limit_id, bucket, until: 1_796_083_200, amount: 7 }];
        facts.quota = Some(quota);
        let mut redaction = Redaction::default();
        redaction.counts = vec![(texts.boxed(), 2), (texts.boxed(), 0), (texts.boxed(), u32::MAX)];
        (redaction.engine, redaction.ruleset) = (Some("attach-redact/1"), Some(texts.shared()));
        (redaction.mode, redaction.coverage) = (Some(RedactionMode::Mask), Coverage::Full);
        facts.redaction = Some(redaction);
        (facts.usage.input, facts.usage.output) = (texts.next().len() as u64, u64::MAX);
        facts.costs = Some(Costs::new(|usage| usage.input));
        (facts.answered_by, facts.upstream_request_id) = (Some(texts.boxed()), Some(texts.boxed()));
        facts.first_byte = Some(Duration::from_nanos(texts.next().len() as u64 * 1_234_567));
        facts.upstream_time = Some(Duration::from_micros(1_750));
        facts.custom = vec![("tenant", texts.boxed()), ("host", texts.boxed())];
    });
}

fn said(texts: &mut Texts) -> Said {
    #[cfg(feature = "content")]
    let digest = Some(Digest { key: [0, 1, 0xab, 0xff], mac: [0x5a; 32] });
    #[cfg(not(feature = "content"))]
    let digest = None;
    Said {
        in_bytes: Some(9),
        out_bytes: None,
        in_hmac: digest,
        out_hmac: digest,
        in_orig_hmac: digest,
        kept: Some("sealed"),
        withheld: Some("unavailable"),
        truncated: Some("both"),
        reference: Some(texts.boxed()),
        sha256: Some(Hash::of(b"line")),
    }
}

fn request(texts: &mut Texts, peer: Peer) -> http::Request<()> {
    let mut request = http::Request::post("/v1/messages?secret=1").body(()).expect("valid");
    let headers = request.headers_mut();
    for name in ["user-agent", "x-request-id"] {
        if let Ok(value) = texts.next().parse() {
            headers.insert(name, value);
        }
    }
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    headers.insert("traceparent", trace.parse().expect("valid"));
    let mut tls = TlsFacts::default();
    (tls.version, tls.client_certificate) = (texts.next().into(), Some([1, 2, 3].into()));
    request.extensions_mut().insert(peer.with_tls(Arc::new(tls)));
    request
}

fn assert_same(members: &Members<'_>) {
    let mut written = b"before".to_vec();
    append_members(&mut written, members);
    let expected = serde_json::to_string(members).expect("JSON");
    let expected = expected.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).expect("an object");
    assert_eq!(String::from_utf8(written).expect("text"), format!("before{expected}"));
}

proptest! {
    #[test]
    fn a_call_in_which_everything_is_known_is_written_as_serde_json_writes_it(
        texts in prop::collection::vec(text(), 40..60),
        addr: std::net::SocketAddr,
        seen in any::<[bool; 4]>(),
    ) {
        let mut texts = Texts(texts, 0);
        let mut request = request(&mut texts, Peer::new(addr));
        let (exchange, origin) = (Exchange::of_request(&mut request), Origin::of(&request));
        if seen[0] {
            know(&exchange, &mut texts);
        }
        if seen[1] {
            let refusal = Rejection::new(StatusCode::FORBIDDEN, "denied", "no").with_reason(texts.next());
            drop(refusal.into_response::<Body>(&exchange));
        }
        exchange.finish(if seen[2] { Outcome::Complete } else { Outcome::Timeout });
        for kind in [Kind::Intent, Kind::Outcome, Kind::Reject] {
            let view = View {
                kind,
                mode: Mode::Overlap,
                exchange: &exchange,
                origin: &origin,
                intent: Some(Uuid::now_v7()),
                status: Some(200),
                waited: Some(Duration::from_micros(1)),
                content: seen[3].then(|| said(&mut texts)),
            };
            view.with_members(assert_same);
        }
    }

    #[test]
    fn a_record_of_the_log_itself_is_written_as_serde_json_writes_it(text in text(), n: u64) {
        let (hash, id) = (Hash::of(text.as_bytes()), Uuid::now_v7());
        let after = After { chain: text.as_str().into(), segment: n, seq: 0, hash, disowned: 1 };
        let open = [OpenIntent { intent_id: id, req_id: Uuid::nil() }; 2];
        let tree = [hash, Hash::ZERO];
        let off: [Box<str>; 2] = [text.as_str().into(), "egress".into()];
        let checkpoint = Checkpoint { size: n, root: hash, note: Cow::from(text.as_str()) };
        let mut members = Members::system(Kind::Segment.as_str(), id);
        assert_same(&members);
        members.segment = Some(n);
        (members.after, members.checkpoint) = (Some(&after), Some(&checkpoint));
        (members.open, members.tree, members.protections_off) = (Some(&open[..]), Some(&tree[..]), Some(&off[..]));
        members.fold = Some(Fold { n, first: Timestamp::now(), last: UNIX_EPOCH.into() });
        members.mode = Some(Mode::Strict);
        assert_same(&members);
        (members.open, members.tree) = (Some(&open[..0]), Some(&tree[..0]));
        assert_same(&members);
    }
}

#[test]
fn what_a_record_cannot_say_is_an_error_and_leaves_no_half_of_it() {
    let mut out = Vec::new();
    assert!(append(&mut out, &std::collections::BTreeMap::from([(1, 2)])).is_err());
    assert!(json::append_members(&mut out, &[1, 2]).is_err());
    assert!(append(&mut out, &Err::<(), _>("an enum with a content")).is_err());
}
