//! The `WWW-Authenticate` of a refusal (RFC 6750 §3, RFC 9728 §5.1).

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

    pub(crate) fn set_realm(&mut self, realm: &str) {
        self.realm = quotable(realm);
    }

    pub(crate) fn set_resource_metadata(&mut self, url: &str) {
        self.resource_metadata = Some(quotable(url));
    }

    /// Without `error`: nothing was shown that could be wrong (RFC 6750 §3.1).
    pub(crate) fn bare(&self) -> String {
        let mut text = format!("Bearer realm=\"{}\"", self.realm);
        if let Some(url) = &self.resource_metadata {
            text.push_str(&format!(", resource_metadata=\"{url}\""));
        }
        text
    }

    pub(crate) fn error(&self, error: &str, description: &str) -> String {
        format!("{}, error=\"{error}\", error_description=\"{}\"", self.bare(), quotable(description))
    }

    pub(crate) fn insufficient(&self, description: &str, scope: Option<&str>) -> String {
        let mut text = self.error("insufficient_scope", description);
        if let Some(scope) = scope {
            text.push_str(&format!(", scope=\"{}\"", quotable(scope)));
        }
        text
    }
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
