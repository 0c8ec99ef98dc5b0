//! Records read back: what queries, formats and indexes work on.

mod entry;
mod records;
mod sources;
mod time;

pub use self::entry::{
    Actor, Checkpoint, Decision, Entry, Fold, Model, Quota, Redaction, Route, Source, Timing, Usage, Via,
};
pub use self::records::{Line, Records};
#[cfg(feature = "sqlite")]
pub(crate) use self::sources::{at, sources};
pub use self::time::instant;
