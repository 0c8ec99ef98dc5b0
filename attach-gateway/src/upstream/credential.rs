use attach_core::Dialect;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};

use crate::config::{Kind, Upstream};

/// The header that carries an upstream's own credential.
pub(super) fn header(upstream: &Upstream, dialect: Dialect) -> Option<(HeaderName, HeaderValue)> {
    let key = upstream.key.as_ref()?.expose();
    let anthropic = dialect == Dialect::Anthropic && upstream.kind == Kind::Anthropic;
    let (name, text) = if anthropic {
        (HeaderName::from_static("x-api-key"), key.to_owned())
    } else {
        (AUTHORIZATION, format!("Bearer {key}"))
    };
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}
