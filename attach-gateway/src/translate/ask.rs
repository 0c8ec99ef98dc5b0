use attach_core::{Api, Payload, Rejection};

use super::canonical::{Chat, Embed, Losses};
use super::{anthropic, ollama, openai, responses};

/// What a caller asks for, read from the caller's dialect.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one per call, and no list of them")]
pub(super) enum Ask<'a> {
    Chat(Chat<'a>),
    Embed(Embed<'a>),
}

impl<'a> Ask<'a> {
    /// `None` for an operation that no other dialect has.
    ///
    /// # Errors
    ///
    /// When the call says something that no other dialect can express.
    pub(super) fn read(payload: &'a Payload, losses: &mut Losses) -> Result<Option<Self>, Rejection> {
        let (root, call) = (payload.document().root(), payload.call());
        Ok(Some(match call.api {
            Api::OpenAiChat => Self::Chat(openai::read_chat(root, call, losses)?),
            Api::OpenAiResponses => Self::Chat(responses::read_chat(root, call, losses)?),
            Api::OpenAiEmbeddings => Self::Embed(openai::read_embed(root, losses)?),
            Api::OllamaChat => Self::Chat(ollama::read_chat(root, call, losses)?),
            Api::OllamaGenerate => Self::Chat(ollama::read_generate(root, call, losses)?),
            Api::OllamaEmbed => Self::Embed(ollama::read_embed(root, losses)?),
            Api::AnthropicMessages => Self::Chat(anthropic::read_chat(root, call, losses)?),
            _ => return Ok(None),
        }))
    }
}
