use super::labels::Decision;
use super::tokenizer::Word;
use crate::{Entity, Finding};

/// Makes findings of words: those of one entity that follow each other are one, unless the next begins one of its own.
/// The score is the mean of the words'.
pub(super) fn join(words: &[Word], decided: &[Option<Decision>], entities: &[Entity]) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    let mut open: Option<Open> = None;
    for (word, decision) in words.iter().zip(decided) {
        let Some(decision) = decision else {
            open = None;
            continue;
        };
        match (&mut open, found.last_mut()) {
            (Some(open), Some(finding)) if open.entity == decision.entity && !decision.begins => {
                open.words += 1.0;
                open.sum += decision.score;
                finding.range.end = word.range.end;
                finding.score = open.sum / open.words;
            }
            _ => {
                let Some(entity) = entities.get(decision.entity) else { continue };
                found.push(Finding::new(word.range.clone(), entity.clone(), decision.score));
                open = Some(Open { entity: decision.entity, words: 1.0, sum: decision.score });
            }
        }
    }
    found
}

/// The finding that may go on.
struct Open {
    entity: usize,
    words: f32,
    sum: f32,
}
