//! The caller's side of OpenAI's Responses: requests read, answers written, for servers that have no such interface.
//!
//! Source: OpenAI API reference, "Responses" and "Streaming events".

mod answer;
mod echo;
mod events;
mod items;
mod read_input;
mod read_request;
mod read_settings;
mod sealed;
mod shapes;
mod write_answer;

pub(super) use self::echo::Echo;
pub(super) use self::read_request::read_chat;
pub(super) use self::write_answer::Writer;

#[cfg(test)]
mod tests;
