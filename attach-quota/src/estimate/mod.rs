//! What a call will use, before anybody has counted, and what it used where nobody could count.

use std::sync::Arc;

use attach_core::{Api, Destination, Payload, Usage};

mod input;
#[cfg(feature = "tiktoken")]
mod tiktoken;
mod tokenizer;
mod typical;

#[cfg(feature = "tiktoken")]
pub use self::tiktoken::Tiktoken;
pub use self::tokenizer::Tokenizer;
use self::tokenizer::Unknown;
pub(crate) use self::typical::Lesson;
use self::typical::Typical;

/// Bytes of English in a token, which is the rule of thumb in every tokenizer's documentation. Token ids are about as
/// long in JSON.
const BYTES_PER_TOKEN: u64 = 4;

/// Compressed text has about half the bytes.
const COMPRESSED_BYTES_PER_TOKEN: u64 = 2;

/// Says what calls will use, and learns from what they did. Clones learn together.
#[derive(Clone)]
pub(crate) struct Estimator {
    tokenizer: Arc<dyn Tokenizer>,
    typical: Arc<Typical>,
}

impl Default for Estimator {
    fn default() -> Self {
        Self { tokenizer: Arc::new(Unknown), typical: Arc::default() }
    }
}

impl Estimator {
    /// The same with another tokenizer.
    pub(crate) fn with_tokenizer(self, tokenizer: impl Tokenizer) -> Self {
        Self { tokenizer: Arc::new(tokenizer), ..self }
    }

    /// What a call is expected to use.
    pub(crate) fn estimate(&self, payload: &Payload, destination: Option<&Destination>) -> Usage {
        let call = payload.call();
        let mut usage = Usage::default();
        usage.input = input::tokens(payload, destination, &*self.tokenizer);
        if produces_text(call.api) {
            let typical = self.typical.output(call.model.canonical());
            let each = call.output_cap.unwrap_or(typical).min(typical);
            usage.output = each.saturating_mul(u64::from(call.choices));
        }
        usage
    }

    /// What there will be to learn from the answer to `payload`; nothing if it has no text.
    pub(crate) fn lesson(&self, payload: &Payload) -> Option<Lesson> {
        let call = payload.call();
        produces_text(call.api).then(|| Lesson::new(Arc::clone(&self.typical), call))
    }
}

/// The output tokens of an answer of `bytes` that nobody could look into.
pub(crate) fn output_of_bytes(api: Api, bytes: u64, encoded: bool) -> u64 {
    match (produces_text(api), encoded) {
        (false, _) => 0,
        (true, true) => bytes.div_ceil(COMPRESSED_BYTES_PER_TOKEN),
        (true, false) => of_bytes(bytes),
    }
}

fn of_bytes(bytes: u64) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN)
}

fn produces_text(api: Api) -> bool {
    api.is_inference() && !matches!(api, Api::OpenAiEmbeddings | Api::OllamaEmbed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(api: Api, body: &str) -> Payload {
        Payload::parse(api, body.as_bytes().to_vec().into()).expect("a call")
    }

    fn expected(api: Api, body: &str) -> (u64, u64) {
        let estimate = Estimator::default().estimate(&payload(api, body), None);
        (estimate.input, estimate.output)
    }

    #[test]
    fn an_answer_is_taken_for_typical_unless_the_caller_wants_less() {
        for (settings, output) in [
            ("", 256),
            (r#""max_tokens":16,"#, 16),
            (r#""max_tokens":100000,"#, 256),
            (r#""n":3,"#, 768),
            (r#""max_completion_tokens":16,"n":3,"#, 48),
        ] {
            let body = format!("{{{settings}\"model\":\"m\",\"messages\":[]}}");
            assert_eq!(expected(Api::OpenAiChat, &body), (0, output), "{settings}");
        }
    }

    #[test]
    fn what_is_typical_is_learned_for_each_model_by_its_canonical_name() {
        let estimator = Estimator::default();
        let call = |model: &str, more: &str| {
            let body = format!("{{{more}\"model\":\"{model}\",\"messages\":[]}}");
            payload(Api::OpenAiChat, &body)
        };
        let output = |model, more| estimator.estimate(&call(model, more), None).output;
        for _ in 0..100 {
            estimator.lesson(&call("llama3:latest", r#""n":2,"#)).expect("text").learn(2000);
        }
        assert!((990..=1000).contains(&output("llama3", "")), "{}", output("llama3", ""));
        assert_eq!((output("other", ""), output("llama3", r#""max_tokens":16,"#)), (256, 16));
    }

    #[test]
    fn embeddings_have_no_output_and_teach_nothing() {
        assert_eq!(expected(Api::OpenAiEmbeddings, r#"{"model":"m","input":"eight by"}"#), (6, 0));
        assert_eq!(output_of_bytes(Api::OllamaEmbed, 10_000, true), 0);
        let embeddings = payload(Api::OpenAiEmbeddings, r#"{"model":"m","input":"eight by"}"#);
        assert!(Estimator::default().lesson(&embeddings).is_none());
    }
}
