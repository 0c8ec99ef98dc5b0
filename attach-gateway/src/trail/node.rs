use std::fs;
use std::io::{self, ErrorKind};

use super::config_hash;
use crate::config::Config;
use crate::run::StartError;
use crate::state::StateDir;

/// The file in the state directory with the node's name.
const FILE: &str = "node.name";

/// What this process is called, in records and in telemetry.
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) config_hash: String,
}

impl Node {
    pub(crate) fn of(config: &Config, state: &StateDir) -> Result<Self, StartError> {
        let name = name(config, state).map_err(|e| StartError::Io("name of the node", e))?;
        Ok(Self { name, config_hash: config_hash(config) })
    }
}

/// The configured name, else the one this state directory has always had: at first the host's. A container has another
/// host name with each start, and a log goes on only under the same name.
fn name(config: &Config, state: &StateDir) -> io::Result<String> {
    if let Some(name) = &config.audit.node {
        return Ok(name.clone());
    }
    match fs::read_to_string(state.path().join(FILE)) {
        Ok(name) if !name.trim().is_empty() => return Ok(name.trim().to_owned()),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let name = host();
    state.keep(FILE, name.as_bytes())?;
    Ok(name)
}

fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "node".into() } else { name.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_directory_keeps_its_name() {
        let dir = std::env::temp_dir().join(format!("attach-node-{}", std::process::id()));
        let state = StateDir::open(Some(&dir)).unwrap();
        let config = "issuer = [{ issuer = \"https://idp.example.com\", audience = [\"api\"] }]\n\
                      upstream = [{ name = \"a\", kind = \"openai\", url = \"https://api.openai.com\" }]\n";
        let read = |more: &str| Config::parse(&format!("{config}{more}"), |_| None).unwrap();
        assert_eq!(name(&read(""), &state).unwrap(), host());
        fs::write(dir.join(FILE), "before\n").unwrap();
        assert_eq!(name(&read(""), &state).unwrap(), "before");
        assert_eq!(name(&read("audit.node = \"eu-1\""), &state).unwrap(), "eu-1");
        assert!(Config::parse(&format!("{config}audit.node = \"a b\""), |_| None).is_err());
        drop(state);
        fs::remove_dir_all(dir).unwrap();
    }
}
