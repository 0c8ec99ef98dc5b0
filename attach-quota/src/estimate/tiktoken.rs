use std::sync::OnceLock;
use std::thread;

use tiktoken::CoreBpe;

use super::Tokenizer;

/// OpenAI's tokenizers, by the crate `tiktoken`.
///
/// The vocabularies take a quarter of a second to load and some memory. They are loaded once in a process, by a thread
/// of their own; until then, and for models that are not OpenAI's, nothing is known
/// and the layer goes by bytes.
///
/// ```
/// use attach_quota::{Limit, QuotaLayer, Rate, Tiktoken};
///
/// let limits = vec![Limit::tokens("per-user", Rate::per_minute(60_000))];
/// let layer = QuotaLayer::new(limits).tokenizer(Tiktoken::load());
/// ```
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct Tiktoken(());

static O200K: OnceLock<&'static CoreBpe> = OnceLock::new();
static CL100K: OnceLock<&'static CoreBpe> = OnceLock::new();
static LOADING: OnceLock<()> = OnceLock::new();

impl Tiktoken {
    /// Begins to load the vocabularies, unless that has been done, and does not wait for it.
    pub fn load() -> Self {
        LOADING.get_or_init(|| {
            let loading = thread::Builder::new().name("attach-tokenizers".into()).spawn(|| {
                for (vocabulary, name) in [(&O200K, "o200k_base"), (&CL100K, "cl100k_base")] {
                    tiktoken::get_encoding(name).map(|encoding| vocabulary.set(encoding));
                }
            });
            if let Err(error) = loading {
                tracing::warn!(%error, "tokenizers are not loaded: tokens are estimated by bytes");
            }
        });
        Self(())
    }
}

impl Tokenizer for Tiktoken {
    fn count(&self, model: &str, text: &str) -> Option<u64> {
        let encoding = vocabulary(model)?.get()?;
        Some(encoding.count(text) as u64)
    }
}

/// By OpenAI's own table (`tiktoken/model.py`), with the names that routers and fine-tuning put around a model's. It
/// names no more models than that: another vendor's `o1-clone` is at worst estimated a little wrong.
fn vocabulary(model: &str) -> Option<&'static OnceLock<&'static CoreBpe>> {
    const NEWER: [&str; 9] =
        ["gpt-4o", "gpt-4.1", "gpt-4.5", "gpt-5", "gpt-oss", "chatgpt-4o", "o1", "o3", "o4"];
    const OLDER: [&str; 4] = ["gpt-4", "gpt-3.5", "gpt-35", "text-embedding-"];
    let name = model.strip_prefix("openai/").unwrap_or(model);
    let name = name.strip_prefix("ft:").unwrap_or(name);
    let among = |names: &[&str]| names.iter().any(|begin| name.starts_with(begin));
    match (among(&NEWER), among(&OLDER)) {
        (true, _) => Some(&O200K),
        (false, true) => Some(&CL100K),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn loaded() -> Tiktoken {
        let tokenizer = Tiktoken::load();
        let since = Instant::now();
        while O200K.get().is_none() || CL100K.get().is_none() {
            assert!(since.elapsed() < Duration::from_secs(60), "the vocabularies load");
            thread::sleep(Duration::from_millis(5));
        }
        tokenizer
    }

    #[test]
    fn models_of_openai_are_counted_exactly_and_no_others() {
        let tokenizer = loaded();
        // OpenAI Cookbook, "How to count tokens with tiktoken": "antidisestablishmentarianism" and
        // "お誕生日おめでとう" in o200k_base and cl100k_base.
        let birthday = "お誕生日おめでとう";
        for model in ["gpt-4o", "gpt-4o-mini-2024-07-18", "gpt-4.1-nano", "gpt-5", "o1", "o3-mini", "o4-mini"]
        {
            assert_eq!(tokenizer.count(model, birthday), Some(8), "{model}");
        }
        for model in ["gpt-4", "gpt-4-turbo", "gpt-3.5-turbo", "ft:gpt-3.5-turbo:acme::id", "openai/gpt-4"] {
            assert_eq!(tokenizer.count(model, birthday), Some(9), "{model}");
        }
        for model in ["llama3", "claude-sonnet-4", "mistral", ""] {
            assert_eq!(tokenizer.count(model, birthday), None, "{model}");
        }
    }

    #[test]
    fn what_looks_like_a_special_token_is_text() {
        assert!(loaded().count("gpt-4o", "<|endoftext|>").is_some_and(|tokens| tokens > 1));
    }
}
