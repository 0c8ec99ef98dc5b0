//! The client's side: which paths there are, who is calling, which models are shown.

mod answering;
mod caller;
mod catalog;
pub(crate) mod cors;
mod door;
pub(crate) mod head;
mod hold;
mod host;
mod intake;
mod me;
mod probe;
mod route;

pub(crate) use self::answering::Answering;
pub(crate) use self::caller::{Caller, CallerLayer, GROUPS, REQUEST_ID, SESSION, USER};
pub(crate) use self::catalog::CatalogLayer;
pub(crate) use self::door::{DoorLayer, Running};
pub(crate) use self::hold::{Hold, Memory};
pub(crate) use self::host::{Answers, host_of};
pub(crate) use self::intake::IntakeLayer;
pub(crate) use self::me::{Me, PATH as ME};
pub(crate) use self::probe::{ProbeLayer, Probes};
