//! Closed segments as objects in a bucket that speaks S3, each written once and, if wanted, locked.
//!
//! What is in the bucket is the log itself: `verify` reads a copy of it. A segment is closed when it has its full size, or
//! when the log ends; what has to be elsewhere within seconds goes by a [`Target`](super::Target).

mod archive;
mod bucket;

pub use self::archive::Archive;
pub use self::bucket::{Bucket, Lock, LockMode};
