use serde_json::{Value, json};

use super::fixture::{Expected, challenge};
use super::site::{Site, exchange};
use crate::support::{Answer, Signer, claims, claims_with};

/// One request of a recipe.
pub(super) struct Shot {
    site: Site,
    request: Vec<u8>,
    status: Option<u16>,
    reason: Option<&'static str>,
    /// Why it comes out otherwise than the recipe has it.
    although: Option<&'static str>,
}

impl Shot {
    pub(super) fn raw(site: Site, request: impl Into<Vec<u8>>) -> Self {
        Self { site, request: request.into(), status: None, reason: None, although: None }
    }

    /// A request whose only other headers are these lines.
    pub(super) fn head(site: Site, target: &str, lines: &str) -> Self {
        Self::raw(site, format!("GET {target} HTTP/1.1\r\nhost: gw\r\nconnection: close\r\n{lines}\r\n\r\n"))
    }

    pub(super) fn bearer(site: Site, token: &str) -> Self {
        Self::head(site, "/v1/models", &format!("authorization: Bearer {token}"))
    }

    /// A good token but for its claims, to the service that knows its key.
    pub(super) fn claims(changes: Value) -> Self {
        let signer = Signer::es256("k");
        Self::bearer(Site::of(&[&signer]), &signer.token(&claims_with(changes)))
    }

    /// A good token but for its header, which has `alg` and `kid` besides `more`.
    pub(super) fn header(more: Value) -> Self {
        let (signer, mut header) = (Signer::es256("k"), json!({"alg": "ES256", "kid": "k"}));
        for (name, value) in more.as_object().expect("an object") {
            header[name] = value.clone();
        }
        Self::bearer(Site::of(&[&signer]), &signer.token_with(&header, &claims()))
    }

    /// A good signature over whatever payload.
    pub(super) fn payload(payload: impl AsRef<[u8]>) -> Self {
        let signer = Signer::es256("k");
        let token = signer.raw(r#"{"alg":"ES256","kid":"k"}"#, payload);
        Self::bearer(Site::of(&[&signer]), &token)
    }

    /// Which of the recipe's answers it is.
    pub(super) fn expects(mut self, status: u16, reason: &'static str) -> Self {
        (self.status, self.reason) = (Some(status), Some(reason));
        self
    }

    /// The recipe names another answer; this is why it is not given.
    pub(super) fn although(mut self, why: &'static str) -> Self {
        self.although = Some(why);
        self
    }

    pub(super) async fn check(self, expected: &Expected) {
        let address = self.site.start().await;
        let answer = exchange(address, &self.request).await;
        let shown = String::from_utf8_lossy(&self.request[..self.request.len().min(200)]).into_owned();
        let context = format!("{}: {shown:?} → {answer:?}", expected.id);
        let status = self.status.unwrap_or(expected.statuses[0]);
        let reason = self.reason.unwrap_or(&expected.reasons[0]);
        assert_eq!(answer.status, status, "{context}");
        let told = answer.headers.get("x-test-reason").map_or("", |told| told.to_str().expect("is text"));
        assert_eq!(told, reason, "{context}");
        let named =
            expected.statuses.contains(&status) && expected.reasons.iter().any(|known| known == reason);
        assert_eq!(named, self.although.is_none(), "{context}");
        assert!(!told.is_empty() || self.although.is_some(), "{context}");
        check_challenge(&answer, expected, &context);
    }
}

/// Every parameter of the recipe has to be there, and an error only where the recipe has one.
fn check_challenge(answer: &Answer, expected: &Expected, context: &str) {
    if ![400, 401, 403].contains(&answer.status) {
        assert_eq!(answer.challenge(), "", "{context}");
        return;
    }
    // Refusals of the server itself come before anything of ours.
    let (Some((scheme, parameters)), true) = (&expected.challenge, !answer.challenge().is_empty()) else {
        return assert!(
            expected.challenge.is_none() || answer.headers.get("x-test-reason").is_none(),
            "{context}"
        );
    };
    let (got, got_parameters) = challenge(answer.challenge());
    assert_eq!(got, *scheme, "{context}");
    let got = |name: &str| got_parameters.iter().find(|(got, _)| got == name).map(|(_, value)| &**value);
    assert_eq!(got("realm"), Some("gw"), "{context}");
    assert_eq!(got("error").is_some(), parameters.iter().any(|(name, _)| name == "error"), "{context}");
    for (name, value) in parameters.iter().filter(|(name, _)| name != "realm") {
        let got = got(name).unwrap_or_else(|| panic!("no {name}: {context}"));
        if name == "algs" {
            assert!(
                value.split(' ').all(|algorithm| got.split(' ').any(|got| got == algorithm)),
                "{context}"
            );
        } else {
            assert_eq!(got, value, "{context}");
        }
    }
}
