//! Ranges of a text.

use std::collections::BTreeMap;
use std::ops::Range;

/// Ranges of a text, those that touch as one: first byte and the one after the last.
#[derive(Debug, Default)]
pub(super) struct Spans(BTreeMap<usize, usize>);

impl Spans {
    pub(super) fn insert(&mut self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let Range { mut start, mut end } = range;
        if let Some((before, upto)) = self.0.range(..=start).next_back().filter(|(_, upto)| **upto >= start) {
            (start, end) = (*before, end.max(*upto));
        }
        while let Some((after, upto)) = self.0.range(start..=end).next().map(|(at, upto)| (*at, *upto)) {
            self.0.remove(&after);
            end = end.max(upto);
        }
        self.0.insert(start, end);
    }

    /// What of them lies in the part `piece` of the text, counted from there on.
    pub(super) fn within(&self, piece: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let first = self.0.range(..=piece.start).next_back().map_or(piece.start, |(start, _)| *start);
        let spans = self.0.range(first..piece.end.max(first)).map(|(start, end)| *start..*end);
        spans
            .filter(move |span| span.end > piece.start && span.start < piece.end)
            .map(move |span| span.start.saturating_sub(piece.start)..span.end.min(piece.end) - piece.start)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Range<usize>> {
        self.0.iter().map(|(start, end)| *start..*end)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Range<usize>> for Spans {
    fn from_iter<I: IntoIterator<Item = Range<usize>>>(ranges: I) -> Self {
        let mut spans = Self::default();
        ranges.into_iter().for_each(|range| spans.insert(range));
        spans
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(ranges: &[(usize, usize)]) -> Spans {
        ranges.iter().map(|(from, to)| *from..*to).collect()
    }

    fn pairs(ranges: impl Iterator<Item = Range<usize>>) -> Vec<(usize, usize)> {
        ranges.map(|range| (range.start, range.end)).collect()
    }

    #[test]
    fn ranges_that_touch_are_one() {
        let all = spans(&[(8, 9), (2, 4), (12, 14), (4, 6), (3, 3), (13, 20)]);
        assert_eq!(pairs(all.iter()), [(2, 6), (8, 9), (12, 20)]);
        let all = spans(&[(5, 6), (1, 2), (3, 4), (0, 9)]);
        assert_eq!(pairs(all.iter()), [(0, 9)]);
        assert!(!all.is_empty() && spans(&[(3, 3)]).is_empty());
    }

    #[test]
    fn a_piece_has_its_part_of_them() {
        let all = spans(&[(2, 6), (8, 9), (12, 20)]);
        assert_eq!(pairs(all.within(4..14)), [(0, 2), (4, 5), (8, 10)]);
        assert_eq!(pairs(all.within(15..16)), [(0, 1)]);
        for none in [6..8, 20..30, 0..2] {
            assert_eq!(pairs(all.within(none)), []);
        }
    }
}
