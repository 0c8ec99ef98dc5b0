use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use attach_core::{BoxError, Usage};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::timed::Timed;
use crate::translate::Translation;

/// An upstream's answer before it is metered: in a form that callers have too, from the upstream or because it has
/// been translated here.
pub(crate) struct Origin {
    // Boxed: every layer moves the answer on, with room for this.
    inner: Pin<Box<Timed>>,
    wording: Option<Box<Wording>>,
}

struct Wording {
    translation: Translation,
    reported: Reported,
    over: bool,
}

/// What an upstream has said it used, where the caller's dialect may not say it.
#[derive(Debug, Clone, Default)]
pub(super) struct Reported(Arc<Mutex<Option<Usage>>>);

impl Reported {
    pub(super) fn usage(&self) -> Option<Usage> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, usage: Option<Usage>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = usage;
    }
}

impl Origin {
    /// As it comes.
    pub(super) fn new(inner: Timed) -> Self {
        Self { inner: Box::pin(inner), wording: None }
    }

    /// In the caller's words; what it says it used is put down in `reported`.
    pub(super) fn reworded(self, translation: Translation, reported: Reported) -> Self {
        Self { wording: Some(Box::new(Wording { translation, reported, over: false })), ..self }
    }
}

impl Wording {
    fn piece(&mut self, piece: &[u8]) -> Bytes {
        let out = self.translation.piece(piece);
        self.reported.note(self.translation.usage());
        out.into()
    }

    fn rest(&mut self) -> Bytes {
        self.over = true;
        let out = self.translation.rest();
        self.reported.note(self.translation.usage());
        out.into()
    }
}

impl Body for Origin {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let Some(wording) = &mut this.wording else { return this.inner.as_mut().poll_frame(cx) };
        loop {
            if wording.over {
                return Poll::Ready(None);
            }
            let out = match ready!(this.inner.as_mut().poll_frame(cx)) {
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => wording.piece(&data),
                    // Trailers are not the caller's business.
                    Err(_) => continue,
                },
                None => wording.rest(),
            };
            if !out.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(out))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.wording.as_ref().map_or_else(|| self.inner.is_end_stream(), |wording| wording.over)
    }

    fn size_hint(&self) -> SizeHint {
        if self.wording.is_some() { SizeHint::default() } else { self.inner.size_hint() }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Origin").field("reworded", &self.wording.is_some()).finish_non_exhaustive()
    }
}
