//! Which model goes where: the public names, their ordered targets, and the lists that callers see.

mod directory;
mod layer;
mod listing;
mod parameters;
mod session;
mod weights;

pub(crate) use self::directory::Directory;
pub(crate) use self::layer::ResolveLayer;
pub(crate) use self::listing::{Listed, listing};
pub(crate) use self::parameters::Adjustments;
pub(crate) use self::session::Session;
