//! One record: what happened, ready to be written.

use std::fmt;
use std::sync::{Arc, OnceLock};

use uuid::Uuid;

mod digest;
mod end;
mod escape;
mod exchange;
mod json;
mod origin;
mod shape;
#[cfg(test)]
mod tests;
mod time;
mod usage;
mod value;

#[cfg(feature = "content")]
pub(crate) use self::digest::Digest;
pub(crate) use self::end::CRASH;
pub(crate) use self::exchange::View;
pub(crate) use self::json::append;
pub(crate) use self::origin::Origin;
pub(crate) use self::shape::{After, Checkpoint, Fold, Members, OpenIntent, Said};
pub use self::time::Timestamp;
pub(crate) use self::value::{Address, Id, Pairs, Text, uuid_text};

/// Few records are longer, in bytes.
const USUAL: usize = 2048;

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A request is about to go upstream.
    Intent,
    /// How a request ended.
    Outcome,
    /// A request was refused before anything went upstream; or many were, folded.
    Reject,
    /// An intent whose process died before there was an outcome.
    Orphan,
    /// Somebody changed who may do what.
    Admin,
    /// Somebody lost, or got back, the right to go on.
    Revocation,
    /// The log's tree so far, signed.
    Checkpoint,
    /// The log began.
    Start,
    /// The log ended in good order.
    Stop,
    /// The head of a segment that continues another.
    Segment,
    /// Something was not recorded: how much, from when to when.
    Gap,
}

impl Kind {
    /// The name in the record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Outcome => "outcome",
            Self::Reject => "reject",
            Self::Orphan => "orphan",
            Self::Admin => "admin",
            Self::Revocation => "revocation",
            Self::Checkpoint => "checkpoint",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Segment => "segment",
            Self::Gap => "gap",
        }
    }
}

/// One record on its way to a [`Sink`](crate::Sink), borrowed from the request it is about.
pub struct Record<'a> {
    id: Uuid,
    kind: Kind,
    /// Read from the clocks when somebody asks: the log has a time of its own for each entry.
    at: OnceLock<Timestamp>,
    config: Option<Arc<str>>,
    content: Content<'a>,
}

#[allow(clippy::large_enum_variant, reason = "it lives on the stack, and the larger is the usual one")]
enum Content<'a> {
    Exchange(View<'a>),
    System(Box<Members<'a>>),
}

/// What a record means for the list of intents that have no outcome yet.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Effect {
    None,
    Opens(OpenIntent),
    Closes(Uuid),
}

impl<'a> Record<'a> {
    pub(crate) fn of_exchange(id: Uuid, view: View<'a>) -> Self {
        Self { id, kind: view.kind, at: OnceLock::new(), config: None, content: Content::Exchange(view) }
    }

    /// A record of the log itself; `fill` adds to the members it has anyway.
    pub(crate) fn system(kind: Kind, fill: impl FnOnce(&mut Members<'a>)) -> Self {
        let id = Uuid::now_v7();
        let mut members = Members::system(kind.as_str(), id);
        fill(&mut members);
        Self { id, kind, at: OnceLock::new(), config: None, content: Content::System(Box::new(members)) }
    }

    /// The same, made under the configuration with this digest.
    pub(crate) fn under(self, config: Option<&Arc<str>>) -> Self {
        Self { config: config.cloned(), ..self }
    }

    /// The digest of the configuration it was made under, if it was not simply the one in force.
    pub(crate) fn config(&self) -> Option<&Arc<str>> {
        self.config.as_ref()
    }

    /// What the record is about.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The time that it bears: when it was first asked for, which is when a log takes it. The same each time.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        *self.at.get_or_init(Timestamp::now)
    }

    /// The record as a JSON object: what [`Log`](crate::Log) writes, less the members that belong to its chain.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = Vec::with_capacity(USUAL);
        out.extend_from_slice(b"{\"v\":1,\"id\":");
        let _ = append(&mut out, &Id::Uuid(self.id));
        if let Some(config) = self.config.as_deref() {
            out.extend_from_slice(b",\"cfg_hash\":");
            let _ = append(&mut out, config);
        }
        out.extend_from_slice(b",\"ts\":");
        let _ = append(&mut out, &self.time());
        out.push(b',');
        self.write_members(&mut out);
        out.push(b'}');
        String::from_utf8(out).unwrap_or_default()
    }

    pub(crate) fn id(&self) -> Uuid {
        self.id
    }

    /// Appends `"kind":…,…,"mode":…`, without braces.
    pub(crate) fn write_members(&self, out: &mut Vec<u8>) {
        match &self.content {
            Content::Exchange(view) => view.with_members(|members| append_members(out, members)),
            Content::System(members) => append_members(out, members),
        }
    }

    /// What the record changes about the open intents.
    pub(crate) fn effect(&self) -> Effect {
        let Content::Exchange(view) = &self.content else { return Effect::None };
        if self.kind == Kind::Intent {
            let req_id = Uuid::from_bytes(*view.exchange.id().as_bytes());
            return Effect::Opens(OpenIntent { intent_id: self.id, req_id });
        }
        view.intent.map_or(Effect::None, Effect::Closes)
    }
}

/// Writing to memory cannot fail, and the members hold nothing that JSON cannot say.
fn append_members(out: &mut Vec<u8>, members: &Members<'_>) {
    let start = out.len();
    if let Err(error) = json::append_members(out, members) {
        tracing::error!(%error, "an audit record could not be formatted");
        out.truncate(start);
    }
}

impl fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}
