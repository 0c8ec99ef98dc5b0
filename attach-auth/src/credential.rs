use std::borrow::Cow;
use std::fmt;

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;

use crate::Denial;

/// Where clients that only know keys put theirs: those of Anthropic, those of Azure.
static KEYS: [HeaderName; 2] = [HeaderName::from_static("x-api-key"), HeaderName::from_static("api-key")];

/// What a caller showed: one bearer token. `Debug` hides it.
#[derive(Clone)]
pub struct Credential {
    token: Box<str>,
    source: Source,
    proofs: Vec<Box<str>>,
}

/// The header a credential came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// `Authorization: Bearer …` (RFC 6750 §2.1).
    Authorization,
    /// `Authorization: DPoP …` (RFC 9449 §7.1): of no use without a proof.
    Dpop,
    /// `x-api-key` or `api-key`, where clients that only know keys put theirs. No access token comes in these.
    ApiKey,
}

impl Credential {
    /// A token that came in `source`.
    #[must_use]
    pub fn new(token: impl Into<Box<str>>, source: Source) -> Self {
        Self { token: token.into(), source, proofs: Vec::new() }
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The header it came in.
    #[must_use]
    pub fn source(&self) -> Source {
        self.source
    }

    /// The `DPoP` headers that came with it (RFC 9449 §4.1), if it came as one that needs a proof.
    #[must_use]
    pub fn proofs(&self) -> &[Box<str>] {
        &self.proofs
    }

    /// The one credential of a request. A token in the query is never one (RFC 6750 §2.3, RFC 9700 §4.3.2).
    ///
    /// # Errors
    ///
    /// No credential, more than one, or one that is not a bearer token.
    pub fn of(parts: &Parts) -> Result<Self, Denial> {
        let mut found = None;
        for name in [&AUTHORIZATION, &KEYS[0], &KEYS[1]] {
            let Some(value) = one(&parts.headers, name)? else { continue };
            if let Some((other, _)) = found.replace((name, value)) {
                return Err(two(format!("both `{other}` and `{name}` carry a credential; send one")));
            }
        }
        let Some((name, value)) = found else {
            return Err(Denial::no_credentials());
        };
        if has_token(parts.uri.query().unwrap_or_default()) {
            return Err(two(format!("both `{name}` and the query carry a token; send one")));
        }
        if name != AUTHORIZATION {
            return Ok(Self::new(text(value)?, Source::ApiKey));
        }
        let mut credential = bearer(value)?;
        if credential.source == Source::Dpop {
            let proofs = parts.headers.get_all("dpop").iter();
            credential.proofs = proofs.map(|proof| proof.to_str().unwrap_or_default().into()).collect();
        }
        Ok(credential)
    }
}

fn two(message: impl Into<Cow<'static, str>>) -> Denial {
    Denial::invalid_request("multiple_credentials").with_message(message)
}

fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Denial> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(_), Some(_)) => Err(two(format!("two `{name}` headers; send one"))),
        (first, _) => Ok(first),
    }
}

fn text(value: &HeaderValue) -> Result<&str, Denial> {
    value.to_str().map_err(|_| Denial::invalid_token("malformed_token").with_reason("malformed"))
}

/// `Bearer`, one space, the token (RFC 6750 §2.1). The scheme's case does not matter (RFC 9110 §11.1).
pub(crate) fn bearer(value: &HeaderValue) -> Result<Credential, Denial> {
    let value = text(value)?;
    let end = value.find([' ', '\t']).unwrap_or(value.len());
    let (scheme, rest) = value.split_at(end);
    let source = match scheme {
        _ if scheme.eq_ignore_ascii_case("bearer") => Source::Authorization,
        _ if scheme.eq_ignore_ascii_case("dpop") => Source::Dpop,
        _ => return Err(Denial::no_credentials().with_reason("unsupported_scheme")),
    };
    let token = rest.strip_prefix(' ').unwrap_or(rest);
    if token.contains(',') {
        return Err(two("two credentials in one `Authorization` header; send one"));
    }
    if token.starts_with([' ', '\t']) {
        return Err(Denial::invalid_request("invalid_request")
            .with_message("one space goes between `Bearer` and the token"));
    }
    Ok(Credential::new(token, source))
}

/// Whether the query has an `access_token`, however it is escaped.
fn has_token(query: &str) -> bool {
    query.split('&').any(|pair| {
        let key = pair.split_once('=').map_or(pair, |(key, _)| key);
        unescaped(key.as_bytes()).eq(b"access_token".iter().copied())
    })
}

fn unescaped(key: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let hex = |at: usize| char::from(*key.get(at)?).to_digit(16);
    let mut at = 0;
    std::iter::from_fn(move || {
        let byte = *key.get(at)?;
        at += 1;
        if byte == b'%'
            && let (Some(high), Some(low)) = (hex(at), hex(at + 1))
        {
            at += 2;
            return u8::try_from(high * 16 + low).ok();
        }
        Some(byte)
    })
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("source", &self.source).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uri: &str, headers: &[(&str, &str)]) -> Result<Credential, Denial> {
        let mut request = http::Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Credential::of(&request.body(()).expect("a valid request").into_parts().0)
    }

    fn refusal(uri: &str, headers: &[(&str, &str)]) -> (u16, Box<str>) {
        let denial = of(uri, headers).expect_err("is refused");
        (denial.status().as_u16(), denial.reason().into())
    }

    #[test]
    fn the_scheme_is_case_insensitive_and_the_spacing_is_not_free() {
        for scheme in ["Bearer", "bearer", "BEARER"] {
            let value = format!("{scheme} a.b.c");
            assert_eq!(of("/", &[("authorization", &value)]).expect("is fine").token(), "a.b.c");
        }
        for value in ["Bearer  a.b.c", "Bearer\ta.b.c"] {
            assert_eq!(refusal("/", &[("authorization", value)]), (400, "invalid_request".into()));
        }
        assert_eq!(refusal("/", &[("authorization", "Basic YTpi")]), (401, "unsupported_scheme".into()));
    }

    #[test]
    fn two_credentials_are_refused_naming_both() {
        let two: [&[(&str, &str)]; 4] = [
            &[("authorization", "Bearer a"), ("authorization", "Bearer a")],
            &[("authorization", "Bearer a, Bearer b")],
            &[("x-api-key", "a"), ("x-api-key", "b")],
            &[("authorization", "Bearer a"), ("x-api-key", "a")],
        ];
        for headers in two {
            assert_eq!(refusal("/", headers), (400, "multiple_credentials".into()));
        }
        let denial = of("/", two[3]).expect_err("is refused").to_string();
        assert!(denial.contains("authorization") && denial.contains("x-api-key"), "{denial}");
    }

    #[test]
    fn a_token_in_the_query_is_no_credential() {
        for query in ["/?access_token=a.b.c", "/?x=1&access%5Ftoken=a", "/?access_token"] {
            assert_eq!(refusal(query, &[]), (401, "no_credentials".into()));
            assert_eq!(refusal(query, &[("authorization", "Bearer a")]).0, 400);
            assert_eq!(refusal(query, &[("x-api-key", "a")]).0, 400);
        }
        assert!(of("/?my_access_token=1", &[("authorization", "Bearer a")]).is_ok());
    }

    #[test]
    fn debug_hides_the_token() {
        assert!(!format!("{:?}", Credential::new("secret", Source::ApiKey)).contains("secret"));
    }
}
