//! A SQLite index of logs, for questions that a log of millions of records would answer too slowly.
//!
//! It is a cache: it says in which lines of the log an answer stands, holds nothing about anybody that the log does not,
//! and is built again from the log whenever it does not fit it.

mod actors;
mod database;
mod error;
mod files;
mod lines;
mod load;
mod question;
mod rows;
mod search;
mod store;

pub use self::search::{Found, Search};
pub use self::store::{Index, Updated};
