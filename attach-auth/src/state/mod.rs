//! Small records that every node holds whole in memory: facts about revoked callers, gateway keys, provisioned users.
//!
//! One mechanism for all of them: a change is durable before [`State::commit`] returns, is ordered by a sequence
//! number, and reaches the memory of every node through the same feed. Reading never leaves the process. Losing the
//! [`Backend`] is [`Health::Down`], never "empty": whoever relies on the records asks for the health first.

mod backend;
mod memory;
mod row;
mod shared;

pub use self::backend::{Backend, Batch, Feed, Lost, Snapshot};
pub use self::memory::Memory;
pub use self::row::{Change, CommitError, Expect, Row, Table};
pub use self::shared::{Health, State, View};
