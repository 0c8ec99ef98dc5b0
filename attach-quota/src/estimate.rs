//! What a call will use, before anybody has counted, and what it used where nobody could count.

use attach_core::call::Modality;
use attach_core::{Api, Payload, Usage};

/// Bytes of English in a token, which is the rule of thumb in every tokenizer's documentation. Token ids are about as
/// long in JSON.
const BYTES_PER_TOKEN: u64 = 4;

/// Role and separators of a message.
const TOKENS_PER_LEAF: u64 = 4;

/// A picture of a megapixel costs 700 to 1,600 with the public providers; sound and files vary more.
const TOKENS_PER_ATTACHMENT: u64 = 1000;

/// What an answer is taken to need at first. Most need less, and the rest is debt.
const TYPICAL_OUTPUT: u64 = 256;

/// Compressed text has about half the bytes.
const COMPRESSED_BYTES_PER_TOKEN: u64 = 2;

/// What a call is expected to use.
pub(crate) fn estimate(payload: &Payload) -> Usage {
    let mut usage = Usage::default();
    usage.input = input(payload);
    usage.output = output(payload);
    usage
}

fn input(payload: &Payload) -> u64 {
    let call = payload.call();
    let text = of_bytes(call.text_bytes as u64);
    let leaves = (call.leaves.len() as u64).saturating_mul(TOKENS_PER_LEAF);
    let opaque = call.opaque.iter().map(|opaque| match opaque.modality {
        Modality::Image | Modality::Audio | Modality::Video | Modality::File => TOKENS_PER_ATTACHMENT,
        _ => of_bytes(payload.document().value(opaque.node).raw().len() as u64),
    });
    opaque.fold(text.saturating_add(leaves), u64::saturating_add)
}

fn output(payload: &Payload) -> u64 {
    let call = payload.call();
    if !produces_text(call.api) {
        return 0;
    }
    let cap = call.output_cap.unwrap_or(TYPICAL_OUTPUT).min(TYPICAL_OUTPUT);
    cap.saturating_mul(u64::from(call.choices))
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

    fn expected(api: Api, body: &'static str) -> (u64, u64) {
        let payload = Payload::parse(api, body.as_bytes().into()).expect("a call");
        let estimate = estimate(&payload);
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
            assert_eq!(expected(Api::OpenAiChat, body.leak()), (0, output), "{settings}");
        }
    }

    #[test]
    fn embeddings_have_no_output() {
        assert_eq!(expected(Api::OpenAiEmbeddings, r#"{"model":"m","input":"eight by"}"#), (6, 0));
        assert_eq!(output_of_bytes(Api::OllamaEmbed, 10_000, true), 0);
    }

    #[test]
    fn what_is_no_text_is_not_free() {
        let ids = r#"{"model":"m","input":[9906,11,1917,0,9906,11,1917]}"#;
        assert_eq!(expected(Api::OpenAiEmbeddings, ids).0, 8);
        let image = r#"{"model":"m","messages":[{"role":"user","content":[
            {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]}"#;
        assert!(expected(Api::OpenAiChat, image).0 >= 1000);
    }
}
