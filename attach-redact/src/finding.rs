use std::ops::Range;

use crate::{Basis, Entity};

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
    /// What it rests on, for reports; what its strength says unless its recognizer knows more.
    pub(crate) basis: Option<Basis>,
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
        Self { range, entity, score, strength: Strength::Form, basis: None }
    }

    /// What it rests on.
    ///
    /// ```
    /// use attach_redact::{Basis, Redactor};
    ///
    /// let redactor = Redactor::builder().build()?;
    /// assert_eq!(redactor.find("card 4111 1111 1111 1111")[0].basis(), Basis::CheckDigit);
    /// # Ok::<(), attach_redact::ConfigError>(())
    /// ```
    #[must_use]
    pub fn basis(&self) -> Basis {
        self.basis.unwrap_or(match self.strength {
            Strength::Form if self.entity == Entity::Person => Basis::Name,
            Strength::Form => Basis::Form,
            Strength::Prefix => Basis::Prefix,
            Strength::Checksum => Basis::CheckDigit,
        })
    }

    pub(crate) fn strong(range: Range<usize>, entity: Entity, score: f32, strength: Strength) -> Self {
        Self { range, entity, score, strength, basis: None }
    }

    /// The finding with what it rests on.
    pub(crate) fn on(self, basis: Basis) -> Self {
        Self { basis: Some(basis), ..self }
    }

    /// The finding with a certain value makes no sense to compare for order; this is what wins a union.
    fn rank(&self) -> (Strength, usize, std::cmp::Reverse<usize>, u8) {
        let length = self.range.len();
        (self.strength, length, std::cmp::Reverse(self.range.start), self.entity.priority())
    }
}

/// What scores less is not acted on, unless its entity has a threshold of its own.
pub(crate) const THRESHOLD: f32 = 0.4;

/// Makes of `found` a list of disjoint findings in order. Whatever overlaps is united, so that no tail is left, and
/// the union bears the name of its strongest part.
pub(crate) fn resolve(mut found: Vec<Finding>) -> Vec<Finding> {
    found.retain(|finding| !finding.range.is_empty());
    found.sort_by_key(|finding| (finding.range.start, finding.range.end));
    let mut resolved: Vec<Finding> = Vec::with_capacity(found.len());
    let mut winner: Option<Finding> = None;
    for mut next in found {
        match (resolved.last_mut(), &mut winner) {
            (Some(union), Some(best)) if next.range.start < union.range.end => {
                let end = union.range.end.max(next.range.end);
                let again = [&*union, &next].iter().any(|one| one.basis() == Basis::Occurrence);
                if next.entity == union.entity && !again {
                    // Several ways to the same: the surest counts. That it stands elsewhere, too, is no way to it.
                    let score = union.score.max(next.score);
                    union.score = score;
                    next.score = score;
                }
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

/// Makes of `found` a list in which only findings of different entities overlap, and none that something with a check
/// digit or a prefix of its own already explains.
pub(crate) fn alternatives(mut found: Vec<Finding>) -> Vec<Finding> {
    let certain =
        resolve(found.iter().filter(|finding| finding.strength > Strength::Form).cloned().collect());
    found.retain(|finding| {
        let next = certain.partition_point(|other| other.range.end <= finding.range.start);
        let explained = |other: &Finding| {
            other.range.start <= finding.range.start
                && finding.range.end <= other.range.end
                && other.entity != finding.entity
                && other.strength > finding.strength
        };
        !certain.get(next).is_some_and(explained)
    });
    found.sort_by(|left, right| left.entity.cmp(&right.entity));
    let each = found.chunk_by(|left, right| left.entity == right.entity);
    let mut all: Vec<Finding> = each.flat_map(|same| resolve(same.to_vec())).collect();
    all.sort_by_key(|finding| (finding.range.start, finding.range.end));
    all
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
    fn what_may_be_two_things_is_listed_as_both() {
        let number = || vec![plain(0..10, Entity::UkNhs), plain(0..10, Entity::Phone)];
        assert_eq!(alternatives(number()).len(), 2);
        let card = Finding::strong(0..16, Entity::CreditCard, 1.0, Strength::Checksum);
        let listed = alternatives([number(), vec![card]].concat());
        assert_eq!(listed.iter().map(|finding| &finding.entity).collect::<Vec<_>>(), [&Entity::CreditCard]);
    }
}
