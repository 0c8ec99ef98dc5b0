//! The upstream's side: which there are, what they are sent, what of their answers comes back.

mod answer;
mod credential;
mod directory;
mod dispatch;
mod drain;
mod headers;
mod listing;
mod mend;
mod refusal;
mod timed;
mod way;

pub(crate) use self::directory::Directory;
pub(crate) use self::dispatch::Dispatch;
pub(crate) use self::headers::Pseudonym;
pub(crate) use self::listing::{Listed, listing};
