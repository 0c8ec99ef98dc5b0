use http::Uri;

use crate::ConfigError;

/// The address that clients call, for comparing with `htu`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base {
    origin: Box<str>,
    path: Box<str>,
}

impl Base {
    pub(super) fn parse(url: &str) -> Result<Self, ConfigError> {
        let wrong = || ConfigError::new(format!("`{}` is not an http or https URL", url.escape_debug()));
        if url.contains(['?', '#', '@']) {
            return Err(wrong());
        }
        let (origin, path) = split(url).ok_or_else(wrong)?;
        Ok(Self { origin: origin.into(), path: path.trim_end_matches('/').into() })
    }

    /// Whether `htu` is the URL of a request for `path`, whatever its query and fragment (RFC 9449 §4.3).
    pub(super) fn is(&self, htu: &str, path: &str) -> bool {
        let bare = htu.split(['?', '#']).next().unwrap_or_default();
        let Some((origin, claimed)) = split(bare) else { return false };
        *origin == *self.origin && normal(&claimed) == normal(&format!("{}{path}", self.path))
    }
}

/// Scheme and authority in their normal form (RFC 3986 §6.2.2, §6.2.3), and the path.
fn split(url: &str) -> Option<(String, String)> {
    let uri: Uri = url.parse().ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let default = match scheme.as_str() {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
    let host = authority.host().to_ascii_lowercase();
    let port = authority.port_u16().filter(|port| *port != default);
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    Some((format!("{scheme}://{host}{port}"), uri.path().to_owned()))
}

/// Without escapes of what needs none, and the others in capitals.
fn normal(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let byte = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = match byte {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                out.push(char::from(byte));
                after.get(2..).unwrap_or_default()
            }
            Some(byte) => {
                out.push_str(&format!("%{byte:02X}"));
                after.get(2..).unwrap_or_default()
            }
            None => {
                out.push('%');
                after
            }
        };
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_url_has_many_spellings() {
        let base = Base::parse("https://LLM.example.com:443/").unwrap();
        for same in [
            "https://llm.example.com/v1/models/a%2Fb",
            "HTTPS://llm.EXAMPLE.com:443/v1/models/a%2fb",
            "https://llm.example.com/v1/%6Dodels/a%2Fb?x=1#y",
        ] {
            assert!(base.is(same, "/v1/models/a%2Fb"), "{same}");
        }
        for other in [
            "http://llm.example.com/v1/models/a%2Fb",
            "https://llm.example.com:8443/v1/models/a%2Fb",
            "https://llm.example.com.evil.example/v1/models/a%2Fb",
            "https://user@llm.example.com/v1/models/a%2Fb",
            "https://llm.example.com/v1/models/a/b",
            "https://llm.example.com/v1/models/a%2Fb/",
            "/v1/models/a%2Fb",
            "",
        ] {
            assert!(!base.is(other, "/v1/models/a%2Fb"), "{other}");
        }
        assert!(Base::parse("https://gw.example/llm/").unwrap().is("https://gw.example/llm/v1", "/v1"));
        for wrong in ["llm.example.com", "ftp://a", "https://a/?q", "https://u@a"] {
            assert!(Base::parse(wrong).is_err(), "{wrong}");
        }
    }
}
