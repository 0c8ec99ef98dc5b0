//! The upstream's side: which there are, what they are sent, what of their answers comes back.

mod answer;
mod ask;
mod attempt;
mod connector;
mod credential;
mod dispatch;
mod drain;
mod failover;
mod foreign;
mod headers;
mod health;
mod keys;
mod mend;
mod models;
mod origin;
mod paths;
mod place;
mod probe;
mod queue;
mod refusal;
mod resolver;
mod retention;
mod shown;
mod timed;
mod way;
mod whole;
mod withhold;

pub(crate) use self::dispatch::Dispatch;
pub(crate) use self::headers::Pseudonym;
pub(crate) use self::health::Phase;
pub(crate) use self::models::Listed;
pub(crate) use self::place::{Place, Upstreams};
pub(crate) use self::probe::{ProbeStatus, Probing};
