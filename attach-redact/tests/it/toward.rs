//! Other actions toward single upstreams.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use attach_core::Body;
use attach_core::destination::{Candidate, Destination, Labels};
use attach_redact::{Action, Entity, RedactLayer, Redactor};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{CHAT, chat};

const TEXT: &str = "card 4111 1111 1111 1111, bob@example.org, passport 912803456";

/// What the upstream gets of a call that may go to `names`, each trusted or not; the status if it gets nothing.
async fn sent(redactor: &Redactor, names: &[(&str, bool)]) -> Result<String, u16> {
    let mut request = Request::post(CHAT).body(Full::from(chat(TEXT))).unwrap();
    let candidate = |(name, trusted): &(&str, bool)| {
        let labels = if *trusted { Labels::trusted() } else { Labels::default() };
        Candidate::new(*name, "m", Arc::new(labels))
    };
    request.extensions_mut().insert(Destination::new(names.iter().map(candidate).collect()));
    let got = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&got);
    let model = service_fn(move |request: Request<Body>| {
        let seen = Arc::clone(&seen);
        async move {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            *seen.lock().unwrap() = Some(String::from_utf8(body.to_vec()).unwrap());
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
        }
    });
    let answer = RedactLayer::new(redactor.clone()).layer(model).oneshot(request).await.unwrap();
    let got = got.lock().unwrap().take();
    got.ok_or(answer.status().as_u16())
}

#[tokio::test]
async fn an_upstream_gets_what_its_own_actions_leave_and_of_several_the_strictest_counts() {
    let redactor = Redactor::builder()
        .entity_for("azure", Entity::CreditCard, Action::Allow)
        .entity_for("strict", Entity::CreditCard, Action::Block)
        .entity_for("local", Entity::Email, Action::Mask)
        .build()
        .unwrap();
    let azure = sent(&redactor, &[("azure", false)]).await.unwrap();
    assert!(azure.contains("4111 1111 1111 1111") && azure.contains("PII_EMAIL_"), "{azure}");
    let both = sent(&redactor, &[("azure", false), ("other", false)]).await.unwrap();
    assert!(both.contains("PII_CREDIT_CARD_") && both.contains("PII_EMAIL_"), "{both}");
    assert_eq!(sent(&redactor, &[("azure", false), ("strict", false)]).await, Err(400));
    let local = sent(&redactor, &[("local", true)]).await.unwrap();
    assert!(local.contains("4111 1111 1111 1111") && local.contains("***@*******.***"), "{local}");
    let trusted = sent(&redactor, &[("inside", true)]).await.unwrap();
    assert_eq!(trusted, chat(TEXT));
}

#[test]
fn what_is_off_by_default_stays_off_toward_the_others() {
    let redactor = Redactor::builder().entity_for("azure", Entity::Uuid, Action::Block).build().unwrap();
    assert_eq!(redactor.action(&Entity::Uuid), Action::Allow);
    let azure = Destination::new(vec![Candidate::new("azure", "m", Arc::default())]);
    assert_eq!(redactor.toward(Some(&azure)).unwrap().action(&Entity::Uuid), Action::Block);
}
