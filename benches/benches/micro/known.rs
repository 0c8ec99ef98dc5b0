//! A call of which the layers around know what they know of an ordinary one.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, UNIX_EPOCH};

use attach_core::exchange::{Coverage, Decision, QuotaFacts, Redaction, RedactionMode, Route};
use attach_core::{Exchange, Identity, Peer};
use http::Request;

/// Who calls, as a token says it.
static ALICE: LazyLock<Arc<Identity>> = LazyLock::new(|| {
    let mut alice = Identity::person("acme", "00u1a2b3c4d5e6f7g8h9");
    alice.issuer = "https://id.example/oauth2/default".into();
    alice.client_id = Some("0oa1b2c3d4e5f6g7h8i9".into());
    alice.session_id = Some("102HiSVXsLpTWuHl5Lrjg0dow".into());
    alice.token_id = Some("AT.7P4KlczBYVcWLkxduEuKeZfeiNYkZIC9uGJ28Cc-YaI".into());
    alice.assurance.amr = vec!["pwd".into(), "mfa".into()];
    alice.expires_at = Some(UNIX_EPOCH + Duration::from_secs(1_795_003_600));
    Arc::new(alice)
});

/// The request, with a caller, a connection, a decision, a limit, what was replaced, and where it goes.
pub(crate) fn known<B>(mut request: Request<B>) -> Request<B> {
    request.extensions_mut().insert(Peer::new(([10, 1, 2, 3], 50_123).into()));
    let exchange = Exchange::of_request(&mut request);
    exchange.identify(Arc::clone(&ALICE));
    exchange.facts(|facts| {
        facts.model = Some("gpt-4o".into());
        let mut decision = Decision::new(true, "rule");
        decision.rule = Some("power-users".into());
        decision.groups = vec!["AI-Power-Users".into()];
        facts.decision = Some(decision);
        let mut route = Route::new("openai".into(), "gpt-4o-2024-08-06".into());
        route.provider = Some("openai");
        facts.route = Some(route);
        facts.quota = Some(QuotaFacts::new("per-user".into(), 200_000));
        let mut redaction = Redaction::default();
        redaction.counts = vec![("EMAIL".into(), 1), ("PHONE".into(), 1)];
        (redaction.coverage, redaction.answer) = (Coverage::Full, true);
        (redaction.engine, redaction.ruleset) =
            (Some("attach-redact/0.1.0"), Some("00ff00ff00ff00ff".into()));
        redaction.mode = Some(RedactionMode::Mask);
        facts.redaction = Some(redaction);
        facts.answered_by = Some("gpt-4o-2024-08-06".into());
        facts.upstream_request_id = Some("req_0113a5b7c9d1e3f5".into());
    });
    request
}
