//! Words before a finding that make it likelier.

/// How far back a word counts.
const REACH: usize = 64;

/// Whether one of `words`, all in lower case, begins a word shortly before `at`, on the same line or the one before.
pub(crate) fn precedes(text: &str, at: usize, words: &[&str]) -> bool {
    let start = super::pattern::ceil(text, at.saturating_sub(REACH));
    let Some(before) = text.get(start..at) else { return false };
    let before = before.to_lowercase();
    let before = clause(&before);
    words.iter().any(|word| has_word(before, word))
}

/// Whether one of `words` stands shortly before `at`, be it in the sentence before.
pub(crate) fn is_near(text: &str, at: usize, words: &[&str]) -> bool {
    let start = super::pattern::ceil(text, at.saturating_sub(REACH));
    let before = text.get(start..at).unwrap_or_default().to_lowercase();
    words.iter().any(|word| has_word(&before, word))
}

/// What stands after the last end of a sentence or paragraph.
fn clause(before: &str) -> &str {
    let cut = ["\n\n", ". ", "? ", "! ", "; "].iter().filter_map(|end| before.rfind(end)).max();
    cut.and_then(|cut| before.get(cut..)).unwrap_or(before)
}

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphabetic)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> bool {
        precedes(text, text.len(), &["phone", "call me"])
    }

    #[test]
    fn a_word_counts_within_its_clause() {
        assert!(seen("my Phone: "));
        assert!(seen("phone_number="));
        assert!(seen("Phone:\n"));
        assert!(seen("please call me on "));
        assert!(!seen("I have a phone. The order is "));
        assert!(!seen("the microphone is "));
        assert!(!seen("phone and then a lot of other words that say something about nothing much "));
    }
}
