use attach_core::Api;

/// What an upstream is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// One of the operations that callers have too.
    Api(Api),
    /// `POST /model/{modelId}/converse` of Amazon Bedrock.
    Converse,
    /// `POST /model/{modelId}/converse-stream` of Amazon Bedrock.
    ConverseStream,
}

impl Operation {
    /// The caller's operation it is the same as, if it is.
    pub(crate) fn api(self) -> Option<Api> {
        match self {
            Self::Api(api) => Some(api),
            Self::Converse | Self::ConverseStream => None,
        }
    }
}
