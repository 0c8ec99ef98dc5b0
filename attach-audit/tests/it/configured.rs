//! Another configuration under a running log: a request's records name the one it began under.

use std::convert::Infallible;
use std::sync::Arc;

use attach_audit::log::{Log, Options};
use attach_audit::{Audit, Deed};
use attach_core::{Body, BoxError};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::sync::Notify;
use tower::{ServiceBuilder, ServiceExt, service_fn};

use crate::support::Dir;

fn hashes(dir: &Dir, kind: &str) -> Vec<String> {
    let all = dir.records();
    let those = all.iter().filter(|record| record["kind"] == kind);
    those.map(|record| record["cfg_hash"].as_str().expect("a hash").to_owned()).collect()
}

/// One request through both layers, which waits inside until it is told to go on.
async fn request(audit: Audit, go_on: Arc<Notify>) -> Result<(), BoxError> {
    let service = ServiceBuilder::new().layer(audit.layer()).layer(audit.intent_layer()).service(service_fn(
        move |_: Request<Body>| {
            let go_on = Arc::clone(&go_on);
            async move {
                go_on.notified().await;
                Ok::<_, Infallible>(Response::new(Full::from("answer")))
            }
        },
    ));
    let answer = service.oneshot(Request::post("/v1/chat/completions").body(Body::empty())?).await?;
    answer.into_body().collect().await?;
    Ok(())
}

#[tokio::test]
async fn intent_and_outcome_name_the_configuration_the_request_began_under() -> Result<(), BoxError> {
    let dir = Dir::new();
    let log = Log::open(dir.path(), Options::new("n").config_hash("first").segment_bytes(400).reserve(0))?;
    let audit = Audit::new(log);
    let (go_on, running) = (Arc::new(Notify::new()), audit.clone().under("first"));
    let running = tokio::spawn(request(running, Arc::clone(&go_on)));
    while hashes(&dir, "intent").is_empty() {
        tokio::task::yield_now().await;
    }

    audit.configured("second");
    let at_once = Arc::new(Notify::new());
    at_once.notify_one();
    request(audit.clone().under("second"), at_once).await?;
    audit.record(&Deed::admin("config.reload", "SIGHUP")).await?;
    go_on.notify_one();
    running.await??;
    audit.close().await;

    assert_eq!(hashes(&dir, "start"), ["first"]);
    assert_eq!(hashes(&dir, "intent"), ["first", "second"]);
    assert_eq!(hashes(&dir, "outcome"), ["second", "first"], "the first ended last");
    assert_eq!(hashes(&dir, "admin"), ["second"]);
    assert_eq!(hashes(&dir, "stop"), ["second"]);
    assert_eq!(hashes(&dir, "segment").last().map(String::as_str), Some("second"), "heads of the log's own");
    Ok(())
}
