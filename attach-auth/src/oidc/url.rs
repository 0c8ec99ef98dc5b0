use http::Uri;

use crate::ConfigError;

/// An `https` URL without user, query or fragment; `http` only on loopback, where nobody can listen in.
pub(super) fn checked(what: &str, url: &str) -> Result<Uri, ConfigError> {
    let wrong = |why: &str| Err(ConfigError::new(format!("{what} `{}` {why}", url.escape_debug())));
    let Ok(uri) = url.parse::<Uri>() else {
        return wrong("is not a URL");
    };
    let Some(authority) = uri.authority() else {
        return wrong("is not an absolute URL");
    };
    if authority.as_str().contains('@') || uri.query().is_some() || url.contains(['#', '?']) {
        return wrong("must not have a user, a query or a fragment");
    }
    match uri.scheme_str() {
        Some("https") => Ok(uri),
        Some("http") if is_loopback(&uri) => Ok(uri),
        Some("http") => {
            wrong("is plain http: whoever can change it on the way can sign in as anybody; use https")
        }
        _ => wrong("is not an https URL"),
    }
}

pub(super) fn is_loopback(uri: &Uri) -> bool {
    let host = host(uri);
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

pub(super) fn host(uri: &Uri) -> &str {
    uri.host().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_only() {
        for good in ["https://idp.example", "http://127.0.0.1:4020", "http://localhost/x", "http://[::1]:1/"]
        {
            assert!(checked("issuer", good).is_ok(), "{good}");
        }
        for bad in [
            "http://idp.example",
            "http://127.0.0.1.evil.example",
            "ftp://x",
            "/x",
            "",
            "https://a@b/",
            "https://a/?q",
            "https://a/#f",
        ] {
            assert!(checked("issuer", bad).is_err(), "{bad}");
        }
    }
}
