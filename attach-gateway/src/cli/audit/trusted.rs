//! What a log is held against, as it is given on the command line.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use attach_audit::checkpoint::VerifierKey;

use crate::cli::complain;

/// Could not be looked into: neither well nor not.
pub(super) fn trouble(error: &dyn Error) -> ExitCode {
    complain(error);
    ExitCode::from(2)
}

/// Keys, each as text or as a file with one on each line.
pub(in crate::cli) fn keys(given: &[String]) -> Result<Vec<VerifierKey>, Box<dyn Error>> {
    let mut keys = Vec::new();
    for text in given {
        if let Ok(key) = text.parse() {
            keys.push(key);
            continue;
        }
        let file =
            read(Path::new(text)).map_err(|error| format!("--key: no key, and no file of keys: {error}"))?;
        for line in file.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            keys.push(line.parse().map_err(|error| format!("{text}: {error}"))?);
        }
    }
    Ok(keys)
}

pub(super) fn read(path: &Path) -> Result<String, Box<dyn Error>> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()).into())
}
