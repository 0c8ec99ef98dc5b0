use attach_core::{Api, Dialect, Rejection};
use bytes::Bytes;

use super::ask::Ask;
use super::canonical::{Embeddings, Losses, ReadAnswer};
use super::{Operation, anthropic, bedrock, ollama, openai};
use crate::config::{Kind, Upstream};

/// What an upstream speaks, where it does not speak the caller's dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speech {
    OpenAi,
    Ollama,
    Anthropic,
    Bedrock,
}

impl Speech {
    /// Those of an upstream's dialects that are translated to, its own first: in the order in which the configuration
    /// lists them, which for a kind is the order of how much can be said.
    pub(super) fn of(upstream: &Upstream) -> impl Iterator<Item = Self> {
        let own = (upstream.kind == Kind::Bedrock).then_some(Self::Bedrock);
        own.into_iter().chain(upstream.dialects.iter().filter_map(|dialect| match dialect {
            Dialect::OpenAi => Some(Self::OpenAi),
            Dialect::Ollama => Some(Self::Ollama),
            Dialect::Anthropic => Some(Self::Anthropic),
            _ => None,
        }))
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
            (Self::Ollama, Ask::Chat(chat)) => {
                (Operation::Api(Api::OllamaChat), ollama::write_chat(chat, model, losses)?)
            }
            (Self::Ollama, Ask::Embed(embed)) => {
                (Operation::Api(Api::OllamaEmbed), ollama::write_embed(embed, model))
            }
            (Self::Anthropic, Ask::Chat(chat)) => {
                (Operation::Api(Api::AnthropicMessages), anthropic::write_chat(chat, model, losses)?)
            }
            (Self::Bedrock, Ask::Chat(chat)) => {
                let operation = if chat.stream { Operation::ConverseStream } else { Operation::Converse };
                (operation, bedrock::write_chat(chat, model, losses)?)
            }
            (Self::Anthropic | Self::Bedrock, Ask::Embed(_)) => return Ok(None),
        }))
    }

    /// What reads its answers.
    pub(super) fn reader(self) -> Box<dyn ReadAnswer> {
        match self {
            Self::OpenAi => Box::<openai::Reader>::default(),
            Self::Ollama => Box::<ollama::Reader>::default(),
            Self::Anthropic => Box::<anthropic::Reader>::default(),
            Self::Bedrock => Box::new(bedrock::Reader::default()),
        }
    }

    /// Reads its embeddings; `None` if they are none.
    pub(super) fn embeddings(self, bytes: &[u8]) -> Option<Embeddings> {
        match self {
            Self::OpenAi => openai::read_embeddings(bytes),
            Self::Ollama => ollama::read_embeddings(bytes),
            Self::Anthropic | Self::Bedrock => None,
        }
    }
}
