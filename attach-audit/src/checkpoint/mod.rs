//! Signed checkpoints: what shows, from outside, that a log was not cut or written anew.
//!
//! The leaves of a chain's Merkle tree are the hashes of its records ([RFC 6962, section 2.1]). A [`Checkpoint`] is
//! the root of the tree over the first records of a chain, as a [C2SP checkpoint] in a [C2SP signed note]. A
//! [`Log`](crate::Log) with a [`Signer`] writes one each second or 1,000 records; they leave the machine with
//! whatever takes the log's records elsewhere. [`verify`](crate::verify) holds a log against them, and a [`Proof`]
//! shows that one record is under one of them, without the rest of the log.
//!
//! ```
//! use attach_audit::checkpoint::{Signer, VerifierKey};
//! use attach_audit::{Audit, Log, log::Options, verify::{Trust, verify_all}};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = std::env::temp_dir().join(format!("attach-checkpoint-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&dir)?;
//! let signer = Signer::open(&dir.join("audit.key"), "attach/node-1")?;
//! let key = signer.verifier_key().to_string(); // to be kept elsewhere
//!
//! let audit = Audit::new(Log::open(&dir.join("audit"), Options::new("node-1").signer(signer))?);
//! audit.close().await;
//! drop(audit);
//!
//! let trust = Trust::new().key(key.parse::<VerifierKey>()?);
//! let report = verify_all(&[dir.join("audit")], &trust)?;
//! assert!(report.to_string().contains("signed by attach/node-1"));
//! # std::fs::remove_dir_all(dir)?;
//! # Ok(()) }
//! ```
//!
//! [RFC 6962, section 2.1]: https://www.rfc-editor.org/rfc/rfc6962#section-2.1
//! [C2SP checkpoint]: https://c2sp.org/tlog-checkpoint
//! [C2SP signed note]: https://c2sp.org/signed-note

mod body;
mod key;
mod newest;
mod note;
mod path;
mod proof;
mod signer;

pub use self::body::Checkpoint;
pub use self::key::VerifierKey;
pub use self::newest::newest;
pub use self::note::{Note, NoteError};
pub use self::proof::{Proof, ProofError, Proved};
pub use self::signer::Signer;

pub(crate) use self::path::Siblings;
