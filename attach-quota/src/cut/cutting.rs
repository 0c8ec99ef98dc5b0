use std::sync::Arc;
use std::task::{Context, Poll};

use attach_core::Usage;

use super::Tracker;
use super::extension::{Answer, Extension, Refusal};
use crate::limit::Action;
use crate::store::{Charge, Store};
use crate::tariff::Tariff;

/// Watches over a stream that some limits may cut.
pub(crate) struct Cutting {
    pub(crate) tracker: Tracker,
    extensions: Vec<Extension>,
}

/// What is decided about a stream.
pub(crate) enum Turn {
    /// More is booked for the charge of this index.
    Extended(usize, Charge),
    /// The limit of the charge of this index cuts.
    Cut(usize, Refusal),
}

impl Cutting {
    /// `None` if no limit of `charges` cuts.
    pub(crate) fn new(tracker: Tracker, charges: &[Charge]) -> Option<Self> {
        let cuts = |charge: &Charge| charge.limit().on_exceed() == Action::Cut && charge.unit().is_metered();
        let extensions: Vec<_> = charges
            .iter()
            .enumerate()
            .filter(|(_, charge)| cuts(charge))
            .map(|(index, charge)| Extension::new(index, charge))
            .collect();
        (!extensions.is_empty()).then_some(Self { tracker, extensions })
    }

    /// Whether the charge of this index is extended and not simply overdrawn.
    pub(crate) fn extends(&self, index: usize) -> bool {
        self.extensions.iter().any(|extension| extension.index == index)
    }

    /// Notes what the answer has used by now.
    pub(crate) fn follow(&mut self, charges: &[Charge], tariff: &Tariff, used: &Usage) {
        for extension in &mut self.extensions {
            if let Some(charge) = charges.get(extension.index) {
                extension.follow(used, |used| tariff.comes_to(charge, used));
            }
        }
    }

    /// Ready when something is decided; to be polled again until it is not.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        store: &Arc<dyn Store>,
        charges: &[Charge],
    ) -> Poll<Turn> {
        // What has said why it ends needs no more and is not ended a second time.
        if self.tracker.is_over() {
            return Poll::Pending;
        }
        for extension in &mut self.extensions {
            let Some(charge) = charges.get(extension.index) else { continue };
            match extension.poll(cx, store, charge) {
                Poll::Ready(Answer::Granted(more)) => {
                    return Poll::Ready(Turn::Extended(extension.index, more));
                }
                Poll::Ready(Answer::Denied(refusal)) => {
                    return Poll::Ready(Turn::Cut(extension.index, refusal));
                }
                Poll::Pending => {}
            }
        }
        Poll::Pending
    }
}
