use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::backoff::Backoff;
use super::cursor::Mark;
use super::feed::Feed;
use super::reader::Reader;
use super::{Batch, Delivered, SendError};
use crate::chain;
use crate::log::Tail;

/// The longest pause between attempts once the log has ended.
const HASTE: Duration = Duration::from_secs(1);
/// So often a single record is refused before it is put aside.
const REFUSALS: u32 = 4;
/// Why a record that a receiver will never take holds up those behind it.
const STAYS: &str = "it refuses records that cannot be put aside";

/// Sends everything to one target, in order, until the log has ended and all of it was taken.
pub(super) async fn ship(feed: Arc<Feed>, tail: Tail) {
    let mut reader = Reader::new(Arc::clone(&feed), tail.clone());
    while let Some((batch, mark)) = reader.next(feed.target.limits()).await {
        Delivery { feed: &feed, tail: &tail, batch, mark }.run().await;
    }
}

/// A batch on its way, in pieces if it is not acceptable as a whole.
struct Delivery<'a> {
    feed: &'a Feed,
    tail: &'a Tail,
    batch: Batch,
    mark: Mark,
}

impl Delivery<'_> {
    async fn run(&self) {
        // The next piece is the last one.
        let whole = 0..self.batch.lines().len();
        let (mut pieces, mut backoff, mut refusals) = (Vec::from([whole]), Backoff::default(), 0);
        while let Some(piece) = pieces.pop() {
            let error = match self.feed.target.send(self.batch.part(piece.clone())).await {
                Ok(delivered) => {
                    let left = self.take_out(&piece, &delivered).await;
                    let done = piece.start..left.as_ref().map_or(piece.end, |left| left.start);
                    if !done.is_empty() {
                        let (mark, lines) = (self.behind(&done), done.len());
                        self.feed.delivered(mark, lines as u64, &delivered.within(lines));
                    }
                    let Some(left) = left else {
                        (backoff, refusals) = (Backoff::default(), 0);
                        continue;
                    };
                    pieces.push(left);
                    self.pause(&SendError::Refused(STAYS.into()), &mut backoff).await;
                    continue;
                }
                Err(error) => error,
            };
            if matches!(error, SendError::Unacceptable(_)) {
                if piece.len() > 1 {
                    let middle = piece.start + piece.len() / 2;
                    pieces.extend([middle..piece.end, piece.start..middle]);
                    continue;
                }
                refusals += 1;
                if refusals >= REFUSALS && self.put_aside(&piece, &error).await {
                    (backoff, refusals) = (Backoff::default(), 0);
                    continue;
                }
            }
            pieces.push(piece);
            self.pause(&error, &mut backoff).await;
        }
    }

    /// Puts aside what the receiver named as what it will never take. What is left, if one of them cannot be: it, and all
    /// behind it, is sent again.
    async fn take_out(&self, piece: &Range<usize>, delivered: &Delivered) -> Option<Range<usize>> {
        let lost = delivered.rejected.saturating_add(delivered.refused.len() as u64);
        if lost < piece.len() as u64 {
            self.feed.takes_some();
        }
        for (at, why) in &delivered.refused {
            let at = piece.start.saturating_add(*at);
            let Some(line) = self.batch.lines().get(at).filter(|_| piece.contains(&at)) else { continue };
            let why = SendError::Unacceptable(why.clone());
            if !self.feed.put_aside(line.clone(), None, &why).await {
                return Some(at..piece.end);
            }
        }
        None
    }

    async fn pause(&self, error: &SendError, backoff: &mut Backoff) {
        let after = match error {
            SendError::Unavailable { after, .. } => *after,
            SendError::Refused(_) | SendError::Unacceptable(_) => None,
        };
        self.feed.failed(error);
        let pause = backoff.next(after);
        if self.tail.has_ended() {
            sleep(pause.min(HASTE)).await;
        } else {
            // When the log ends meanwhile, there is one more attempt at once.
            let _ = timeout(pause, self.tail.ended()).await;
        }
    }

    async fn put_aside(&self, piece: &Range<usize>, why: &SendError) -> bool {
        let Some(line) = self.batch.lines().get(piece.start) else { return false };
        self.feed.put_aside(line.clone(), Some(self.behind(piece)), why).await
    }

    /// The place behind a piece.
    fn behind(&self, piece: &Range<usize>) -> Mark {
        let lines = self.batch.lines();
        match piece.end.checked_sub(1).and_then(|last| lines.get(last)) {
            Some(line) if piece.end < lines.len() => {
                let seq = chain::place(&line.bytes).map(|(seq, _)| seq);
                Mark { position: line.end.clone(), seq: seq.or(self.mark.seq) }
            }
            _ => self.mark.clone(),
        }
    }
}
