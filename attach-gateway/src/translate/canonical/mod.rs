//! What is said, whatever the dialect: the one model between 2n readers and writers.

mod answer;
mod embeddings;
mod losses;
mod request;

pub(super) use self::answer::{Event, Failure, Finish, ReadAnswer, WriteAnswer};
pub(super) use self::embeddings::{Embed, Embeddings};
pub(super) use self::losses::Losses;
pub(super) use self::request::{
    Chat, Effort, Format, Image, Message, Part, Reasoning, Said, Sampling, Tool, ToolCall, ToolChoice,
};
