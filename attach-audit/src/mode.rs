use serde::{Serialize, Serializer};

/// When a record has to be durable; named in every record.
///
/// | mode | before anything goes upstream | before the answer begins | before the answer completes |
/// |---|---|---|---|
/// | `Strict` | intent durable | | outcome durable |
/// | `Overlap` | intent handed over | intent durable | outcome durable |
/// | `Relaxed` | intent handed over | | outcome handed over |
/// | `Single` | | | outcome durable |
///
/// *Durable* is the [sink](crate::Sink)'s word; for [`Log`](crate::Log) it means that `fdatasync` returned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// Nothing goes upstream, and no answer completes, without a durable record.
    #[default]
    Strict,
    /// The intent becomes durable while the upstream works: hides its latency, but after a crash something may have
    /// gone upstream that no record shows. Nothing was answered, though.
    Overlap,
    /// Nobody waits. A crash loses what was not written yet, and a full queue loses records, counted in a `gap`
    /// record, instead of refusing requests.
    Relaxed,
    /// One outcome per answer and no intent.
    Single,
}

impl Mode {
    /// The mode's name in records and configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Overlap => "overlap",
            Self::Relaxed => "relaxed",
            Self::Single => "single",
        }
    }
}

impl Serialize for Mode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
