use attach_core::Rejection;
use attach_core::json::{Kind, Value};

use crate::translate::canonical::{Embed, Losses};
use crate::translate::fields::{raw, set};

/// `encoding_format` is for the answer, which the gateway encodes itself.
const KNOWN: [&str; 4] = ["model", "input", "dimensions", "encoding_format"];

/// Reads the body of `POST /v1/embeddings`.
///
/// # Errors
///
/// When the input is token ids: they mean something to one tokenizer only.
pub(crate) fn read_embed<'a>(root: Value<'a>, losses: &mut Losses) -> Result<Embed<'a>, Rejection> {
    let missing = || Rejection::bad_request("invalid_request", "`input` is missing").with_param("$.input");
    let input = set(root, "input").ok_or_else(missing)?;
    if input.kind() != Kind::String && input.elements().any(|element| element.kind() != Kind::String) {
        return Err(Losses::content("input"));
    }
    let mut unknown = root.members().filter(|(name, value)| !KNOWN.contains(&&**name) && !value.is_null());
    unknown.try_for_each(|(name, _)| losses.setting(&name))?;
    let dimensions = set(root, "dimensions").and_then(raw);
    Ok(Embed { input: raw(input).ok_or_else(missing)?, dimensions })
}
