//! Ending a stream that outgrows what is left under a limit, in the way of its client's dialect.
//!
//! [`Cutting`] is there for streams under a limit that [cuts](crate::Action::Cut), and for no others. It asks the store
//! for more before what was reserved is used up; its [`Tracker`] follows the answer as far as it must be known to be
//! ended well.

mod anthropic;
mod cutting;
mod extension;
mod ollama;
mod openai;
mod responses;
#[cfg(test)]
mod tests;
mod tracker;

pub(crate) use self::cutting::{Cutting, Turn};
pub(crate) use self::extension::{Refusal, UNAVAILABLE};
pub(crate) use self::tracker::{Tracker, Why};
