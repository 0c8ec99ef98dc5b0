use std::fmt;

use serde::{Deserialize, Serialize};

use super::places::Found;
use super::{Remote, base_url, post};
use crate::{ConfigError, Fault, Inspect, Inspection};

/// A Microsoft Presidio analyzer: `POST {url}/analyze`.
///
/// Source: `presidio-analyzer/app.py` of [Presidio](https://github.com/microsoft/presidio). The texts of a request are
/// sent as one batch, which analyzers before version 2.2.361 do not know: see [`batch`](Self::batch).
#[must_use]
pub struct Presidio {
    url: String,
    remote: Remote,
    language: String,
    score_threshold: Option<f32>,
    entities: Option<Vec<String>>,
    batch: bool,
}

#[derive(Serialize)]
struct Question<'a> {
    text: Texts<'a>,
    language: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    score_threshold: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entities: Option<&'a [String]>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Texts<'a> {
    One(&'a str),
    All(&'a [&'a str]),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    All(Vec<Vec<Found>>),
    One(Vec<Found>),
}

impl Presidio {
    /// The analyzer at `url`, without `/analyze`, for English.
    ///
    /// # Errors
    ///
    /// A URL that is neither `http` nor `https`, or has a user or a query.
    pub fn new(url: &str, remote: Remote) -> Result<Self, ConfigError> {
        Ok(Self {
            url: format!("{}/analyze", base_url(url)?),
            remote,
            language: "en".to_owned(),
            score_threshold: None,
            entities: None,
            batch: true,
        })
    }

    /// The language the analyzer takes the texts for, such as `de`.
    pub fn language(self, language: impl Into<String>) -> Self {
        Self { language: language.into(), ..self }
    }

    /// From which score on the analyzer mentions a finding, 0 to 1; its own default unless set.
    pub fn score_threshold(self, score: f32) -> Self {
        Self { score_threshold: Some(score), ..self }
    }

    /// What the analyzer looks for, by its own names; everything it can find unless set.
    pub fn entities<E: Into<String>>(self, entities: impl IntoIterator<Item = E>) -> Self {
        Self { entities: Some(entities.into_iter().map(Into::into).collect()), ..self }
    }

    /// Whether the texts of a request are sent together; on unless set. Off, each is a call of its own.
    pub fn batch(self, on: bool) -> Self {
        Self { batch: on, ..self }
    }

    async fn analyze(&self, texts: Texts<'_>) -> Result<Answer, Fault> {
        let Self { language, score_threshold, entities, .. } = self;
        let question = Question {
            text: texts,
            language,
            score_threshold: *score_threshold,
            entities: entities.as_deref(),
        };
        self.remote.ask(post(&self.url, &question)?).await
    }

    async fn each(&self, texts: &[&str]) -> Result<Vec<Vec<Found>>, Fault> {
        let calls = texts.iter().map(|text| -> crate::inspect::Answer<'_, _> {
            Box::pin(async move {
                match self.analyze(Texts::One(text)).await? {
                    Answer::One(found) => Ok(found),
                    // An empty list is both.
                    Answer::All(all) if all.is_empty() => Ok(Vec::new()),
                    Answer::All(_) => Err(Fault::new("presidio answered for another number of texts")),
                }
            })
        });
        crate::inspect::together(calls.collect()).await
    }

    async fn all(&self, texts: &[&str]) -> Result<Vec<Vec<Found>>, Fault> {
        match self.analyze(Texts::All(texts)).await? {
            Answer::All(all) if all.len() == texts.len() => Ok(all),
            _ => Err(Fault::new("presidio answered for another number of texts")),
        }
    }
}

impl Inspect for Presidio {
    fn name(&self) -> &'static str {
        "presidio"
    }

    async fn inspect(&self, texts: &[&str]) -> Result<Inspection, Fault> {
        let found = async {
            if self.batch && texts.len() > 1 { self.all(texts).await } else { self.each(texts).await }
        };
        super::placed(texts, self.remote.in_time(found).await?)
    }
}

impl fmt::Debug for Presidio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presidio")
            .field("url", &self.url)
            .field("remote", &self.remote)
            .finish_non_exhaustive()
    }
}
