//! Usage that the caller's stream would not report.
//!
//! A stream of OpenAI's chat completions or completions says what it used only if `stream_options.include_usage` asks for
//! it (OpenAI API reference, "Create chat completion", `stream_options`). Where a limit needs the figure and the caller did
//! not ask, [`ask`] does, and [`take_out`] takes what that adds to the answer out again, once the meter has read it.

mod ask;
mod chunk;
mod take_out;

pub(crate) use self::ask::{ask, plain_answer};
pub(crate) use self::take_out::take_out;
