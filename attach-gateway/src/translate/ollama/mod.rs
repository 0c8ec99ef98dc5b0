//! Ollama's side: chat and embeddings, requests and answers, each read and written.
//!
//! Source: Ollama `docs/api.md`.

mod embed;
mod open_calls;
mod read;
mod read_answer;
mod read_message;
mod write;
mod write_chat;
mod write_message;

pub(super) use self::embed::{read_embeddings, write_embed};
pub(super) use self::read::{read_chat, read_embed, read_generate};
pub(super) use self::read_answer::Reader;
pub(super) use self::write::{Writer, write_embeddings, write_show};
pub(super) use self::write_chat::write_chat;
