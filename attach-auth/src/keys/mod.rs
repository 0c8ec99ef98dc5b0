//! Gateway keys, for tools that only know API keys, and the identities of services.
//!
//! A person who is signed in mints a [key](Keys::mint) for a tool. It has at most its owner's rights, as they are at the
//! time of each call, for a limited time, and stops working when its owner has not been seen signed in for a day or
//! lost the right to go on. Machines get an identity of their own from an administrator: [`Services`].
//!
//! ```
//! use std::sync::Arc;
//!
//! use attach_auth::keys::{KeyIndex, KeySettings, Keys, NewKey, OwnKeys, WithKeys};
//! use attach_auth::endpoint::EndpointLayer;
//! use attach_auth::state::{Memory, State, Table};
//! use attach_auth::{AuthLayer, Authenticate};
//!
//! # async fn run(verifier: impl Authenticate) -> Result<(), attach_auth::state::Lost> {
//! let index = KeyIndex::new();
//! let state = State::open(Memory::new(), vec![(Table::KEYS, Arc::new(index.clone()))]).await?;
//! let keys = Keys::new(state, index, KeySettings::new());
//!
//! // Outermost first: who is calling, then what a caller may do about their own keys.
//! let auth = AuthLayer::new(WithKeys::new(keys.clone(), verifier));
//! let own = EndpointLayer::new(OwnKeys::new(keys));
//! # let _ = (auth, own);
//! # Ok(())
//! # }
//! ```

mod services;

mod entry;
mod error;
mod handle;
mod http;
mod index;
mod key;
mod mint;
mod rows;
mod secret;
mod settings;
mod time;
mod upkeep;
mod verify;
mod with_keys;

pub use self::error::KeyError;
pub use self::handle::Keys;
pub use self::http::{AdminKeys, AdminServices, KeyRevocation, OwnKeys};
pub use self::index::KeyIndex;
pub use self::key::{Key, NewKey, Owner};
pub use self::secret::Secret;
pub use self::services::{NewService, OwnerGroups, Owners, ServiceIdentity, ServiceState, Services};
pub use self::settings::KeySettings;
pub use self::with_keys::WithKeys;

/// How many seconds the store may be behind about when a key was used or its owner seen.
const WRITE_BEHIND: u64 = 60;
const YEAR: u64 = 365 * 24 * 60 * 60;
