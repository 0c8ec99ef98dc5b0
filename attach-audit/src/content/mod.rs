//! What was asked and answered: digests of it in the records, and, if that is wanted, the texts beside the log.
//!
//! | kept | in the record | beside the log |
//! |---|---|---|
//! | [`Keep::None`] | keyed digests of what went upstream and what came back | – |
//! | [`Keep::Redacted`] | … and where the texts are | the request as it went upstream, the answer before anything was restored in it |
//! | [`Keep::Sealed`] | … and where the texts are | what the client sent and was sent, as [age](https://age-encryption.org/v1) files that only the auditors can open |
//!
//! Sealed texts are encrypted to a key pair of the person they are of. The private half exists only encrypted to the
//! auditors' keys, so whoever has the log, the texts and the running service reads nothing that was said before; and
//! deleting it ([`Audit::erase_content`](crate::Audit::erase_content)) makes everything that this person said
//! unreadable, wherever copies of the texts are.
//!
//! A text is in a line of JSON in `content-<chain>-<segment>.jsonl`, durable before the record that refers to it.
//!
//! ```
//! use attach_audit::content::{Contents, Keep, Key};
//! use attach_audit::{Audit, Memory};
//!
//! let key = Key::new(&[7; 32]);
//! let contents = Contents::new(key).keep(|exchange, _| match exchange.identity() {
//!     Some(_) => Keep::Redacted,
//!     None => Keep::None,
//! });
//! let audit = Audit::new(Memory::new()).contents(contents);
//! ```

mod capture;
mod contents;
mod erase;
mod keep;
mod key;
mod keys;
mod line;
mod open;
mod packer;
mod recording;

pub(crate) use self::capture::Capture;
pub(crate) use self::packer::{Packed, Packer};

pub use self::contents::Contents;
pub use self::erase::NotErased;
pub use self::keep::Keep;
pub use self::key::Key;
pub use self::keys::{PeopleKeys, Profile, is_recipient, keygen};
pub use self::open::{Auditor, OpenError, Opened};
