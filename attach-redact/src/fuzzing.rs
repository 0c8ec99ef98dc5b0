//! What strangers' bodies are put through, for fuzzing and for tests at every place a stream can be cut. No part of the
//! interface.

use attach_core::body::{Guard, Step};
use attach_core::usage::Wire;
use attach_core::{Api, Exchange, Payload};
use bytes::Bytes;
use http::Request;

use crate::restore::{Stream, Tally, unary};
use crate::vault::Vault;
use crate::{Redactor, Scope, request};

/// How many of the redactor's keywords `text` has: the search for them alone, for measuring what all else costs.
#[must_use]
pub fn count_words(redactor: &Redactor, text: &str) -> usize {
    redactor.count_words(text)
}

/// Whoever asked and is to get values back.
#[derive(Debug)]
pub struct Asked {
    vault: Vault,
    tally: Tally,
}

impl Asked {
    /// Somebody whose request had `values`, each after the label of its placeholder.
    #[must_use]
    pub fn about(redactor: &Redactor, values: &[(&str, &str)]) -> Self {
        let mut vault = redactor.vault(&Scope::anonymous());
        for (label, value) in values {
            if let Some(placeholder) = vault.placeholder(label, value).map(str::to_owned) {
                vault.show(&placeholder);
            }
        }
        Self { vault, tally: Tally::default() }
    }

    /// Whoever sent `body`, and what is sent on for it; nothing if it is refused.
    #[must_use]
    pub fn with(redactor: &Redactor, api: Api, body: Bytes) -> Option<(Self, Bytes)> {
        let payload = Payload::parse(api, body).ok()?;
        let prepared = request::Prepared::of(redactor, &payload).ok()?;
        let whose = request::Whose::own(redactor, &Scope::anonymous());
        let (edits, vault) = prepared.redact(redactor, &whose, &exchange()).ok()?;
        let redacted = payload.splice(&edits).ok()?;
        let asked = Self { vault, tally: Tally::default() };
        Some((asked, redacted.bytes().clone()))
    }

    /// The placeholder for a value.
    pub fn placeholder(&mut self, label: &str, value: &str) -> Option<String> {
        self.vault.placeholder(label, value).map(str::to_owned)
    }

    /// How many placeholders were restored, and how many were withheld.
    #[must_use]
    pub fn restored_and_withheld(&self) -> (u32, u32) {
        (self.tally.restored, self.tally.withheld)
    }

    /// What is made of an answer that comes at once.
    pub fn unary(&mut self, answer: Bytes) -> Bytes {
        let (answer, tally) = unary::restore(answer, &self.vault);
        self.tally = tally;
        answer
    }

    /// What is made of each of an answer's `pieces`, and at last of its end.
    #[must_use]
    pub fn stream<'p>(self, wire: Wire, pieces: impl IntoIterator<Item = &'p [u8]>) -> Vec<Bytes> {
        let mut stream = Stream::new(self.vault, wire, exchange()).reframing();
        let pass = |step| if let Step::Pass(bytes) = step { bytes } else { Bytes::new() };
        let mut out = Vec::new();
        for piece in pieces {
            out.push(pass(stream.frame(Bytes::copy_from_slice(piece), false)));
        }
        out.push(pass(stream.end()));
        out
    }
}

fn exchange() -> Exchange {
    Exchange::of_request(&mut Request::new(()))
}
