//! An answer that is no stream.

use std::hash::RandomState;

use attach_core::Rejection;
use attach_core::json::{Document, Edit};
use bytes::Bytes;

use super::leaves::leaves;
use super::mask::{Escape, masked};
use super::tokens::without_tokens;
use super::{Judge, uninspected, withheld};

/// The answer with what must not be shown masked; if it is blocked, one of its dialect that a content filter has ended.
///
/// # Errors
///
/// When it cannot be looked at.
pub(crate) async fn whole(judge: Judge, bytes: Bytes) -> Result<Bytes, Rejection> {
    let unreadable = |_| uninspected("the answer is no strict JSON");
    let document = Document::parse(bytes.clone()).map_err(unreadable).inspect_err(|_| judge.overrule())?;
    let leaves = leaves(judge.api, document.root(), &[], &RandomState::new());
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
    let mut edits: Vec<Edit> = Vec::new();
    for (leaf, ranges) in leaves.iter().zip(&masks).filter(|(_, ranges)| !ranges.is_empty()) {
        let spans = ranges.iter().cloned().collect();
        let text = masked(&leaf.text, &spans, leaf.form, &mut Escape::default());
        edits.push(leaf.form.edit(leaf.node, leaf.is_key, text));
    }
    if edits.is_empty() {
        return Ok(bytes);
    }
    edits.extend(without_tokens(&document));
    let spliced = document.splice(&edits).map_err(|_| uninspected("what is masked makes the answer no JSON"));
    Ok(spliced.inspect_err(|_| judge.overrule())?.bytes().clone())
}
