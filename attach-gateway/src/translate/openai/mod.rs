//! OpenAI's side: chat completions and embeddings, requests and answers, each read and written.
//!
//! Source: OpenAI API reference, "Chat Completions" and "Embeddings".

mod failure;
mod read;
mod read_chat;
mod read_embed;
mod read_message;
mod read_settings;
mod request;
mod shapes;
mod write;
mod write_answer;
mod write_embeddings;

pub(super) use self::read::{Reader, read_embeddings};
pub(super) use self::read_chat::read_chat;
pub(super) use self::read_embed::read_embed;
pub(super) use self::read_message::{arguments, picture};
pub(super) use self::read_settings::effort;
pub(super) use self::write::{write_chat, write_embeddings};
pub(super) use self::write_answer::{Writer, failure};
pub(super) use self::write_embeddings::{Encoding, write_embeddings_answer};
