use serde_json::value::RawValue;

/// Texts to be turned into vectors.
#[derive(Debug)]
pub(in crate::translate) struct Embed<'a> {
    /// A text, or a list of texts.
    pub(in crate::translate) input: &'a RawValue,
    pub(in crate::translate) dimensions: Option<&'a RawValue>,
}

/// The vectors of an embeddings answer, in order, and the input tokens.
#[derive(Debug)]
pub(in crate::translate) struct Embeddings {
    pub(in crate::translate) vectors: Vec<Box<RawValue>>,
    pub(in crate::translate) input: u64,
}
