//! Small records that every node holds whole in memory: facts about revoked callers, gateway keys, provisioned users.
//!
//! One mechanism for all of them: a change is durable before [`State::commit`] returns, is ordered by a sequence
//! number, and reaches the memory of every node through the same feed. Reading never leaves the process. Losing the
//! [`Backend`] is [`Health::Down`], never "empty": whoever relies on the records asks for the health first.

mod backend;
#[cfg(any(feature = "redis", feature = "sqlite"))]
mod file;
mod health;
mod log;
mod memory;
#[cfg(feature = "redis")]
mod redis;
mod row;
mod rows;
mod shared;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use self::backend::{Backend, Batch, Feed, Lost, Snapshot};
pub use self::health::Health;
pub use self::memory::Memory;
#[cfg(feature = "redis")]
pub use self::redis::Redis;
pub use self::row::{Change, CommitError, Expect, Row, Table};
pub use self::shared::{State, View};
#[cfg(feature = "sqlite")]
pub use self::sqlite::Sqlite;
