use attach_core::Api;

/// What an upstream is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// One of the operations that callers have too.
    Api(Api),
}

impl Operation {
    /// The caller's operation it is the same as, if it is.
    pub(crate) fn api(self) -> Option<Api> {
        match self {
            Self::Api(api) => Some(api),
        }
    }
}
