//! OpenAI's side: requests are written, answers are read.
//!
//! Source: OpenAI API reference, "Chat Completions" and "Embeddings".

mod read;
mod write;

pub(super) use self::read::{Reader, read_embeddings};
pub(super) use self::write::{write_chat, write_embeddings};
