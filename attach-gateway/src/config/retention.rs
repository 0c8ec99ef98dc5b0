use http::Uri;

use super::ConfigError;

/// How a provider is told not to keep a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retention {
    /// `store: false`, as OpenAI and Azure have it.
    Store,
    /// OpenRouter's `provider.data_collection` and `provider.zdr`.
    OpenRouter,
    /// Not by a call: it is a matter of the account.
    Account,
}

impl Retention {
    /// As it is written, else as the provider at `url` has it. Servers that merely speak OpenAI's interface may refuse
    /// fields that they do not know.
    pub(super) fn resolve(key: &str, text: Option<&str>, url: &Uri) -> Result<Self, ConfigError> {
        let host = url.host().unwrap_or_default();
        match text {
            Some("store") => Ok(Self::Store),
            Some("openrouter") => Ok(Self::OpenRouter),
            Some("account") => Ok(Self::Account),
            Some(other) => {
                Err(ConfigError::new(format!("{key}: {other:?} is not one of store, openrouter, account")))
            }
            None if host == "api.openai.com" || host.ends_with(".openai.azure.com") => Ok(Self::Store),
            None if host == "openrouter.ai" => Ok(Self::OpenRouter),
            None => Ok(Self::Account),
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::OpenRouter => "openrouter",
            Self::Account => "account",
        }
    }
}
