//! What is never found, whatever it looks like.

use std::collections::HashSet;

use super::{Pattern, Readings, Reads};

/// Values, and patterns of them.
#[derive(Debug, Default)]
pub(crate) struct Exempt {
    values: HashSet<String>,
    patterns: Vec<Pattern>,
}

impl Exempt {
    pub(crate) fn add(&mut self, values: impl IntoIterator<Item = String>) {
        self.values.extend(values);
    }

    /// Exempts values that are one match of `regex` from end to end.
    pub(crate) fn add_pattern(&mut self, regex: &str) -> Result<(), Box<str>> {
        // By itself first: a parenthesis too many would close ours.
        Pattern::foreign(regex)?;
        let pattern = Pattern::foreign_all(regex)?;
        // What takes a digit, a letter and an address alike says nothing of what it is for.
        if ["7", "x", "jane@example.com", "4111 1111 1111 1111"].iter().all(|any| pattern.is_match(any)) {
            return Err("it exempts everything".into());
        }
        self.patterns.push(pattern);
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.patterns.is_empty()
    }

    /// Whether `value` is exempt, as it is written or as it reads.
    pub(crate) fn has(&self, value: &str) -> bool {
        let is_one =
            |value: &str| self.values.contains(value) || self.patterns.iter().any(|one| one.is_match(value));
        !self.is_empty()
            && (is_one(value)
                || Readings::of(value, Reads::Json).is_some_and(|readings| readings.texts().any(is_one)))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Entity, Redactor};

    fn found(patterns: &[&str], text: &str) -> Vec<Entity> {
        let builder =
            patterns.iter().try_fold(Redactor::builder().key(b"0123456789abcdef"), |builder, one| {
                builder.exempt_pattern(one)
            });
        let redactor = builder.expect("patterns that can be ones").build().expect("builds");
        redactor.find(text).into_iter().map(|finding| finding.entity).collect()
    }

    #[test]
    fn a_value_that_a_pattern_describes_from_end_to_end_is_not_found() {
        let ours = [r"[a-z.]+@(?:help\.)?example\.com", r"(?i)\+49 30 901820|e"];
        for text in ["support@example.com", "to a.b@help.example.com, please", "call +49 30 901820"] {
            assert!(found(&ours, text).is_empty(), "{text}");
        }
        for text in [
            "support@example.com.org",
            "bob+support@example.com",
            "support@example.community",
            "call +49 30 901821",
            "Support@example.com",
        ] {
            assert_eq!(found(&ours, text).len(), 1, "{text}");
        }
    }

    #[test]
    fn what_stands_beside_an_exempt_value_or_has_it_inside_is_found() {
        let ours = [r"support@example\.com"];
        let text = "support@example.com and bob@example.com";
        assert_eq!(found(&ours, text), [Entity::Email]);
        assert_eq!(found(&ours, "https://x:support@example.com:y@db.example/").len(), 1);
    }

    #[test]
    fn a_search_that_is_given_up_exempts_nothing() {
        let slow = r"(?:[a-z]|[a-z][a-z]){1,60}(?<=0)@example\.com";
        assert_eq!(found(&[slow], &format!("{}@example.com", "a".repeat(60))), [Entity::Email]);
    }

    #[test]
    fn a_value_behind_escapes_is_exempt_as_it_reads() {
        let ours = [r"support@example\.com"];
        assert!(found(&ours, r"support\u0040example.com").is_empty());
        assert!(found(&ours, r"s\u0075pport\\u0040example.com").is_empty());
        assert_eq!(found(&ours, r"support\u0040example.com, bob\u0040example.com").len(), 1);
    }

    #[test]
    fn a_pattern_that_exempts_everything_or_cannot_be_one_is_refused() {
        for pattern in [".*", ".+", r"[\s\S]{1,99}", "[a-z", "a)|(b", "", &"a".repeat(2000)] {
            assert!(Redactor::builder().exempt_pattern(pattern).is_err(), "{pattern}");
        }
        let said = Redactor::builder().exempt_pattern(".+").expect_err("refused").to_string();
        assert_eq!(said, "exempt pattern: it exempts everything");
    }
}
