//! What is looked for only on request and begins otherwise than identifiers do: dates, street addresses, URLs, UUIDs.

use std::ops::Range;

use crate::Entity;
use crate::engine::Hits;

mod dates;
mod domains;
mod links;
mod streets;
mod uuid;

use self::dates::Dates;
use self::streets::Streets;

/// The recognizers that are wanted.
pub(crate) struct Extras {
    dates: Option<Dates>,
    streets: Option<Streets>,
    dots: bool,
    hyphens: bool,
    words: Vec<(&'static str, &'static Entity)>,
}

/// How far each looked: nothing is found twice.
#[derive(Default)]
pub(crate) struct Seen {
    dates: usize,
    streets: streets::Seen,
    links: usize,
}

const STREETS: [(&[&str], Entity); 1] = [(streets::WORDS, Entity::StreetAddress)];

impl Extras {
    pub(crate) fn new(wants: impl Fn(&Entity) -> bool) -> Result<Self, Box<str>> {
        let (all, births) = (wants(&Entity::DateTime), wants(&Entity::DateOfBirth));
        let words = dates::WORDS.iter().chain(&STREETS).filter(|(_, entity)| wants(entity));
        Ok(Self {
            dates: if all || births { Some(Dates::new(all)?) } else { None },
            streets: if wants(&Entity::StreetAddress) { Some(Streets::new()?) } else { None },
            dots: wants(&Entity::Url),
            hyphens: wants(&Entity::Uuid),
            words: words.flat_map(|(words, entity)| words.iter().map(move |word| (*word, entity))).collect(),
        })
    }

    /// Whether hyphens and dots matter.
    pub(crate) fn wants_joints(&self) -> bool {
        self.dots || self.hyphens
    }

    /// Whether groups of digits matter.
    pub(crate) fn wants_digits(&self) -> bool {
        self.dates.is_some() || self.streets.is_some()
    }

    /// The words that say what a date is.
    pub(crate) fn words(&self) -> impl Iterator<Item = (&'static str, &'static Entity)> {
        self.words.iter().copied()
    }

    /// Looks at what a group of digits may be part of.
    #[inline(never)]
    pub(crate) fn digits(&self, hits: &mut Hits<'_>, group: &Range<usize>, seen: &mut Seen) {
        if let Some(dates) = &self.dates
            && group.start >= seen.dates
        {
            seen.dates = dates.scan(hits, group, seen.dates);
        }
        if let Some(streets) = &self.streets {
            streets.scan(hits, group, &mut seen.streets);
        }
    }

    /// Looks at what a hyphen or a dot at `at` may be part of.
    #[inline(never)]
    pub(crate) fn joint(&self, hits: &mut Hits<'_>, at: usize, seen: &mut Seen) {
        match hits.text.as_bytes().get(at) {
            Some(b'.') if self.dots && at >= seen.links => seen.links = links::scan(hits, at, seen.links),
            Some(b'-') if self.hyphens => uuid::scan(hits, at),
            _ => {}
        }
    }
}
