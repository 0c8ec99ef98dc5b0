//! Answers that are made shorter so that they fit.
//!
//! Under a limit of [`Action::Clamp`](crate::Action::Clamp) a call reserves all that its output cap allows, and a call
//! without a cap what a long answer takes. If there is less, it gets what there is: the cap in its body is lowered to what
//! was reserved, or put there. So no two calls can be given the same rest.

use std::sync::Arc;

use attach_core::Payload;
use bytes::BytesMut;
use http::{HeaderMap, HeaderName};

use crate::headers::text;
use crate::limit::{Action, Limit, Unit};

mod cap;
mod field;
mod reserve;

pub(crate) use self::cap::lower;
pub(crate) use self::reserve::Reserved;

/// What a call without an output cap reserves for each answer, in tokens. Few answers are longer, and hardly any model
/// takes a cap of this as too large, which is why a cap is put where there was none only if there is less.
const LONG: u64 = 4096;

/// More than any answer has, and little enough to be multiplied.
const ENDLESS: u64 = 1 << 30;

static NAME: HeaderName = HeaderName::from_static("x-attach-output-clamped");

/// The output that a call may produce, in tokens, all its answers together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// What is reserved for it.
    output: u64,
    /// With less, the call makes no sense: its upstream would refuse it.
    least: u64,
    /// With this much it passes in any case, and owes the rest.
    enough: u64,
    answers: u64,
}

impl Wanted {
    /// What `payload` may produce; `None` if none of the `limits` clamps, or nothing is produced. `expected` is the
    /// output that other limits reserve for.
    pub(crate) fn of(payload: &Payload, limits: &[Arc<Limit>], expected: u64) -> Option<Self> {
        if expected == 0 || !limits.iter().any(|limit| clamps(limit)) {
            return None;
        }
        let call = payload.call();
        let answers = u64::from(call.choices).max(1);
        let output = call.output_cap.unwrap_or(LONG).saturating_mul(answers).min(ENDLESS);
        let least = field::least(payload).saturating_mul(answers).min(output);
        Some(Self { output, least, enough: expected.max(least).min(output), answers })
    }

    /// What is reserved for it, in tokens.
    pub(crate) fn output(self) -> u64 {
        self.output
    }

    pub(crate) fn with_output(self, output: u64) -> Self {
        Self { output, ..self }
    }
}

/// A lowered output cap.
#[derive(Debug, Clone)]
pub(crate) struct Clamped {
    /// The cap in the body: tokens of one answer.
    pub(crate) each: u64,
    limit: Arc<Limit>,
}

impl Clamped {
    /// The limit that had less than the call wanted.
    pub(crate) fn limit(&self) -> &Limit {
        &self.limit
    }

    /// `x-attach-output-clamped: 991;limit="tokens-per-user"`, an Item of RFC 9651 §3.3.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let mut value = BytesMut::new();
        text::number(&mut value, self.each);
        value.extend_from_slice(b";limit=");
        text::quoted(&mut value, self.limit.id());
        text::insert(headers, &NAME, &mut value);
    }
}

/// Whether `limit` lowers output caps. Input has no cap, and a request is a request.
pub(crate) fn clamps(limit: &Limit) -> bool {
    let counts_output = matches!(limit.unit(), Unit::Tokens | Unit::OutputTokens | Unit::MicroUsd);
    limit.on_exceed() == Action::Clamp && counts_output
}
