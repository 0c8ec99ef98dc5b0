//! What says an answer once more in another form goes where something was masked in its words.

use attach_core::json::{Document, Edit, SpliceError};

use super::sound::Sound;
use super::tokens::without_tokens;

/// `document` with `edits`, and without its tokens and `sounds`.
///
/// # Errors
///
/// When it would be no JSON of one meaning.
pub(super) fn silenced(
    document: &Document,
    sounds: &[Sound],
    mut edits: Vec<Edit>,
) -> Result<Document, SpliceError> {
    edits.extend(without_tokens(document));
    edits.extend(sounds.iter().map(|sound| Edit::string(sound.node, "")));
    document.splice(&edits)
}
