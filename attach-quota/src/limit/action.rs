/// What happens when a limit has no room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// The call is refused (429). A running answer goes on, and what it uses beyond its reservation is debt.
    #[default]
    Refuse,
    /// The call is refused, and a stream that outgrows what is left ends in its dialect's own way.
    Cut,
    /// The call is refused if nothing is left; else its output cap is lowered to what is.
    Clamp,
    /// Nothing, but it is counted and noted.
    Shadow,
}

impl Action {
    /// `refuse`, `cut`, `clamp` or `shadow`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Cut => "cut",
            Self::Clamp => "clamp",
            Self::Shadow => "shadow",
        }
    }
}

/// What a limit does while a store that nodes share cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhenDown {
    /// Calls are refused (503).
    Closed,
    /// Each node gives its share: the limit divided by the nodes that were alive.
    Local,
    /// Calls pass, and are counted as such.
    Open,
}

impl WhenDown {
    /// `closed`, `local` or `open`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Local => "local",
            Self::Open => "open",
        }
    }
}

/// What a limit on money does with a model that has no price.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unpriced {
    /// The call is refused (403 `price_unknown`), unless the limit is in [shadow](Action::Shadow): then it costs nothing.
    #[default]
    Refuse,
    /// The call costs nothing where it has no price, and a warning says so.
    Free,
}
