use std::time::Duration;

use attach_core::exchange::Rest;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// So many answers are read on at a time, in the whole process; others are given up at once.
static SLOTS: Semaphore = Semaphore::const_new(64);

/// Reads on an answer that its client has left, for no longer than `within`, so that its report of usage is not missed.
pub(super) fn start(body: Incoming, rest: Rest, within: Duration) {
    let (Ok(runtime), Ok(slot)) = (Handle::try_current(), SLOTS.try_acquire()) else { return };
    runtime.spawn(async move {
        let _ = tokio::time::timeout(within, read(body, rest)).await;
        drop(slot);
    });
}

async fn read(mut body: Incoming, mut rest: Rest) {
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else { continue };
        if rest.push(data).is_err() || rest.is_complete() {
            return;
        }
    }
}
