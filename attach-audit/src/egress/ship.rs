use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::backoff::Backoff;
use super::cursor::Mark;
use super::feed::Feed;
use super::reader::Reader;
use super::{Batch, SendError};
use crate::log::Tail;

/// The longest pause between attempts once the log has ended.
const HASTE: Duration = Duration::from_secs(1);

/// Sends everything to one target, in order, until the log has ended and all of it was taken.
pub(super) async fn ship(feed: Arc<Feed>, tail: Tail) {
    let mut reader = Reader::new(Arc::clone(&feed), tail.clone());
    while let Some((batch, mark)) = reader.next(feed.target.limits()).await {
        deliver(&feed, &tail, batch, mark).await;
    }
}

async fn deliver(feed: &Feed, tail: &Tail, batch: Batch, mark: Mark) {
    let mut backoff = Backoff::default();
    loop {
        let error = match feed.target.send(batch.clone()).await {
            Ok(delivered) => return feed.delivered(mark, batch.lines().len() as u64, delivered),
            Err(error) => error,
        };
        let after = match &error {
            SendError::Unavailable { after, .. } => *after,
            SendError::Refused(_) => None,
        };
        feed.failed(&error);
        let pause = backoff.next(after);
        if tail.has_ended() {
            sleep(pause.min(HASTE)).await;
        } else {
            // When the log ends meanwhile, there is one more attempt at once.
            let _ = timeout(pause, tail.ended()).await;
        }
    }
}
