use clap::ValueEnum;

use super::record::Used;

/// What is counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum By {
    /// Each month, UTC.
    Month,
    /// Each day, UTC.
    Day,
    /// Each directory.
    Directory,
    /// Each caller, by stable id.
    User,
    /// Each group that decided; a call that several decided about counts in each.
    Group,
    /// Each OAuth client.
    Client,
    /// Each model, by its name where the calls went.
    Model,
    /// Each upstream.
    Upstream,
    /// Nothing: a line for each call.
    Call,
}

impl By {
    /// The name of its column.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Day => "day",
            Self::Directory => "directory",
            Self::User => "user",
            Self::Group => "group",
            Self::Client => "client",
            Self::Model => "model",
            Self::Upstream => "upstream",
            Self::Call => "call",
        }
    }

    /// What a record belongs to; `group` is one of its groups.
    pub(super) fn of<'a>(self, used: &'a Used<'_>, group: &'a str) -> &'a str {
        match self {
            Self::Month => used.ts.0.get(..7).unwrap_or_default(),
            Self::Day => used.ts.0.get(..10).unwrap_or_default(),
            Self::Directory => used.directory(),
            Self::User => used.user(),
            Self::Group => group,
            Self::Client => used.client(),
            Self::Model => used.model(),
            Self::Upstream => used.upstream(),
            Self::Call => &used.req_id.0,
        }
    }
}
