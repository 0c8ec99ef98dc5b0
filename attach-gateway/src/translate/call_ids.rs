use std::collections::BTreeSet;

use attach_core::Exchange;

use super::canonical::{Event, Failure, ReadAnswer};

/// Gives an id to every tool call whose server gave it none: Ollama's calls have none, and every other dialect's
/// clients answer a call by its id. The ids are unique beyond one answer, so that a conversation holds none twice.
#[derive(Debug)]
pub(super) struct CallIds {
    inner: Box<dyn ReadAnswer>,
    exchange: Exchange,
    seen: BTreeSet<u64>,
}

impl CallIds {
    pub(super) fn new(inner: Box<dyn ReadAnswer>, exchange: &Exchange) -> Self {
        Self { inner, exchange: exchange.clone(), seen: BTreeSet::new() }
    }

    fn fill(&mut self, events: &mut [Event]) {
        for event in events {
            let Event::Tool { index, id, .. } = event else { continue };
            let first = self.seen.insert(*index);
            if first && id.as_deref().is_none_or(str::is_empty) {
                *id = Some(self.id(*index));
            }
        }
    }

    /// The end of the exchange's id is its random part.
    fn id(&self, index: u64) -> String {
        let exchange = self.exchange.id();
        let random = exchange.as_bytes().last_chunk::<8>().copied().unwrap_or_default();
        format!("call_{:016x}_{index}", u64::from_be_bytes(random))
    }
}

impl ReadAnswer for CallIds {
    fn frame(&mut self, frame: &[u8], out: &mut Vec<Event>) {
        let before = out.len();
        self.inner.frame(frame, out);
        self.fill(out.get_mut(before..).unwrap_or_default());
    }

    fn whole(&mut self, bytes: &[u8]) -> Option<Vec<Event>> {
        let mut events = self.inner.whole(bytes)?;
        self.fill(&mut events);
        Some(events)
    }

    fn end(&mut self, out: &mut Vec<Event>) {
        let before = out.len();
        self.inner.end(out);
        self.fill(out.get_mut(before..).unwrap_or_default());
    }

    fn failure(&mut self, bytes: &[u8]) -> Failure {
        self.inner.failure(bytes)
    }
}
