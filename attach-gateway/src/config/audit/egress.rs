use serde::Deserialize;

use crate::config::ConfigError;

/// A system that records are sent to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Egress {
    /// Its name in metrics and of its cursor; the kind unless set.
    pub name: String,
    /// What it is.
    pub receiver: Receiver,
}

/// What takes records.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Receiver {
    /// The standard output.
    Stdout,
}

/// `[[audit.egress]]` as it is written.
#[derive(Debug, Deserialize)]
pub(in crate::config) struct Table {
    kind: String,
}

pub(super) fn resolve(table: &Table) -> Result<Egress, ConfigError> {
    let receiver = match table.kind.as_str() {
        "stdout" => Receiver::Stdout,
        other => {
            return Err(ConfigError::new(format!(
                "audit.egress: {other:?} comes with a later version of attach-gateway; today: stdout"
            )));
        }
    };
    Ok(Egress { name: table.kind.clone(), receiver })
}
