use std::net::SocketAddr;

use crate::mock::CHAT_PATH;
use crate::{bodies, target};

/// What kind of call is made; how it has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "the mix of this program")]
pub enum Kind {
    /// Answered by one JSON body.
    Plain,
    /// Answered by events.
    Streamed,
    /// For a model that the caller may not use: 403.
    Forbidden,
    /// Without a token: 401, which the log counts rather than records one by one.
    Unknown,
    /// The client leaves when the head of a streamed answer is there.
    Leaves,
    /// The client leaves as soon as it has asked.
    LeavesAtOnce,
}

impl Kind {
    /// The kind of the call with this number: of a hundred, 58 plain, 30 streamed, 5 and 3 refused, 2 and 2 left.
    #[must_use]
    pub fn of(number: u64) -> Self {
        // A prime stride, so that rare kinds do not come in a row.
        match number.wrapping_mul(37) % 100 {
            0..58 => Self::Plain,
            58..88 => Self::Streamed,
            88..93 => Self::Forbidden,
            93..96 => Self::Unknown,
            96..98 => Self::Leaves,
            _ => Self::LeavesAtOnce,
        }
    }

    /// The status of the answer, if the client waits for one.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Forbidden => 403,
            Self::Unknown => 401,
            _ => 200,
        }
    }
}

/// The bytes of each kind of request.
#[derive(Debug)]
pub(super) struct Requests {
    plain: Vec<u8>,
    streamed: Vec<u8>,
    forbidden: Vec<u8>,
    unknown: Vec<u8>,
}

impl Requests {
    pub(super) fn new(addr: SocketAddr, token: &str) -> Self {
        let request = |token, body: &str| target::request(addr, CHAT_PATH, token, body);
        let plain = bodies::chat(false);
        Self {
            forbidden: request(Some(token), &plain.replace("gpt-4o-mini", "o3-pro")),
            unknown: request(None, &plain),
            streamed: request(Some(token), &bodies::chat(true)),
            plain: request(Some(token), &plain),
        }
    }

    pub(super) fn of(&self, kind: Kind) -> &[u8] {
        match kind {
            Kind::Plain => &self.plain,
            Kind::Streamed | Kind::Leaves | Kind::LeavesAtOnce => &self.streamed,
            Kind::Forbidden => &self.forbidden,
            Kind::Unknown => &self.unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_calls_are_the_mix() {
        let count = |kind| (1000..1100).filter(|number| Kind::of(*number) == kind).count();
        let kinds = [
            (Kind::Plain, 58),
            (Kind::Streamed, 30),
            (Kind::Forbidden, 5),
            (Kind::Unknown, 3),
            (Kind::Leaves, 2),
            (Kind::LeavesAtOnce, 2),
        ];
        for (kind, expected) in kinds {
            assert_eq!(count(kind), expected, "{kind:?}");
        }
    }
}
