//! HTTP Message Signatures (RFC 9421) with Content-Digest (RFC 9530), as much of them as front ends need, read strictly:
//! one signature, no component parameters, every structured field (RFC 9651) in its one canonical spelling.

mod base;
mod digest;
mod fields;
mod input;

pub(super) use self::base::{Message, base};
pub(super) use self::digest::sha256_of;
pub(super) use self::input::SignatureInput;
