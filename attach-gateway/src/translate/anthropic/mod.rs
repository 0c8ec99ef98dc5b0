//! Anthropic's side: requests and answers, read and written.
//!
//! Sources: Anthropic API reference, "Messages", "Streaming messages", "Errors"; Claude documentation, "Tool use",
//! "Extended thinking", "Adaptive thinking", "Effort", "Structured outputs".

mod blocks;
mod claude;
mod read_answer;
mod read_request;
mod sampling;
mod schema;
mod thinking;
mod wire;
mod write_answer;
mod write_request;

pub(super) use self::read_answer::Reader;
pub(super) use self::read_request::read_chat;
pub(super) use self::write_answer::Writer;
pub(super) use self::write_request::write_chat;

#[cfg(test)]
mod tests;
