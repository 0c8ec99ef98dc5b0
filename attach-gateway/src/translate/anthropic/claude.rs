/// What a model takes, as far as its name says.
///
/// Only Claude's past is listed here: a name that is not, and every later one, is taken for a model of today. Other
/// servers of this API are taken for what the API was at first, which they implement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claude {
    /// It thinks as much as it finds right, at an effort; else it is given a budget of tokens.
    pub(super) adaptive: bool,
    pub(super) sampling: Sampling,
    /// Claude's own rules of thinking hold.
    pub(super) is_claude: bool,
}

/// Which of `temperature`, `top_p` and `top_k` may be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sampling {
    Any,
    /// `temperature` or `top_p`, not both: since Claude 4.1.
    One,
    /// None of them: since Claude 4.7.
    None,
}

impl Claude {
    /// Claude thinks adaptively since 4.6 and in no other way since 4.7, which takes no sampling parameters either.
    /// Source: Claude documentation, "Adaptive thinking" and "Migration guide".
    pub(super) fn of(model: &str) -> Self {
        let model = model.to_ascii_lowercase();
        let Some((_, name)) = model.split_once("claude") else {
            return Self { adaptive: false, sampling: Sampling::Any, is_claude: false };
        };
        let version = version(name);
        let sampling = if version <= (4, 6) { Sampling::One } else { Sampling::None };
        Self { adaptive: version >= (4, 6), sampling, is_claude: true }
    }
}

/// `-opus-4-1-20250805` is 4.1 and `-3-7-sonnet-latest` is 3.7: dates are longer than versions. A name without
/// a version is of today.
fn version(name: &str) -> (u32, u32) {
    let mut words =
        name.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let number = |word: &str| (word.len() <= 2).then(|| word.parse::<u32>().ok()).flatten();
    let Some(major) = words.by_ref().find_map(number) else { return (u32::MAX, 0) };
    (major, words.next().and_then(number).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_how_old_a_model_is() {
        for (name, expected) in [
            ("-opus-4-20250514", (4, 0)),
            ("-opus-4-1-20250805", (4, 1)),
            ("-3-7-sonnet-latest", (3, 7)),
            ("-haiku-4-5@20251001", (4, 5)),
            ("-opus-4.6", (4, 6)),
            ("-fable-5", (5, 0)),
        ] {
            assert_eq!(version(name), expected, "{name}");
        }
        assert!(version("-mythos-preview") > (100, 0));
    }

    #[test]
    fn what_a_model_takes_follows_from_its_age() {
        let taken = |model| {
            let claude = Claude::of(model);
            (claude.adaptive, claude.sampling, claude.is_claude)
        };
        assert_eq!(taken("claude-sonnet-4-5"), (false, Sampling::One, true));
        assert_eq!(taken("anthropic/claude-opus-4.6"), (true, Sampling::One, true));
        assert_eq!(taken("Claude-Opus-4-7"), (true, Sampling::None, true));
        assert_eq!(taken("qwen3:8b"), (false, Sampling::Any, false));
    }
}
