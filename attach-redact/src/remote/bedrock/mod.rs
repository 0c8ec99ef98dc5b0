//! Amazon Bedrock Guardrails: a guardrail's policies, asked about without a model.
//!
//! Source: [`ApplyGuardrail`](https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ApplyGuardrail.html).

use std::fmt;
use std::time::SystemTime;

use attach_core::aws::{self, Content as Signed, Signer, Unsigned};
use bytes::Bytes;
use http::Request;
use serde::Serialize;

mod answer;
mod credentials;
mod entities;
mod matches;
mod pieces;

pub use self::credentials::Credentials;
pub use attach_core::aws::AccessKey;

use self::answer::Answer;
use self::matches::Matches;
use super::{Remote, base_url, post};
use crate::inspect::{Answer as Asked, together};
use crate::{ConfigError, Fault, Inspect, Inspection};

/// A guardrail of Amazon Bedrock.
///
/// What its sensitive-information policy finds, built-in types and its own regular expressions, are findings; what it is
/// set to *block*, of whatever policy, refuses the request. Bedrock names what it found but not where: every occurrence
/// in the request counts.
///
/// Texts are sent as `INPUT` (those of [answers](Self::of_answers) as `OUTPUT`), long ones in pieces that overlap by some words.
///
/// ```
/// use std::sync::Arc;
///
/// use attach_core::client::Client;
/// use attach_redact::remote::Remote;
/// use attach_redact::remote::bedrock::{AccessKey, BedrockGuardrails};
/// use attach_redact::{Redactor, WhenDown};
///
/// let key = AccessKey::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
/// let remote = Remote::new(Arc::new(Client::new()?));
/// let guardrail = BedrockGuardrails::new("eu-central-1", "gr1d2e3f4g5h", "1", key, remote)?;
/// let redactor = Redactor::builder().inspector(guardrail, WhenDown::Closed).build()?;
/// # let _ = redactor;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct BedrockGuardrails {
    endpoint: String,
    path: String,
    signer: Signer,
    credentials: Box<dyn Credentials>,
    remote: Remote,
    characters: usize,
    side: Side,
}

/// Whose words the guardrail is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Side {
    Input,
    Output,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Question<'a> {
    source: Side,
    /// Also what is detected without being acted on.
    output_scope: &'static str,
    content: Vec<Content<'a>>,
}

#[derive(Serialize)]
struct Content<'a> {
    text: Text<'a>,
}

#[derive(Serialize)]
struct Text<'a> {
    text: &'a str,
}

impl BedrockGuardrails {
    /// How many characters one call has unless set: 25 text units of 1,000, Bedrock's default quota for a second.
    pub const DEFAULT_CHARACTERS: usize = 25_000;

    /// The guardrail with the id or ARN `guardrail`, in its `version`: a number or `DRAFT`.
    ///
    /// # Errors
    ///
    /// A region, a guardrail or a version that cannot be one.
    pub fn new(
        region: &str,
        guardrail: &str,
        version: &str,
        credentials: impl Credentials,
        remote: Remote,
    ) -> Result<Self, ConfigError> {
        let wrong = |what: &str| Err(ConfigError::Remote(what.into()));
        let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if !aws::is_region(region) {
            return wrong("region: no region of AWS, such as eu-central-1");
        }
        let is_arn = guardrail.starts_with("arn:aws") && guardrail.contains(":guardrail/");
        let in_arn = |byte: u8| lower(byte) || matches!(byte, b'-' | b':' | b'/');
        let known = if is_arn { guardrail.bytes().all(in_arn) } else { guardrail.bytes().all(lower) };
        if guardrail.is_empty() || guardrail.len() > 2048 || !known {
            return wrong("guardrail: neither the id nor the ARN of a guardrail");
        }
        let number = !version.starts_with('0') && version.bytes().all(|byte| byte.is_ascii_digit());
        if version != "DRAFT" && (version.is_empty() || version.len() > 8 || !number) {
            return wrong("version: neither a number nor DRAFT");
        }
        Ok(Self {
            endpoint: format!("https://bedrock-runtime.{region}.{}", aws::public_domain(region)),
            path: format!("/guardrail/{}/version/{version}/apply", aws::path_segment(guardrail)),
            signer: Signer::new(region, "bedrock"),
            credentials: Box::new(credentials),
            remote,
            characters: Self::DEFAULT_CHARACTERS,
            side: Side::Input,
        })
    }

    /// Another endpoint than the region's public one: a VPC endpoint, a FIPS endpoint.
    ///
    /// # Errors
    ///
    /// A URL that is neither `http` nor `https`, or has a user or a query.
    pub fn endpoint(self, url: &str) -> Result<Self, ConfigError> {
        Ok(Self { endpoint: base_url(url)?, ..self })
    }

    /// How many characters one call may have, at least 1,000: what the quota of your account allows.
    pub fn characters(self, characters: usize) -> Self {
        Self { characters: characters.max(1000), ..self }
    }

    /// Asks about answers: texts are sent as `OUTPUT`, and what the guardrail only detects is no finding. For
    /// [`Builder::answer_inspector`](crate::Builder::answer_inspector).
    pub fn of_answers(self) -> Self {
        Self { side: Side::Output, ..self }
    }

    fn request(&self, content: &[&str]) -> Result<Request<Bytes>, Fault> {
        let content = content.iter().map(|text| Content { text: Text { text } }).collect();
        let question = Question { source: self.side, output_scope: "FULL", content };
        let mut request = post(&format!("{}{}", self.endpoint, self.path), &question)?;
        let key = self.credentials.access_key()?;
        let unsigned = Unsigned {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
            content: Signed::Bytes(request.body()),
        };
        let signed = self.signer.sign(&unsigned, &key, SystemTime::now());
        let signed = signed.map_err(|error| Fault::new(error.to_string()))?;
        request.headers_mut().extend(signed);
        Ok(request)
    }

    async fn apply(&self, content: &[&str]) -> Result<Answer, Fault> {
        self.remote.ask(self.request(content)?).await
    }
}

impl Inspect for BedrockGuardrails {
    fn name(&self) -> &'static str {
        "bedrock-guardrails"
    }

    async fn inspect(&self, texts: &[&str]) -> Result<Inspection, Fault> {
        let calls = pieces::calls(texts, self.characters);
        let asked = calls.iter().map(|content| -> Asked<'_, _> { Box::pin(self.apply(content)) });
        let answers = self.remote.in_time(together(asked.collect())).await?;
        let (mut seen, mut matches) = (Inspection::new(), Matches::default());
        for answer in answers {
            answer.read(self.side, &mut seen, &mut matches)?;
        }
        matches.find(texts, &mut seen)?;
        Ok(seen)
    }
}

/// Names no guardrail and no key.
impl fmt::Debug for BedrockGuardrails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BedrockGuardrails")
            .field("endpoint", &self.endpoint)
            .field("remote", &self.remote)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn guardrail(region: &str, guardrail: &str, version: &str) -> Result<BedrockGuardrails, ConfigError> {
        let fetch = Arc::new(attach_core::client::Client::new().unwrap());
        let key = AccessKey::new("AKIDEXAMPLE", "secret");
        BedrockGuardrails::new(region, guardrail, version, key, Remote::new(fetch))
    }

    #[test]
    fn what_cannot_be_a_guardrail_is_refused_at_start() {
        for (region, id, version) in [
            ("", "gr1", "1"),
            ("eu central", "gr1", "1"),
            ("eu-central-1.evil.example/", "gr1", "1"),
            ("eu-central-1", "", "1"),
            ("eu-central-1", "GR/../1", "1"),
            ("eu-central-1", "gr1", "01"),
            ("eu-central-1", "gr1", "latest"),
            ("eu-central-1", "gr1", ""),
        ] {
            assert!(guardrail(region, id, version).is_err(), "{region:?} {id:?} {version:?}");
        }
    }

    #[test]
    fn an_arn_is_one_segment_of_the_path() {
        let arn = "arn:aws:bedrock:eu-central-1:123456789012:guardrail/gr1";
        let request = guardrail("eu-central-1", arn, "DRAFT").unwrap().request(&["x"]).unwrap();
        assert_eq!(request.uri().host(), Some("bedrock-runtime.eu-central-1.amazonaws.com"));
        let path = "/guardrail/arn%3Aaws%3Abedrock%3Aeu-central-1%3A123456789012%3Aguardrail%2Fgr1/version/DRAFT/apply";
        assert_eq!(request.uri().path(), path);
        assert!(guardrail("cn-north-1", "gr1", "2").unwrap().endpoint.ends_with(".amazonaws.com.cn"));
    }

    #[test]
    fn debug_shows_no_key() {
        assert!(!format!("{:?}", guardrail("eu-central-1", "gr1", "1").unwrap()).contains("AKID"));
    }
}
