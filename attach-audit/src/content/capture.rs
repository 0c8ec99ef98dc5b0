//! What one request says and is told, as it passes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use attach_core::exchange::Coverage;
use attach_core::{Exchange, Payload, Rejection};
use bytes::Bytes;
use hmac::{Hmac, Mac};
use http::Extensions;
use sha2::Sha256;
use tokio::sync::OwnedSemaphorePermit;

use super::packer::Packer;
use super::recording::Recording;
use super::{Contents, Keep};
use crate::record::{Digest, Said};

/// One request's content; nothing if no content is looked at.
#[derive(Default)]
pub(crate) struct Capture(Option<(Arc<Packer>, Mutex<State>)>);

#[derive(Default)]
struct State {
    /// Known once the request is about to go upstream.
    keep: Option<Keep>,
    withheld: Option<&'static str>,
    original: Option<Digest>,
    request: Way,
    answer: Way,
}

/// What goes one way.
#[derive(Default)]
struct Way {
    bytes: u64,
    running: Option<Hmac<Sha256>>,
    /// Of all of it, once it was worked out.
    digest: Option<Digest>,
    recording: Recording,
}

impl Way {
    fn digest(&mut self, bytes: &[u8], contents: &Contents) {
        self.digest = None;
        self.running.get_or_insert_with(|| contents.key.begin()).update(bytes);
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
    }

    fn record(&mut self, bytes: &[u8], contents: &Contents) {
        self.recording.push(bytes, contents.limit, &contents.room);
    }

    /// How long it is so far, and its digest: both of a call's records have that of the request.
    fn shown(&mut self, contents: &Contents) -> (Option<u64>, Option<Digest>) {
        if self.digest.is_none() {
            self.digest = self.running.clone().map(|running| contents.key.end(running));
        }
        (self.digest.map(|_| self.bytes), self.digest)
    }
}

/// What is to be kept of a request that has ended.
pub(crate) struct Parcel {
    pub(super) keep: Keep,
    pub(super) exchange: Exchange,
    pub(super) request: Vec<u8>,
    pub(super) answer: Vec<u8>,
    pub(super) room: Option<OwnedSemaphorePermit>,
    pub(super) said: Said,
}

impl Capture {
    /// Begins with a request of which nothing has been read.
    pub(crate) fn begin(packer: Option<&Arc<Packer>>, exchange: &Exchange) -> Self {
        let Some(packer) = packer else { return Self::default() };
        if packer.contents().people.as_ref().is_some_and(|people| people.can_seal()) {
            exchange.keep_received();
        }
        Self(Some((Arc::clone(packer), Mutex::default())))
    }

    /// The request is about to go upstream: decides what is kept, and takes what is known by now.
    pub(crate) fn asked(&self, exchange: &Exchange, extensions: &Extensions) -> Result<(), Rejection> {
        let Some((packer, state)) = &self.0 else { return Ok(()) };
        let contents = packer.contents();
        let received = exchange.take_received();
        let keep = contents.chosen(exchange, extensions);
        if keep == Keep::Sealed && !contents.people.as_ref().is_some_and(|people| people.can_seal()) {
            return Err(Rejection::misconfigured("content is to be sealed, and there are no auditors"));
        }
        let mut state = lock(state);
        if state.keep.replace(keep).is_some() {
            return Ok(());
        }
        state.withheld = (keep == Keep::Redacted).then(|| unredacted(exchange)).flatten();
        let payload = extensions.get::<Payload>();
        if let Some(payload) = payload {
            state.request.digest(payload.bytes(), contents);
            if keep == Keep::Redacted && state.withheld.is_none() {
                state.request.record(payload.bytes(), contents);
            }
        }
        if let Some(received) = received.filter(|_| keep == Keep::Sealed) {
            let unchanged = payload.is_some_and(|payload| *payload.bytes() == received);
            let digest = unchanged.then(|| state.request.shown(contents).1).flatten();
            state.original = digest.or_else(|| Some(contents.key.digested(&received)));
            state.request.record(&received, contents);
        }
        Ok(())
    }

    /// The upstream said this.
    pub(crate) fn heard(&self, bytes: &Bytes) {
        let Some((packer, state)) = &self.0 else { return };
        let (contents, mut state) = (packer.contents(), lock(state));
        state.answer.digest(bytes, contents);
        if state.keep == Some(Keep::Redacted) && state.withheld.is_none() {
            state.answer.record(bytes, contents);
        }
    }

    /// The client is told this.
    pub(crate) fn sent(&self, bytes: &Bytes) {
        let Some((packer, state)) = &self.0 else { return };
        let mut state = lock(state);
        if state.keep == Some(Keep::Sealed) {
            state.answer.record(bytes, packer.contents());
        }
    }

    /// Whether what the client is told is wanted, to the end.
    pub(crate) fn is_sent(&self) -> bool {
        self.0.as_ref().is_some_and(|(_, state)| lock(state).keep == Some(Keep::Sealed))
    }

    /// What the record says of what was said so far.
    pub(crate) fn said(&self) -> Option<Said> {
        let (packer, state) = self.0.as_ref()?;
        let mut state = lock(state);
        state.keep.map(|_| state.said(packer.contents()))
    }

    /// What is to be kept, if anything is; nothing is recorded from here on.
    pub(crate) fn parcel(&self, exchange: &Exchange) -> Option<(Arc<Packer>, Parcel)> {
        let (packer, state) = self.0.as_ref()?;
        let mut state = lock(state);
        let keep = state.keep.filter(|keep| *keep != Keep::None && state.withheld.is_none())?;
        let mut said = state.said(packer.contents());
        said.kept = Some(keep.as_str());
        let (request, answer) =
            (std::mem::take(&mut state.request.recording), std::mem::take(&mut state.answer.recording));
        state.keep = Some(Keep::None);
        said.truncated = match (request.truncated, answer.truncated) {
            (true, true) => Some("both"),
            (true, false) => Some("in"),
            (false, true) => Some("out"),
            (false, false) => None,
        };
        let room = match (request.room, answer.room) {
            (Some(mut one), Some(other)) => {
                one.merge(other);
                Some(one)
            }
            (one, other) => one.or(other),
        };
        let (request, answer) = (request.bytes, answer.bytes);
        let parcel = Parcel { keep, exchange: exchange.clone(), request, answer, room, said };
        Some((Arc::clone(packer), parcel))
    }
}

impl State {
    fn said(&mut self, contents: &Contents) -> Said {
        let (in_bytes, in_hmac) = self.request.shown(contents);
        let (out_bytes, out_hmac) = self.answer.shown(contents);
        Said {
            in_bytes,
            out_bytes,
            in_hmac,
            out_hmac,
            in_orig_hmac: self.original,
            withheld: self.withheld,
            ..Said::default()
        }
    }
}

/// Why a request is not one that may be kept in clear, if it is not.
fn unredacted(exchange: &Exchange) -> Option<&'static str> {
    match exchange.facts(|facts| facts.redaction.as_ref().map(|redaction| redaction.coverage)) {
        Some(Coverage::Full) => None,
        Some(Coverage::Partial) => Some("partly_redacted"),
        _ => Some("not_redacted"),
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
