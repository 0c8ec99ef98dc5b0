use std::fmt;
use std::io;
use std::process::ExitCode;

use openidconnect::{DiscoveryError, ErrorResponse, RequestTokenError};

use super::transport::HttpFailed;

/// What a script finds in `$?` when only a person can go on.
const LOG_IN_AGAIN: u8 = 3;

/// The longest text of a provider that is shown, in characters.
const LONGEST: usize = 300;

/// Why there is no token. No variant holds one.
#[derive(Debug)]
pub(in crate::cli) enum LoginError {
    /// Only a person can go on, by logging in; the text says why.
    Again(String),
    /// The provider could not be reached, or is in trouble; later it may work.
    Unreachable(String),
    /// It does not work like this; the text says what was wrong.
    Refused(String),
    /// The machine said no; the text says to what.
    Io(&'static str, io::Error),
}

impl LoginError {
    /// 3 if somebody has to log in, else 2: it is not known whether they are.
    pub(in crate::cli) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Again(_) => ExitCode::from(LOG_IN_AGAIN),
            _ => ExitCode::from(2),
        }
    }

    /// Why the provider could not be discovered.
    pub(super) fn discovery(issuer: &str, error: &DiscoveryError<HttpFailed>) -> Self {
        match error {
            DiscoveryError::Request(why) => Self::Unreachable(format!("{issuer} cannot be reached: {why}")),
            DiscoveryError::Response(status, _, _) if !status.is_success() => {
                Self::Unreachable(format!("{issuer} has no discovery document: it answered {status}"))
            }
            DiscoveryError::Validation(why) => Self::Refused(format!(
                "{issuer} is not how the provider calls itself: {}; write the issuer exactly as it does, slash \
                 included",
                printable(why)
            )),
            _ => Self::Refused(format!("{issuer} has no discovery document that can be read")),
        }
    }

    /// Why the provider gave no token. The body of an answer that cannot be read is never shown: it may hold one.
    pub(super) fn token<E: ErrorResponse>(error: &RequestTokenError<HttpFailed, E>) -> Self {
        match error {
            RequestTokenError::Request(why) => {
                Self::Unreachable(format!("the provider cannot be reached: {why}"))
            }
            RequestTokenError::ServerResponse(why) => {
                Self::Refused(format!("the provider refused: {}", printable(&why.to_string())))
            }
            RequestTokenError::Parse(..) => {
                Self::Refused("the provider's answer cannot be read as OAuth prescribes".into())
            }
            RequestTokenError::Other(_) => {
                Self::Unreachable("the provider's answer was empty or broken".into())
            }
        }
    }
}

/// `text` of somebody else, for a terminal: short, and without control characters.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect()
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Again(why) => write!(f, "log in again: {why}"),
            Self::Unreachable(why) | Self::Refused(why) => f.write_str(why),
            Self::Io(what, error) => write!(f, "{what}: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_says_cannot_move_the_cursor_or_fill_the_screen() {
        assert_eq!(printable("a\x1b[2J\nb"), "a [2J b");
        assert_eq!(printable(&"x".repeat(5000)).len(), LONGEST);
    }
}
