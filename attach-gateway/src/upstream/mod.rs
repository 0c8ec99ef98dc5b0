//! The upstream's side: which there are, what they are sent, what of their answers comes back.

mod answer;
mod credential;
mod dispatch;
mod drain;
mod headers;
mod mend;
mod models;
mod place;
mod refusal;
mod timed;
mod way;

pub(crate) use self::dispatch::Dispatch;
pub(crate) use self::headers::Pseudonym;
pub(crate) use self::models::{Listed, models};
pub(crate) use self::place::{Place, Upstreams};
