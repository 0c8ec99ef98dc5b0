//! Strict JSON: one forward pass over the bytes, kept as a flat list of spans into them.
//!
//! The gateway forwards the caller's bytes with spliced-in replacements, never a re-serialised tree, so unknown
//! fields, key order and the spelling of numbers survive. That is only safe if the bytes mean the same to every
//! parser that meets them, so [`Document::parse`] refuses whatever parsers disagree on: duplicate keys, control
//! characters in keys, lone surrogates, a byte order mark, invalid UTF-8, trailing bytes, numbers outside the
//! range of a double, deep nesting.
//!
//! ```
//! use attach_core::json::{Document, Edit};
//!
//! let before = Document::parse(r#"{"to":"bob@example.com", "n":1.50}"#.into())?;
//! let to = before.root().get("to").expect("is there");
//! let after = before.splice(&[Edit::string(to.id(), "EMAIL_1")]).expect("is a string");
//! assert_eq!(after.bytes(), r#"{"to":"EMAIL_1", "n":1.50}"#);
//! # Ok::<(), attach_core::json::JsonError>(())
//! ```

mod document;
mod edit;
mod error;
mod keys;
mod node;
mod number;
mod path;
mod scan;
mod splice;
mod string;
mod value;

pub use self::document::Document;
pub use self::edit::{Edit, SpliceError};
pub use self::error::{JsonError, JsonErrorKind};
pub use self::node::{Kind, NodeId};
pub use self::string::escape_into;
pub use self::value::{Elements, Members, Value};
