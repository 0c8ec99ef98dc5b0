//! What a script finds in `$?`: the same numbers from every command.

use std::process::ExitCode;

use super::complain;
use crate::run::StartError;

/// What `--help` says of them.
pub(super) const CODES: &str = "\
Exit codes:
  0  done, or yes
  1  no: a check failed, a call would be refused, a log was changed, the gateway is not ready
  2  trouble: it cannot be done or told, or the command line makes no sense
  3  somebody has to log in again (login --proxy, token, keys)";

/// Of a command that does something: 0, or 2.
pub(super) fn done(result: Result<(), StartError>) -> ExitCode {
    answered(result.map(|()| true))
}

/// Of a question: 0 is yes, 1 is no, 2 is trouble.
pub(super) fn answered(answer: Result<bool, StartError>) -> ExitCode {
    match answer {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            complain(&error);
            ExitCode::from(2)
        }
    }
}

/// Of a check, where an error is the answer no: 0, or 1.
pub(super) fn held(result: Result<(), StartError>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::from(1)
        }
    }
}
