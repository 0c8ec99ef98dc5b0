use serde::Deserialize;

/// Whose words an engine looks at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Inspects {
    /// What the caller says, before it leaves.
    #[default]
    Requests,
    /// What a model says, before the caller sees it.
    Answers,
    /// Both.
    Both,
}

impl Inspects {
    /// Whether requests are looked at.
    #[must_use]
    pub fn requests(self) -> bool {
        self != Self::Answers
    }

    /// Whether answers are looked at.
    #[must_use]
    pub fn answers(self) -> bool {
        self != Self::Requests
    }

    /// In words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Answers => "answers",
            Self::Both => "requests and answers",
        }
    }
}
