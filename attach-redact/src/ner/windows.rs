use std::ops::Range;

use super::tokenizer::Word;

/// Words that a model reads together, by their places in the list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) read: Range<usize>,
    /// Those of them that are decided here: the others have more around them in a neighbouring window.
    pub(super) decided: Range<usize>,
}

/// Cuts `words` into windows of at most `room` tokens, of which some `overlap` are in the next one as well; `None` if
/// that takes more than `most`. Every word is decided in exactly one.
pub(super) fn windows(words: &[Word], room: usize, overlap: usize, most: usize) -> Option<Vec<Window>> {
    let mut windows = Vec::new();
    let (mut start, mut decided) = (0, 0);
    while start < words.len() {
        if windows.len() == most {
            return None;
        }
        let end = start + fitting(words.iter().skip(start), room).max(1);
        // Back from the end, but on from the start.
        let again = fitting(words.iter().take(end).rev(), overlap).min(end - start - 1);
        let next = if end == words.len() { end } else { end - again };
        let until = if end == words.len() { end } else { next + again / 2 };
        windows.push(Window { read: start..end, decided: decided..until });
        (start, decided) = (next, until);
    }
    Some(windows)
}

/// How many of the first `words` have no more than `room` tokens.
fn fitting<'w>(words: impl Iterator<Item = &'w Word>, room: usize) -> usize {
    let mut used = 0;
    words
        .take_while(|word| {
            used += word.tokens.len();
            used <= room
        })
        .count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(lengths: &[usize]) -> Vec<Word> {
        let mut at = 0;
        let word = |length: &usize| {
            let tokens = at..at + length;
            at = tokens.end;
            Word { range: 0..0, tokens }
        };
        lengths.iter().map(word).collect()
    }

    #[test]
    fn neighbours_overlap_and_share_what_is_in_both() {
        let windows = windows(&words(&[1; 10]), 6, 2, 9).unwrap();
        let both: Vec<_> = windows.into_iter().map(|window| (window.read, window.decided)).collect();
        assert_eq!(both, [(0..6, 0..5), (4..10, 5..10)]);
    }

    #[test]
    fn a_text_of_too_many_windows_is_refused() {
        assert!(windows(&words(&[1; 100]), 10, 2, 12).is_none());
        assert!(windows(&[], 10, 2, 0).is_some_and(|none| none.is_empty()));
    }

    proptest! {
        #[test]
        fn every_word_is_decided_once_in_a_window_that_reads_it(
            lengths in prop::collection::vec(1..12_usize, 0..80),
            room in 1..40_usize,
            overlap in 0..20_usize,
        ) {
            let overlap = overlap.min(room / 2);
            let mut next = 0;
            for window in windows(&words(&lengths), room, overlap, usize::MAX).unwrap() {
                prop_assert_eq!(window.decided.start, next);
                prop_assert!(window.decided.end >= next);
                prop_assert!(window.read.start <= next && window.decided.end <= window.read.end);
                next = window.decided.end;
            }
            prop_assert_eq!(next, lengths.len());
        }
    }
}
