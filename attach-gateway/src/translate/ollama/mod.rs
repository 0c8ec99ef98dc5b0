//! Ollama's side: requests are read, answers are written.
//!
//! Source: Ollama `docs/api.md`.

mod read;
mod write;

pub(super) use self::read::{read_chat, read_embed, read_generate};
pub(super) use self::write::{Writer, write_embeddings, write_show};
