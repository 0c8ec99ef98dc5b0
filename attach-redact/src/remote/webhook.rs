use std::fmt;

use http::header::{AUTHORIZATION, HeaderValue};
use serde::{Deserialize, Serialize};

use super::places::Found;
use super::{Remote, base_url, placed, post};
use crate::{ConfigError, Fault, Inspect, Inspection};

/// An engine of your own behind HTTP.
///
/// It gets `POST url` with `{"texts": ["…", "…"]}` and answers 200 with a list of findings for each text, in their order:
///
/// ```json
/// {"findings": [[{"start": 9, "end": 16, "entity": "PROJECT", "score": 0.9}], []]}
/// ```
///
/// `start` and `end` count characters (Unicode scalar values, as Python does), `end` excluded; `score` is 0 to 1. An
/// answer may also have `"refuse": ["a rule's name"]`, and the request is refused with 400 `content_blocked`.
#[must_use]
pub struct Webhook {
    url: String,
    remote: Remote,
    authorization: Option<HeaderValue>,
    source: Option<&'static str>,
}

#[derive(Serialize)]
struct Question<'a> {
    /// Absent for requests: who answers about nothing else need not know of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'static str>,
    texts: &'a [&'a str],
}

#[derive(Deserialize)]
struct Answer {
    findings: Vec<Vec<Found>>,
    #[serde(default)]
    refuse: Vec<String>,
}

impl Webhook {
    /// The engine at `url`.
    ///
    /// # Errors
    ///
    /// A URL that is neither `http` nor `https`, or has a user or a query.
    pub fn new(url: &str, remote: Remote) -> Result<Self, ConfigError> {
        base_url(url)?;
        Ok(Self { url: url.to_owned(), remote, authorization: None, source: None })
    }

    /// A secret that shows the engine who asks: `Authorization: Bearer {secret}`.
    ///
    /// # Errors
    ///
    /// A secret that cannot stand in a header.
    pub fn bearer(self, secret: &str) -> Result<Self, ConfigError> {
        let mut value = HeaderValue::try_from(format!("Bearer {secret}"))
            .map_err(|_| ConfigError::Remote("the secret has characters that no header can have".into()))?;
        value.set_sensitive(true);
        Ok(Self { authorization: Some(value), ..self })
    }

    /// Asks about answers: the question says `"source": "answer"`. For
    /// [`Builder::answer_inspector`](crate::Builder::answer_inspector).
    pub fn of_answers(self) -> Self {
        Self { source: Some("answer"), ..self }
    }

    async fn ask(&self, texts: &[&str]) -> Result<Answer, Fault> {
        let mut request = post(&self.url, &Question { source: self.source, texts })?;
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        self.remote.ask(request).await
    }
}

impl Inspect for Webhook {
    fn name(&self) -> &'static str {
        "webhook"
    }

    async fn inspect(&self, texts: &[&str]) -> Result<Inspection, Fault> {
        let answer = self.remote.in_time(self.ask(texts)).await?;
        let mut seen = placed(texts, answer.findings)?;
        answer.refuse.iter().for_each(|rule| seen.refuse(rule.chars().take(64).collect::<String>()));
        Ok(seen)
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("url", &self.url)
            .field("remote", &self.remote)
            .finish_non_exhaustive()
    }
}
