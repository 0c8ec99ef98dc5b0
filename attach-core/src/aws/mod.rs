//! Requests signed for Amazon's services: Signature Version 4.
//!
//! ```
//! use std::time::SystemTime;
//!
//! use attach_core::aws::{AccessKey, Content, Signer, Unsigned};
//! use http::{HeaderMap, Method};
//!
//! let key = AccessKey::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
//! let signer = Signer::new("eu-central-1", "bedrock");
//! let request = Unsigned {
//!     method: &Method::POST,
//!     uri: &"https://bedrock-runtime.eu-central-1.amazonaws.com/model/m/converse".parse()?,
//!     headers: &HeaderMap::new(),
//!     content: Content::Bytes(b"{}"),
//! };
//! let signature = signer.sign(&request, &key, SystemTime::now())?;
//! assert!(signature.contains_key("authorization"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Source: [Create a signed AWS API request](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).

mod key;
mod keys;
mod machine;
mod place;
mod signer;

pub use self::key::AccessKey;
pub use self::keys::{Keys, NoKey};
pub use self::machine::{Machine, MachineError, Obtained};
pub use self::place::{is_region, path_segment, public_domain};
pub use self::signer::{Content, SignError, Signer, Unsigned};
