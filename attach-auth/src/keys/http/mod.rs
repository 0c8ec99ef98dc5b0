//! Keys and service identities over HTTP.

mod admin;
mod answer;
mod form;
mod own;
mod revoke;
mod services;

pub use self::admin::AdminKeys;
pub use self::own::OwnKeys;
pub use self::revoke::KeyRevocation;
pub use self::services::AdminServices;
