use http::{HeaderMap, Method};

/// One operation of one of the three public LLM interfaces.
///
/// Fixed by method and path, or by a value of this type that a service puts into the request's extensions
/// (needed under axum's `nest`, which rewrites paths). Never read from the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Api {
    /// `POST /v1/chat/completions`
    OpenAiChat,
    /// `POST /v1/completions`
    OpenAiCompletions,
    /// `POST /v1/embeddings`
    OpenAiEmbeddings,
    /// `POST /v1/responses`
    OpenAiResponses,
    /// `POST /v1/messages`
    AnthropicMessages,
    /// `POST /v1/messages/count_tokens`
    AnthropicCountTokens,
    /// `POST /api/chat`
    OllamaChat,
    /// `POST /api/generate`
    OllamaGenerate,
    /// `POST /api/embed`
    OllamaEmbed,
    /// `POST /api/show`
    OllamaShow,
}

impl Api {
    /// Every operation, in the order of the enum.
    pub const ALL: [Self; 10] = [
        Self::OpenAiChat,
        Self::OpenAiCompletions,
        Self::OpenAiEmbeddings,
        Self::OpenAiResponses,
        Self::AnthropicMessages,
        Self::AnthropicCountTokens,
        Self::OllamaChat,
        Self::OllamaGenerate,
        Self::OllamaEmbed,
        Self::OllamaShow,
    ];

    /// The operation that `method` on `path` asks for.
    #[must_use]
    pub fn of(method: &Method, path: &str) -> Option<Self> {
        if method != Method::POST {
            return None;
        }
        Self::ALL.into_iter().find(|api| api.path() == path)
    }

    /// The path the operation has at every server that speaks it.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::OpenAiChat => "/v1/chat/completions",
            Self::OpenAiCompletions => "/v1/completions",
            Self::OpenAiEmbeddings => "/v1/embeddings",
            Self::OpenAiResponses => "/v1/responses",
            Self::AnthropicMessages => "/v1/messages",
            Self::AnthropicCountTokens => "/v1/messages/count_tokens",
            Self::OllamaChat => "/api/chat",
            Self::OllamaGenerate => "/api/generate",
            Self::OllamaEmbed => "/api/embed",
            Self::OllamaShow => "/api/show",
        }
    }

    /// The interface the operation belongs to.
    #[must_use]
    pub fn dialect(self) -> Dialect {
        match self {
            Self::OpenAiChat | Self::OpenAiCompletions | Self::OpenAiEmbeddings | Self::OpenAiResponses => {
                Dialect::OpenAi
            }
            Self::AnthropicMessages | Self::AnthropicCountTokens => Dialect::Anthropic,
            Self::OllamaChat | Self::OllamaGenerate | Self::OllamaEmbed | Self::OllamaShow => Dialect::Ollama,
        }
    }

    /// A stable name: `openai.chat`, `anthropic.messages`, `ollama.generate` …
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAiChat => "openai.chat",
            Self::OpenAiCompletions => "openai.completions",
            Self::OpenAiEmbeddings => "openai.embeddings",
            Self::OpenAiResponses => "openai.responses",
            Self::AnthropicMessages => "anthropic.messages",
            Self::AnthropicCountTokens => "anthropic.count_tokens",
            Self::OllamaChat => "ollama.chat",
            Self::OllamaGenerate => "ollama.generate",
            Self::OllamaEmbed => "ollama.embed",
            Self::OllamaShow => "ollama.show",
        }
    }

    /// OpenTelemetry's `gen_ai.operation.name`.
    #[must_use]
    pub fn operation(self) -> &'static str {
        match self {
            Self::OpenAiChat | Self::OpenAiResponses | Self::AnthropicMessages | Self::OllamaChat => "chat",
            Self::OpenAiCompletions | Self::OllamaGenerate => "text_completion",
            Self::OpenAiEmbeddings | Self::OllamaEmbed => "embeddings",
            Self::AnthropicCountTokens => "count_tokens",
            Self::OllamaShow => "show",
        }
    }

    /// Whether the operation makes a model produce something that is charged.
    #[must_use]
    pub fn is_inference(self) -> bool {
        !matches!(self, Self::AnthropicCountTokens | Self::OllamaShow)
    }
}

/// The interface a client speaks, and hence the shape its errors have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// `{"error":{"message","type","param","code"}}`
    OpenAi,
    /// `{"type":"error","error":{"type","message"}}`
    Anthropic,
    /// `{"error":"…"}`
    Ollama,
    /// RFC 9457 problem details: a path of none of the three.
    Problem,
}

impl Dialect {
    /// The dialect of a path that may be none of an [`Api`]'s, such as `GET /v1/models`.
    ///
    /// OpenAI and Anthropic share `/v1/models`; Anthropic's clients always send `anthropic-version`.
    #[must_use]
    pub fn of(path: &str, headers: &HeaderMap) -> Self {
        if path == "/api" || path.starts_with("/api/") {
            Self::Ollama
        } else if path.starts_with("/v1/messages")
            || (path.starts_with("/v1/") && headers.contains_key("anthropic-version"))
        {
            Self::Anthropic
        } else if path.starts_with("/v1/") {
            Self::OpenAi
        } else {
            Self::Problem
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_is_fixed_by_method_and_path() {
        for api in Api::ALL {
            assert_eq!(Api::of(&Method::POST, api.path()), Some(api));
            assert_eq!(Api::of(&Method::GET, api.path()), None);
        }
        for other in ["/v1/chat/completions/", "/V1/chat/completions", "/v1//messages", "/api/pull"] {
            assert_eq!(Api::of(&Method::POST, other), None);
        }
    }

    #[test]
    fn models_is_anthropic_only_with_its_version_header() {
        let mut headers = HeaderMap::new();
        assert_eq!(Dialect::of("/v1/models", &headers), Dialect::OpenAi);
        headers.insert("anthropic-version", http::HeaderValue::from_static("2023-06-01"));
        assert_eq!(Dialect::of("/v1/models", &headers), Dialect::Anthropic);
        assert_eq!(Dialect::of("/healthz", &headers), Dialect::Problem);
    }
}
