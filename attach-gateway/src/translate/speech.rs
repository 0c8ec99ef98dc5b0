use attach_core::{Api, Dialect, Rejection};
use bytes::Bytes;

use super::ask::Ask;
use super::canonical::{Embeddings, Losses, ReadAnswer};
use super::{Operation, openai};
use crate::config::Upstream;

/// What an upstream speaks, where it does not speak the caller's dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speech {
    OpenAi,
}

impl Speech {
    /// The one of an upstream's dialects that is translated to.
    pub(super) fn of(upstream: &Upstream) -> Option<Self> {
        upstream.speaks(Dialect::OpenAi).then_some(Self::OpenAi)
    }

    /// What is asked for, and its body; `None` if this dialect has no such operation.
    ///
    /// # Errors
    ///
    /// When the dialect has no word for something in it.
    pub(super) fn write(
        self,
        ask: &Ask<'_>,
        model: &str,
        losses: &mut Losses,
    ) -> Result<Option<(Operation, Bytes)>, Rejection> {
        Ok(Some(match (self, ask) {
            (Self::OpenAi, Ask::Chat(chat)) => {
                (Operation::Api(Api::OpenAiChat), openai::write_chat(chat, model, losses)?)
            }
            (Self::OpenAi, Ask::Embed(embed)) => {
                (Operation::Api(Api::OpenAiEmbeddings), openai::write_embeddings(embed, model))
            }
        }))
    }

    /// What reads its answers.
    pub(super) fn reader(self) -> Box<dyn ReadAnswer> {
        match self {
            Self::OpenAi => Box::new(openai::Reader),
        }
    }

    /// Reads its embeddings; `None` if they are none.
    pub(super) fn embeddings(self, bytes: &[u8]) -> Option<Embeddings> {
        match self {
            Self::OpenAi => openai::read_embeddings(bytes),
        }
    }
}
