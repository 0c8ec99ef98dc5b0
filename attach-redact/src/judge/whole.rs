//! An answer that is no stream.

use std::collections::HashSet;
use std::hash::RandomState;

use attach_core::Rejection;
use attach_core::json::{Document, Edit};
use bytes::Bytes;

use super::leaves::{Found, Leaf, found};
use super::mask::{Escape, Form, masked};
use super::silenced::silenced;
use super::sound::Transcript;
use super::{Judge, uninspected, withheld};

/// The answer with what must not be shown masked; if it is blocked, one of its dialect that a content filter has ended.
///
/// # Errors
///
/// When it cannot be looked at.
pub(crate) async fn whole(judge: Judge, bytes: Bytes) -> Result<Bytes, Rejection> {
    let unreadable = |_| uninspected("the answer is no strict JSON");
    let document = Document::parse(bytes.clone()).map_err(unreadable).inspect_err(|_| judge.overrule())?;
    let Found { leaves, sounds } = found(judge.api, document.root(), &[], &RandomState::new());
    if sounds.iter().any(|sound| matches!(sound.transcript, Transcript::None)) {
        judge.overrule();
        return Err(uninspected("the answer has sound without a transcript"));
    }
    let leaves = once(leaves);
    if leaves.is_empty() {
        return Ok(bytes);
    }
    let texts = leaves.iter().map(|leaf| leaf.text.clone()).collect();
    let masks = match judge.clone().look(texts).await {
        Ok(masks) => masks,
        Err(rejection) => {
            judge.overrule();
            if rejection.code() != "content_blocked" {
                return Err(rejection);
            }
            let answer = withheld::answer(judge.api, &bytes);
            return Ok(rejection.with_terminal_event(answer).into_terminal_event(&judge.exchange));
        }
    };
    if masks.iter().all(Vec::is_empty) {
        return Ok(bytes);
    }
    let mut edits: Vec<Edit> = Vec::new();
    for (leaf, ranges) in leaves.iter().zip(&masks).filter(|(_, ranges)| !ranges.is_empty()) {
        let spans = ranges.iter().cloned().collect();
        let text = masked(&leaf.text, &spans, leaf.form, &mut Escape::default());
        edits.extend(leaf.form.edit(leaf.node, leaf.is_key, text));
    }
    let silenced = silenced(&document, &sounds, edits);
    let silenced = silenced.map_err(|_| uninspected("what is masked makes the answer no JSON"));
    Ok(silenced.inspect_err(|_| judge.overrule())?.bytes().clone())
}

/// Without tokens that say what a text does.
fn once(mut leaves: Vec<Leaf>) -> Vec<Leaf> {
    let are_tokens = |leaf: &Leaf| leaf.form == Form::Tokens;
    let texts: HashSet<String> =
        leaves.iter().filter(|leaf| !are_tokens(leaf)).map(|leaf| leaf.text.clone()).collect();
    leaves.retain(|leaf| !are_tokens(leaf) || !texts.contains(&leaf.text));
    leaves
}
