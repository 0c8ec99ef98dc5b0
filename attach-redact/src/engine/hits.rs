//! What is found in a text, and what the recognizers know of it meanwhile.

use std::ops::Range;

use super::context::{Places, Topic, Topics};
use super::{Engine, code};
use crate::budget::Watch;
use crate::entity::EntitySet;
use crate::finding::Strength;
use crate::{Entity, Finding};

/// What is found in one text so far.
pub(crate) struct Hits<'t> {
    pub(crate) text: &'t str,
    pub(super) found: Vec<Finding>,
    pub(super) wanted: EntitySet,
    pub(super) code: Vec<Range<usize>>,
    pub(super) places: Places,
    /// The groups of digits that are looked at: one buffer for all of them.
    pub(super) groups: Vec<Range<usize>>,
    /// How many numbers may still be checked against numbering plans.
    pub(super) checks: usize,
    /// How far secrets were found: what begins before belongs to one.
    pub(super) secret: usize,
    pub(super) watch: Watch<'t>,
}

impl<'t> Hits<'t> {
    pub(super) fn new(engine: &Engine, text: &'t str) -> Self {
        Self {
            text,
            found: Vec::new(),
            wanted: engine.wanted,
            code: code::ranges(text),
            places: Places::default(),
            groups: Vec::new(),
            checks: 32 + text.len() / 64,
            secret: 0,
            watch: Watch::default(),
        }
    }

    /// Whether a word that names `entity` stands shortly before `at`, in the same clause.
    pub(crate) fn is_about(&self, entity: &Entity, at: usize) -> bool {
        Topic::of(entity).is_some_and(|topic| self.places.precede(self.text, at, topic))
    }

    /// Whether a word that names `entity` stands shortly before `at`, be it in the sentence before.
    pub(crate) fn is_near(&self, entity: &Entity, at: usize) -> bool {
        Topic::of(entity).is_some_and(|topic| self.places.are_near(at, topic))
    }

    /// Whether the number at `at` is called the version of something.
    pub(crate) fn is_version(&self, at: usize) -> bool {
        self.places.precede(self.text, at, Topic::VERSION)
    }

    /// What is talked of in `window` and shortly before it.
    pub(crate) fn topics_near(&self, window: &Range<usize>) -> Topics {
        self.places.topics(window)
    }

    /// Whether one more costly check may be made. Who hasn't one must find.
    pub(crate) fn may_check(&mut self) -> bool {
        let may = self.checks > 0;
        self.checks = self.checks.saturating_sub(1);
        may
    }

    /// Takes a secret down.
    pub(crate) fn push_secret(&mut self, finding: Finding) {
        self.secret = self.secret.max(finding.range.end);
        self.push(finding);
    }

    /// Whether `at` lies in a secret that was found.
    pub(crate) fn is_secret(&self, at: usize) -> bool {
        at < self.secret
    }

    /// Whether what was found last says all of what `run` is.
    pub(super) fn is_explained(&self, run: &Range<usize>) -> bool {
        let certain = |last: &Finding| last.score >= 0.85 || last.strength > Strength::Form;
        self.found
            .last()
            .is_some_and(|last| last.range.start <= run.start && run.end <= last.range.end && certain(last))
    }

    pub(crate) fn push(&mut self, finding: Finding) {
        self.found.push(finding);
    }

    /// Takes down what was looked at; gives whether looking is to be broken off.
    pub(crate) fn is_late_after(&mut self, steps: u32) -> bool {
        self.watch.spend(steps);
        self.watch.is_late()
    }

    /// Whether `entity` is looked for.
    pub(crate) fn wants(&self, entity: &Entity) -> bool {
        self.wanted.contains(entity)
    }

    /// Takes all of `window` for an `entity`: what could not be searched does not leave.
    pub(crate) fn give_up(&mut self, window: &Range<usize>, entity: Entity) -> bool {
        self.push(Finding::new(window.clone(), entity, 1.0));
        true
    }

    pub(crate) fn is_code(&self, at: usize) -> bool {
        let next = self.code.partition_point(|range| range.end <= at);
        self.code.get(next).is_some_and(|range| range.start <= at)
    }
}
