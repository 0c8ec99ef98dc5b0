use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::translate::canonical::{Embed, Embeddings};

/// The body of `POST /api/embed`. Ollama shortens what is too long for the model unless it is told not to, which no
/// other server does: an error is better than the vector of half a text.
pub(crate) fn write_embed(embed: &Embed<'_>, model: &str) -> Bytes {
    #[derive(Serialize)]
    struct Body<'a> {
        model: &'a str,
        input: &'a RawValue,
        truncate: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        dimensions: Option<&'a RawValue>,
    }
    let Embed { input, dimensions } = *embed;
    let body = Body { model, input, truncate: false, dimensions };
    // Writing into memory fails only for a map key that is not a string, and there is no map.
    serde_json::to_vec(&body).map(Bytes::from).unwrap_or_default()
}

/// Reads an answer of `POST /api/embed`; `None` if it is not one.
pub(crate) fn read_embeddings(bytes: &[u8]) -> Option<Embeddings> {
    #[derive(Deserialize)]
    struct Body {
        embeddings: Vec<Box<RawValue>>,
        prompt_eval_count: Option<u64>,
    }
    let body: Body = serde_json::from_slice(bytes).ok()?;
    Some(Embeddings { vectors: body.embeddings, input: body.prompt_eval_count.unwrap_or(0) })
}
