use attach_core::Payload;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::translate::canonical::Embeddings;
use crate::translate::fields::text;

/// How a caller wants vectors written: OpenAI's `encoding_format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Float,
    /// The numbers as little-endian 32-bit floats, in base64; what OpenAI's own clients ask for.
    Base64,
}

impl Encoding {
    /// What the call asks for.
    pub(crate) fn of(payload: &Payload) -> Self {
        match text(payload.document().root(), "encoding_format").as_deref() {
            Some("base64") => Self::Base64,
            _ => Self::Float,
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    object: &'static str,
    data: Vec<Item<'a>>,
    model: &'a str,
    usage: Usage,
}

#[derive(Serialize)]
struct Item<'a> {
    object: &'static str,
    index: usize,
    embedding: Vector<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Vector<'a> {
    Numbers(&'a RawValue),
    Base64(String),
}

#[derive(Serialize)]
struct Usage {
    prompt_tokens: u64,
    total_tokens: u64,
}

/// The answer of `POST /v1/embeddings`; `None` if a vector is none.
pub(crate) fn write_embeddings_answer(from: &Embeddings, model: &str, encoding: Encoding) -> Option<Bytes> {
    let item = |(index, raw)| Some(Item { object: "embedding", index, embedding: vector(raw, encoding)? });
    let data = from.vectors.iter().map(|raw| &**raw).enumerate().map(item).collect::<Option<_>>()?;
    let usage = Usage { prompt_tokens: from.input, total_tokens: from.input };
    serde_json::to_vec(&Body { object: "list", data, model, usage }).ok().map(Bytes::from)
}

fn vector(raw: &RawValue, encoding: Encoding) -> Option<Vector<'_>> {
    match encoding {
        Encoding::Float => Some(Vector::Numbers(raw)),
        Encoding::Base64 => {
            let numbers: Vec<f32> = serde_json::from_str(raw.get()).ok()?;
            let bytes: Vec<u8> = numbers.into_iter().flat_map(f32::to_le_bytes).collect();
            Some(Vector::Base64(STANDARD.encode(bytes)))
        }
    }
}
