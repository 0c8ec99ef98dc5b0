use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use attach_core::Fetch;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response, Uri};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::event::Envelope;
use super::reply::{Reply, is_indexed};
use crate::egress::answer::unreachable;
use crate::egress::aside::aside;
use crate::egress::{Batch, Delivered, Limits, SendError, SendFuture, Target};
use crate::format::Format;

/// How often it is asked whether a batch is indexed.
const POLL: Duration = Duration::from_millis(500);

/// Splunk's HTTP Event Collector: JSON events to `/services/collector/event`.
///
/// Without [`ack`](Self::ack) a batch is delivered when the collector has it, which is before it is indexed.
#[derive(Clone)]
pub struct SplunkHec(Arc<Collector>);

#[derive(Clone)]
struct Collector {
    name: Box<str>,
    events: Uri,
    base: Box<str>,
    token: HeaderValue,
    envelope: Envelope,
    ack: Option<Ack>,
    fetch: Arc<dyn Fetch>,
}

/// Indexer acknowledgement ("About HTTP Event Collector Indexer Acknowledgment").
#[derive(Clone)]
struct Ack {
    uri: Uri,
    channel: HeaderValue,
    deadline: Duration,
    /// The collector was asked whether it is on for the token.
    known: Arc<AtomicBool>,
}

impl SplunkHec {
    /// Sends to the collector at `url`, `https://splunk.example.com:8088`, with `token`.
    ///
    /// # Errors
    ///
    /// If `url` is none, or `token` cannot be in a header.
    pub fn new(
        name: impl Into<Box<str>>,
        url: &str,
        token: &str,
        fetch: Arc<dyn Fetch>,
    ) -> Result<Self, http::Error> {
        let base = url.trim_end_matches('/');
        let base = ["/event", "/services/collector"]
            .iter()
            .fold(base, |base, path| base.strip_suffix(path).unwrap_or(base));
        let mut token = HeaderValue::try_from(format!("Splunk {token}"))?;
        token.set_sensitive(true);
        let envelope = Envelope {
            format: Format::Native,
            source: "attach".into(),
            sourcetype: "attach:audit".into(),
            index: None,
        };
        Ok(Self(Arc::new(Collector {
            name: name.into(),
            events: format!("{base}/services/collector/event").parse()?,
            base: base.into(),
            token,
            envelope,
            ack: None,
            fetch,
        })))
    }

    /// Names the index; else the token's own is used.
    #[must_use]
    pub fn index(self, index: impl Into<Box<str>>) -> Self {
        self.with(|collector| collector.envelope.index = Some(index.into()))
    }

    /// Replaces the source, `attach`.
    #[must_use]
    pub fn source(self, source: impl Into<Box<str>>) -> Self {
        self.with(|collector| collector.envelope.source = source.into())
    }

    /// Replaces the source type, `attach:audit`.
    #[must_use]
    pub fn sourcetype(self, sourcetype: impl Into<Box<str>>) -> Self {
        self.with(|collector| collector.envelope.sourcetype = sourcetype.into())
    }

    /// Replaces the format of events.
    #[must_use]
    pub fn format(self, format: Format) -> Self {
        self.with(|collector| collector.envelope.format = format)
    }

    /// Waits for every batch until the indexers acknowledge it; after `deadline` it is sent again. The token must have
    /// indexer acknowledgement on, and every request must reach the same collector.
    ///
    /// # Errors
    ///
    /// None in practice: if the address of the acknowledgement is none.
    pub fn ack(self, deadline: Duration) -> Result<Self, http::Error> {
        let channel = Uuid::now_v7().to_string();
        let uri = format!("{}/services/collector/ack?channel={channel}", self.0.base).parse()?;
        let known = Arc::default();
        let ack = Ack { uri, channel: HeaderValue::try_from(channel)?, deadline, known };
        Ok(self.with(|collector| collector.ack = Some(ack)))
    }

    fn with(self, change: impl FnOnce(&mut Collector)) -> Self {
        let mut collector = Arc::unwrap_or_clone(self.0);
        change(&mut collector);
        Self(Arc::new(collector))
    }
}

impl Target for SplunkHec {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn send(&self, batch: Batch) -> SendFuture {
        let collector = Arc::clone(&self.0);
        Box::pin(async move { collector.deliver(&batch).await })
    }

    /// Indexers take seconds to acknowledge, and one batch waits for another: with acknowledgement, batches are large.
    fn limits(&self) -> Limits {
        match self.0.ack {
            None => Limits::default(),
            Some(_) => Limits::default().records(10_000).bytes(8 << 20),
        }
    }
}

impl Collector {
    async fn deliver(&self, batch: &Batch) -> Result<Delivered, SendError> {
        self.ask_for_ack().await?;
        let events = self.events(batch).await?;
        let unreadable = (batch.lines().len() - events.len()) as u64;
        let (mut refused, mut acks) = (Vec::new(), Vec::new());
        // The pieces that are to be sent, the next one last.
        let whole = 0..events.len();
        let mut pieces = Vec::from([whole]);
        while let Some(piece) = pieces.pop() {
            let Some(own) = events.get(piece.clone()).filter(|own| !own.is_empty()) else { continue };
            let body = own.iter().map(|(_, event)| &**event).collect::<Vec<_>>().concat();
            let (number, why) = match self.post(body).await? {
                Reply::Taken(ack) => {
                    acks.extend(ack);
                    continue;
                }
                Reply::Failed(error) => return Err(error),
                Reply::TooLarge => (None, "it is too large for the collector"),
                Reply::Malformed(number) => (number, "the collector calls it malformed"),
            };
            match own {
                [(line, _)] => refused.push((*line, why.into())),
                _ => pieces.extend(around(piece, number)),
            }
        }
        self.wait_for(acks).await?;
        refused.sort_unstable();
        Ok(Delivered::all_but(unreadable).without(refused))
    }

    /// The events of a batch, each with its line's place.
    async fn events(&self, batch: &Batch) -> Result<Vec<(usize, Vec<u8>)>, SendError> {
        let (envelope, batch) = (self.envelope.clone(), batch.clone());
        let events = move || {
            let lines = batch.lines().iter().enumerate();
            lines.filter_map(|(at, line)| Some((at, envelope.wrap(line)?))).collect()
        };
        aside(events).await
    }

    async fn post(&self, body: Vec<u8>) -> Result<Reply, SendError> {
        let answer = self.ask(&self.events, body).await?;
        match Reply::of(&answer) {
            Reply::Taken(None) if self.ack.is_some() => Err(SendError::Refused(
                "it acknowledges nothing: the token has no indexer acknowledgement".into(),
            )),
            reply => Ok(reply),
        }
    }

    /// Makes sure, before anything is sent, that the token has what is relied on: without it, every batch would be
    /// taken and sent again.
    async fn ask_for_ack(&self) -> Result<(), SendError> {
        let Some(ack) = self.ack.as_ref().filter(|ack| !ack.known.load(Ordering::Relaxed)) else {
            return Ok(());
        };
        is_indexed(&self.ask(&ack.uri, b"{\"acks\":[0]}".to_vec()).await?, 0)?;
        ack.known.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn wait_for(&self, acks: Vec<u64>) -> Result<(), SendError> {
        let Some(ack) = &self.ack else { return Ok(()) };
        let due = Instant::now() + ack.deadline;
        for id in acks {
            loop {
                let asked = self.ask(&ack.uri, format!("{{\"acks\":[{id}]}}").into_bytes()).await;
                if asked.and_then(|answer| is_indexed(&answer, id)).unwrap_or_default() {
                    break;
                }
                if Instant::now() >= due {
                    return Err(SendError::unavailable("it does not acknowledge in time"));
                }
                sleep(POLL).await;
            }
        }
        Ok(())
    }

    async fn ask(&self, uri: &Uri, body: Vec<u8>) -> Result<Response<Bytes>, SendError> {
        let mut request = Request::post(uri).header(AUTHORIZATION, &self.token);
        if let Some(ack) = &self.ack {
            request = request.header("x-splunk-request-channel", &ack.channel);
        }
        let request = request.header("content-type", "application/json").body(Bytes::from(body));
        let request = request.map_err(|_| SendError::Refused("its URL cannot be asked".into()))?;
        self.fetch.fetch(request).await.map_err(|error| unreachable(&error))
    }
}

/// Cuts a piece so that what is wrong comes to stand alone: around the events that the collector may mean by `number`,
/// which it counts from zero or one, else in the middle. Last is what is to be sent first.
fn around(piece: Range<usize>, number: Option<usize>) -> Vec<Range<usize>> {
    let named = number.map(|number| piece.start.saturating_add(number)).filter(|&at| at <= piece.end);
    let cuts = match named {
        Some(at) => vec![at.saturating_sub(1), at, at.saturating_add(1)],
        None => vec![piece.start + piece.len() / 2],
    };
    let cuts = cuts.into_iter().map(|cut| cut.clamp(piece.start, piece.end));
    let mut start = piece.start;
    let mut pieces: Vec<_> =
        cuts.chain([piece.end]).map(|end| std::mem::replace(&mut start, end)..end).collect();
    pieces.reverse();
    pieces
}

impl fmt::Debug for SplunkHec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SplunkHec")
            .field("name", &self.0.name)
            .field("url", &self.0.base)
            .field("ack", &self.0.ack.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_cut_into_all_of_it_in_order() {
        for number in [None, Some(0), Some(1), Some(2), Some(4), Some(5), Some(6), Some(usize::MAX)] {
            let pieces = around(10..15, number);
            let whole: Vec<_> = pieces.iter().rev().cloned().flatten().collect();
            assert_eq!(whole, (10..15).collect::<Vec<_>>(), "{number:?}");
            assert!(pieces.iter().all(|piece| piece.len() < 5), "{number:?}: {pieces:?}");
        }
        assert_eq!(around(0..2, Some(0)).iter().filter(|piece| !piece.is_empty()).count(), 2);
    }
}
