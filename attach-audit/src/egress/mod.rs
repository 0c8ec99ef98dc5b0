//! Sending records to other systems: at least once, in order, from a cursor that survives a restart.
//!
//! The log in the directory stays the record; what is sent is a copy. A receiver tells duplicates by `id`.

mod shipped;
mod target;

pub use self::shipped::Shipped;
pub use self::target::{Batch, Delivered, SendError, SendFuture, Target};
