//! How records look to other systems.
//!
//! `docs/audit-formats.md` has the mappings, member by member. No format says more than the record does.

use crate::read::Entry;

mod carried;
mod ecs;
mod figures;
mod native;
mod ocsf;
mod subject;

/// The form in which records are sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// The line as it is in the log.
    #[default]
    Native,
    /// An event of the Open Cybersecurity Schema Framework, version 1.8.0 (<https://schema.ocsf.io/1.8.0>).
    Ocsf,
    /// A document of the Elastic Common Schema, version 9.2 (<https://www.elastic.co/docs/reference/ecs>).
    Ecs,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Native, Self::Ocsf, Self::Ecs];

    /// The name in a configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Ocsf => "ocsf",
            Self::Ecs => "ecs",
        }
    }

    /// The format of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }

    /// Appends one record, a JSON object without a newline. `line` is what `entry` was read from.
    pub fn write(self, entry: &Entry<'_>, line: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Native => out.extend_from_slice(line),
            Self::Ocsf => append(out, &ocsf::Event::of(entry, &native::Rest::of(line))),
            Self::Ecs => append(out, &ecs::Document::of(entry, &native::Rest::of(line))),
        }
    }
}

/// Writing to memory cannot fail, and the members hold nothing that JSON cannot say.
fn append(out: &mut Vec<u8>, value: &impl serde::Serialize) {
    let start = out.len();
    if let Err(error) = serde_json::to_writer(&mut *out, value) {
        tracing::error!(%error, "an audit record could not be put in another format");
        out.truncate(start);
        out.extend_from_slice(b"{}");
    }
}
