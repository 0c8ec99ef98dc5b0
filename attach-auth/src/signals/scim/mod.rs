//! SCIM 2.0 (RFC 7643, RFC 7644), as Okta and Entra provision.

mod attribute;
mod collection;
mod discovery;
mod endpoint;
mod error;
mod filter;
mod group;
mod group_index;
mod index;
mod limits;
mod list;
mod members;
mod names;
mod patch;
mod path;
mod person;
mod reply;
mod store;
mod stored;
mod user_index;

pub use self::endpoint::Scim;
pub use self::index::Provisioned;
pub use self::limits::ScimLimits;

/// Puts `data` through what bodies, filters and paths are put through. The error is the answer's body.
///
/// # Errors
///
/// When it is no user, and no change of one.
pub fn fuzz(data: &[u8]) -> Result<(), bytes::Bytes> {
    let text = String::from_utf8_lossy(data);
    let filtered = filter::Filter::parse(&text, &filter::USERS).map(drop);
    let mut resource = serde_json::Map::new();
    resource.insert("userName".to_owned(), "a@example.test".into());
    resource.insert("emails".to_owned(), serde_json::json!([{"type": "work", "value": "a@example.test"}]));
    let patched = attribute::object(&bytes::Bytes::copy_from_slice(data))
        .and_then(|body| patch::apply(&mut resource, &body))
        .and_then(|()| person::tidy(resource))
        .map(drop);
    let created = attribute::object(&bytes::Bytes::copy_from_slice(data)).and_then(person::tidy).map(drop);
    let changed = created.or(patched).or(filtered);
    changed.map_err(|error| error.into_response().into_body())
}
