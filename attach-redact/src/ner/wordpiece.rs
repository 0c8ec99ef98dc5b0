use std::collections::HashMap;

/// A vocabulary of whole words and of pieces that go on from the one before: WordPiece, greedily the longest first.
#[derive(Debug)]
pub(super) struct WordPiece {
    whole: HashMap<Box<str>, i32>,
    inner: HashMap<Box<str>, i32>,
    /// Stands for what the vocabulary cannot spell.
    unknown: i32,
    /// Bytes of the longest entry.
    longest: usize,
    /// Characters of the longest word that is looked up.
    most_chars: usize,
}

impl WordPiece {
    /// Of `entries`, what goes on is marked by `prefix`; a word of more than `most_chars` characters is unknown.
    pub(super) fn new<T: AsRef<str>>(
        entries: impl IntoIterator<Item = (T, i32)>,
        prefix: &str,
        unknown: &str,
        most_chars: usize,
    ) -> Result<Self, Box<str>> {
        let (mut whole, mut inner) = (HashMap::new(), HashMap::new());
        let mut longest = 0;
        for (entry, id) in entries {
            let entry = entry.as_ref();
            longest = longest.max(entry.len());
            if let Some(piece) = entry.strip_prefix(prefix).filter(|piece| !piece.is_empty()) {
                inner.insert(piece.into(), id);
            }
            whole.insert(entry.into(), id);
        }
        let unknown = *whole.get(unknown).ok_or_else(|| format!("the vocabulary has no {unknown:?}"))?;
        Ok(Self { whole, inner, unknown, longest, most_chars })
    }

    /// The number of an entry that stands for itself.
    pub(super) fn id(&self, entry: &str) -> Option<i32> {
        self.whole.get(entry).copied()
    }

    /// The highest number there is.
    pub(super) fn highest(&self) -> i32 {
        self.whole.values().copied().max().unwrap_or(0)
    }

    /// Spells `word`, which isn't empty: at least one number, and one alone if it cannot be spelled.
    pub(super) fn spell(&self, word: &str, into: &mut Vec<i32>) {
        let before = into.len();
        let mut rest = word;
        let mut entries = &self.whole;
        // Of a long word no more is counted than it takes to know.
        if word.chars().nth(self.most_chars).is_some() {
            rest = "";
        }
        while let Some((piece, id)) = self.longest_of(entries, rest) {
            into.push(id);
            rest = rest.get(piece..).unwrap_or_default();
            entries = &self.inner;
        }
        if !rest.is_empty() || into.len() == before {
            into.truncate(before);
            into.push(self.unknown);
        }
    }

    /// The longest beginning of `text` among `entries`: its length and number.
    fn longest_of(&self, entries: &HashMap<Box<str>, i32>, text: &str) -> Option<(usize, i32)> {
        let ends = (1..=text.len().min(self.longest)).rev();
        ends.filter_map(|end| Some((end, text.get(..end)?)))
            .find_map(|(end, piece)| entries.get(piece).map(|id| (end, *id)))
    }
}
