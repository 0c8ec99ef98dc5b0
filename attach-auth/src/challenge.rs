//! The `WWW-Authenticate` of a refusal (RFC 6750 §3, RFC 9449 §7.1, RFC 9470 §3, RFC 9728 §5.1).

use std::sync::Arc;

use http::Extensions;

/// The realm that challenges name unless the service says another.
const REALM: &str = "attach";

/// The algorithms of the proofs that a sender-constrained token needs (RFC 9449 §7.1).
pub(crate) const DPOP_ALGORITHMS: &str = "ES256 ES384 ES512 PS256 PS384 PS512 RS256 RS384 RS512 EdDSA";

/// What every challenge of one layer says.
#[derive(Debug, Clone)]
pub(crate) struct Challenge {
    realm: Box<str>,
    resource_metadata: Option<Box<str>>,
}

impl Challenge {
    pub(crate) fn new(realm: &str) -> Self {
        Self { realm: quotable(realm), resource_metadata: None }
    }

    /// That of the layer which let the caller in, for refusals further inside.
    pub(crate) fn of(extensions: &Extensions) -> Arc<Self> {
        extensions.get::<Arc<Self>>().cloned().unwrap_or_default()
    }

    pub(crate) fn set_realm(&mut self, realm: &str) {
        self.realm = quotable(realm);
    }

    pub(crate) fn set_resource_metadata(&mut self, url: &str) {
        self.resource_metadata = Some(quotable(url));
    }

    /// Without `error`: nothing was shown that could be wrong (RFC 6750 §3.1).
    pub(crate) fn bare(&self) -> String {
        self.scheme("Bearer")
    }

    fn scheme(&self, scheme: &str) -> String {
        let mut text = format!("{scheme} realm=\"{}\"", self.realm);
        if let Some(url) = &self.resource_metadata {
            text.push_str(&format!(", resource_metadata=\"{url}\""));
        }
        text
    }

    pub(crate) fn error(&self, error: &str, description: &str) -> String {
        format!("{}{}", self.bare(), fault(error, description))
    }

    /// A token that has to come with a proof of possession (RFC 9449 §7.1).
    pub(crate) fn dpop(&self, error: &str, description: &str) -> String {
        format!("{}{}, algs=\"{DPOP_ALGORITHMS}\"", self.scheme("DPoP"), fault(error, description))
    }

    /// A caller who has to authenticate more strongly, or again (RFC 9470 §3).
    pub(crate) fn step_up(&self, description: &str, acr_values: &str, max_age: Option<u64>) -> String {
        let mut text = self.error("insufficient_user_authentication", description);
        if !acr_values.is_empty() {
            text.push_str(&format!(", acr_values=\"{}\"", quotable(acr_values)));
        }
        if let Some(seconds) = max_age {
            text.push_str(&format!(", max_age=\"{seconds}\""));
        }
        text
    }

    pub(crate) fn insufficient(&self, description: &str, scope: Option<&str>) -> String {
        let mut text = self.error("insufficient_scope", description);
        if let Some(scope) = scope {
            text.push_str(&format!(", scope=\"{}\"", quotable(scope)));
        }
        text
    }
}

impl Default for Challenge {
    fn default() -> Self {
        Self::new(REALM)
    }
}

fn fault(error: &str, description: &str) -> String {
    format!(", error=\"{error}\", error_description=\"{}\"", quotable(description))
}

/// The characters that RFC 6750 §3 allows in all of its parameters.
fn quotable(text: &str) -> Box<str> {
    text.chars().filter(|c| matches!(c, ' ' | '!' | '#'..='[' | ']'..='~')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_break_out_of_its_quotes() {
        let challenge = Challenge::new("a\"b\\c\r\nd");
        assert_eq!(challenge.bare(), "Bearer realm=\"abcd\"");
    }

    #[test]
    fn the_parameters_of_rfc_9470_only_where_they_say_something() {
        let challenge = Challenge::default();
        let start =
            "Bearer realm=\"attach\", error=\"insufficient_user_authentication\", error_description=\"x\"";
        assert_eq!(
            challenge.step_up("x", "phr phrh", Some(3600)),
            format!("{start}, acr_values=\"phr phrh\", max_age=\"3600\"")
        );
        assert_eq!(challenge.step_up("x", "", None), start);
    }

    #[test]
    fn a_proof_is_asked_for_by_its_own_scheme() {
        let text = Challenge::default().dpop("invalid_token", "x");
        assert!(text.starts_with("DPoP realm=\"attach\", error=\"invalid_token\""), "{text}");
        assert!(text.contains(", algs=\"ES256 "), "{text}");
        for algorithm in DPOP_ALGORITHMS.split(' ') {
            assert!(algorithm.parse::<crate::jws::Algorithm>().is_ok(), "{algorithm}");
        }
    }

    #[test]
    fn the_parameters_of_rfc_6750_and_9728() {
        let mut challenge = Challenge::new("gw");
        challenge.set_resource_metadata("https://gw/.well-known/oauth-protected-resource");
        assert_eq!(
            challenge.insufficient("insufficient_scope", Some("llm.invoke")),
            "Bearer realm=\"gw\", resource_metadata=\"https://gw/.well-known/oauth-protected-resource\", \
             error=\"insufficient_scope\", error_description=\"insufficient_scope\", scope=\"llm.invoke\""
        );
    }
}
