//! Headers that go with every batch.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::egress::InvalidTarget;

/// Adds a header whose value `Debug` does not show.
pub(super) fn add(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), InvalidTarget> {
    let wrong = |what: &str| InvalidTarget::new(format!("{name:?} is not a header's {what}"));
    let key = HeaderName::try_from(name).map_err(|_| wrong("name"))?;
    // The value is a secret, so it is not quoted.
    let mut value = HeaderValue::try_from(value).map_err(|_| {
        InvalidTarget::new(format!("the value of the header {name} has a character that it may not have"))
    })?;
    value.set_sensitive(true);
    headers.insert(key, value);
    Ok(())
}
