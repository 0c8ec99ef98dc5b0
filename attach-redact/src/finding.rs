use std::ops::Range;

use crate::Entity;

/// Something found in a text.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// Where, in bytes; on character boundaries.
    pub range: Range<usize>,
    /// What it is.
    pub entity: Entity,
    /// How sure, from 0 to 1. What is below 0.4 is not acted on.
    pub score: f32,
    /// What it rests on, for overlaps.
    pub(crate) strength: Strength,
}

/// What a finding rests on: decides which of two overlapping ones names the union.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strength {
    /// Its form.
    Form,
    /// A prefix that only this kind of secret has.
    Prefix,
    /// A check digit that holds.
    Checksum,
}

impl Finding {
    /// A finding of `entity` at the bytes `range`.
    #[must_use]
    pub fn new(range: Range<usize>, entity: Entity, score: f32) -> Self {
        Self { range, entity, score, strength: Strength::Form }
    }

    pub(crate) fn strong(range: Range<usize>, entity: Entity, score: f32, strength: Strength) -> Self {
        Self { range, entity, score, strength }
    }

    /// The finding with a certain value makes no sense to compare for order; this is what wins a union.
    fn rank(&self) -> (Strength, usize, std::cmp::Reverse<usize>, u8) {
        let length = self.range.len();
        (self.strength, length, std::cmp::Reverse(self.range.start), self.entity.priority())
    }
}

/// What scores less is not acted on.
pub(crate) const THRESHOLD: f32 = 0.4;

/// Makes of `found` a list of disjoint findings in order. Whatever overlaps is united, so that no tail is left, and
/// the union bears the name of its strongest part.
pub(crate) fn resolve(mut found: Vec<Finding>) -> Vec<Finding> {
    found.retain(|finding| finding.score >= THRESHOLD && !finding.range.is_empty());
    found.sort_by_key(|finding| (finding.range.start, finding.range.end));
    let mut resolved: Vec<Finding> = Vec::with_capacity(found.len());
    let mut winner: Option<Finding> = None;
    for next in found {
        match (resolved.last_mut(), &mut winner) {
            (Some(union), Some(best)) if next.range.start < union.range.end => {
                let end = union.range.end.max(next.range.end);
                if next.rank() > best.rank() {
                    *union = Finding { range: union.range.clone(), ..next.clone() };
                    *best = next;
                }
                union.range.end = end;
            }
            _ => {
                winner = Some(next.clone());
                resolved.push(next);
            }
        }
    }
    resolved
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(range: Range<usize>, entity: Entity) -> Finding {
        Finding::new(range, entity, 0.5)
    }

    #[test]
    fn overlapping_findings_become_one_without_a_tail() {
        let card = Finding::strong(10..26, Entity::CreditCard, 1.0, Strength::Checksum);
        let resolved = resolve(vec![plain(20..40, Entity::Email), card, plain(50..60, Entity::Phone)]);
        assert_eq!(resolved.len(), 2);
        assert_eq!((resolved[0].range.clone(), &resolved[0].entity), (10..40, &Entity::CreditCard));
        assert_eq!(resolved[1].range, 50..60);
    }

    #[test]
    fn longer_wins_then_the_more_specific() {
        let resolved = resolve(vec![plain(0..11, Entity::Phone), plain(0..11, Entity::UsSsn)]);
        assert_eq!(resolved[0].entity, Entity::UsSsn);
        let resolved = resolve(vec![plain(4..9, Entity::Email), plain(0..12, Entity::Person)]);
        assert_eq!(resolved[0].entity, Entity::Person);
    }

    #[test]
    fn what_is_unlikely_is_left_out() {
        assert!(resolve(vec![Finding::new(0..3, Entity::Phone, 0.3)]).is_empty());
    }
}
