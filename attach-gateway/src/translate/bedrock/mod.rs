//! Amazon Bedrock's side: requests for Converse are written, its answers are read.
//!
//! Source: Amazon Bedrock API reference,
//! [`Converse`](https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html) and
//! [`ConverseStream`](https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html).

mod content;
mod extra;
mod frames;
mod guardrail;
mod read;
mod say;
mod shapes;
mod write;

pub(super) use self::guardrail::guarded;
pub(super) use self::read::Reader;
pub(super) use self::write::write_chat;
