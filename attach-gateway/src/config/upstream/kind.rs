use attach_core::Dialect;

use crate::config::ConfigError;

/// What an upstream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// An Ollama server; it speaks OpenAI's interface too.
    Ollama,
    /// Anything that speaks OpenAI's interface: OpenAI, vLLM, llama.cpp …
    OpenAi,
    /// OpenAI's interface at the places, and with the key, that Azure has for it.
    Azure,
    /// Anthropic's interface.
    Anthropic,
    /// Amazon Bedrock's Converse.
    Bedrock,
}

const NAMES: [(&str, Kind); 5] = [
    ("ollama", Kind::Ollama),
    ("openai", Kind::OpenAi),
    ("azure", Kind::Azure),
    ("anthropic", Kind::Anthropic),
    ("bedrock", Kind::Bedrock),
];

impl Kind {
    pub(in crate::config) fn parse(key: &str, text: &str) -> Result<Self, ConfigError> {
        let known = NAMES.iter().find(|(name, _)| *name == text);
        known.map(|(_, kind)| *kind).ok_or_else(|| {
            let names = NAMES.map(|(name, _)| name).join(", ");
            ConfigError::new(format!("{key}: {text:?} is not one of {names}"))
        })
    }

    /// The interfaces callers have that a server of this kind speaks, unless the configuration says otherwise.
    pub(in crate::config) fn dialects(self) -> Vec<Dialect> {
        match self {
            Self::Ollama => vec![Dialect::Ollama, Dialect::OpenAi],
            Self::OpenAi | Self::Azure => vec![Dialect::OpenAi],
            Self::Anthropic => vec![Dialect::Anthropic],
            Self::Bedrock => Vec::new(),
        }
    }

    /// The name in a configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ollama => "ollama",
            Self::OpenAi => "openai",
            Self::Azure => "azure",
            Self::Anthropic => "anthropic",
            Self::Bedrock => "bedrock",
        }
    }

    /// OpenTelemetry's `gen_ai.provider.name`; of a server that only speaks OpenAI's interface no more is known.
    #[must_use]
    pub fn provider(self) -> &'static str {
        match self {
            Self::Azure => "azure.ai.openai",
            Self::Bedrock => "aws.bedrock",
            _ => self.as_str(),
        }
    }
}
