//! The ways in which a directory says that somebody has lost the right to go on.
//!
//! Each is an [`Endpoint`](crate::endpoint::Endpoint), to be put in front of a service by an
//! [`EndpointLayer`](crate::endpoint::EndpointLayer), and each is bound to one directory, by a credential or by the
//! issuer that signs. A signal is recorded for the audit trail first, then made durable, then acknowledged; what cannot
//! be recorded or made durable is answered 503 and not done at all.
//!
//! | signal | endpoint | what it means |
//! |---|---|---|
//! | SCIM 2.0 (RFC 7643, RFC 7644) | [`Scim`] | `active: false` and DELETE disable, `active: true` enables again |
//! | OpenID Connect Back-Channel Logout 1.0 | [`BackchannelLogout`] | the session is over, and what was issued until then |
//! | Okta Universal Logout (Global Token Revocation) | [`UniversalLogout`] | whatever was issued until now is refused |
//! | CAEP and RISC events by push (RFC 8935) | [`SecurityEvents`] | as the event says |
//!
//! ```
//! use std::sync::Arc;
//!
//! use attach_auth::endpoint::EndpointLayer;
//! use attach_auth::revocation::{FactIndex, Revocations};
//! use attach_auth::signals::{Provisioned, Scim, SignalCredential, SignalSecret, Signals};
//! use attach_auth::state::{Memory, State, Table, View};
//! use attach_auth::LogWitness;
//!
//! # async fn wire() -> Result<(), Box<dyn std::error::Error>> {
//! let (facts, provisioned) = (FactIndex::new(), Provisioned::new());
//! let mut views: Vec<(Table, Arc<dyn View>)> = vec![(Table::FACTS, Arc::new(facts.clone()))];
//! views.extend(provisioned.views());
//! let state = State::open(Memory::new(), views).await?;
//! let revocations = Revocations::new(state, facts);
//! let signals = Signals::new(revocations, provisioned, Arc::new(LogWitness::default()));
//!
//! let secret = SignalSecret::of_text("4f0c2a7be91d58360f6d7a1bc03e9285")?;
//! let scim = Scim::new(signals, vec![SignalCredential::new("okta", "acme", secret)]);
//! let layer = EndpointLayer::new(scim);
//! # let _ = layer;
//! # Ok(())
//! # }
//! ```

mod answer;
mod backchannel;
mod credential;
mod desk;
mod events;
mod scim;
mod stats;
mod subject;
mod universal;

pub use self::backchannel::BackchannelLogout;
pub use self::credential::{SignalCredential, SignalSecret};
pub use self::desk::Signals;
pub use self::events::SecurityEvents;
pub use self::scim::{Provisioned, Scim, ScimLimits};
pub use self::stats::{SignalKind, SignalOutcome, SignalStats};
pub use self::universal::UniversalLogout;
pub use crate::oidc::SignalIssuer;

/// What strangers' bodies are put through, for fuzzing. No part of the interface.
#[doc(hidden)]
pub mod fuzzing {
    pub use super::events::fuzz as ssf;
    pub use super::scim::fuzz as scim;
}
