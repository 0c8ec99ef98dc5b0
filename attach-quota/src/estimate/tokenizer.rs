/// Counts tokens as a model does.
///
/// A layer without one ([`QuotaLayer::tokenizer`](crate::QuotaLayer::tokenizer)) takes four bytes for a token, and so
/// does one whose tokenizer does not know the model. Any `Fn(&str, &str) -> Option<u64>` is a tokenizer.
///
/// ```
/// use attach_quota::{Limit, QuotaLayer, Rate};
///
/// let limits = vec![Limit::tokens("per-user", Rate::per_minute(60_000))];
/// let words = |model: &str, text: &str| {
///     model.starts_with("words-").then(|| text.split_whitespace().count() as u64)
/// };
/// let layer = QuotaLayer::new(limits).tokenizer(words);
/// ```
pub trait Tokenizer: Send + Sync + 'static {
    /// How many tokens `text` is to `model`; `None` if that is not known, or not yet.
    ///
    /// Called on the path of a request, with pieces of at most 4 KiB and 32 KiB in all; what is beyond is taken to be
    /// like it. It must not block. An empty text asks
    /// whether the model is known. `model` is the name where the call goes if that is known, else the name asked for.
    fn count(&self, model: &str, text: &str) -> Option<u64>;
}

impl<F> Tokenizer for F
where
    F: Fn(&str, &str) -> Option<u64> + Send + Sync + 'static,
{
    fn count(&self, model: &str, text: &str) -> Option<u64> {
        self(model, text)
    }
}

/// Knows no model.
pub(super) struct Unknown;

impl Tokenizer for Unknown {
    fn count(&self, _: &str, _: &str) -> Option<u64> {
        None
    }
}
