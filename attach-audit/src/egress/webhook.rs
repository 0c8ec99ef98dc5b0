//! Records posted to a webhook, in the shape of [Standard Webhooks](https://www.standardwebhooks.com).

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use attach_core::Fetch;
use bytes::Bytes;
use http::{Request, Uri};

use super::answer::{refusal, unreachable};
use super::aside::aside;
use super::{Batch, Delivered, SendError, SendFuture, SigningKey, Target};
use crate::format::Format;
use crate::read::Entry;

/// A webhook that takes records as NDJSON: a line each. An answer of 2xx takes the batch.
///
/// `webhook-id` is the `id` of a batch's first record, so a batch that is sent again has the same one, though it may
/// be longer after a restart. With a key, `webhook-signature` covers the id, `webhook-timestamp` and the body.
#[derive(Clone)]
pub struct Webhook {
    name: Box<str>,
    url: Uri,
    key: Option<SigningKey>,
    format: Format,
    fetch: Arc<dyn Fetch>,
}

impl Webhook {
    /// Posts to `url`, not signed, in the native format.
    ///
    /// # Errors
    ///
    /// If `url` is none.
    pub fn new(name: impl Into<Box<str>>, url: &str, fetch: Arc<dyn Fetch>) -> Result<Self, http::Error> {
        let url = url.parse::<Uri>()?;
        Ok(Self { name: name.into(), url, key: None, format: Format::Native, fetch })
    }

    /// Signs what is sent.
    #[must_use]
    pub fn signed(self, key: SigningKey) -> Self {
        Self { key: Some(key), ..self }
    }

    /// Replaces the format.
    #[must_use]
    pub fn format(self, format: Format) -> Self {
        Self { format, ..self }
    }

    fn request(&self, batch: &Batch) -> (Result<Request<Bytes>, http::Error>, u64) {
        let (mut body, mut rejected, mut id) = (Vec::new(), 0, String::new());
        for line in batch.lines() {
            let Ok(entry) = Entry::parse(&line.bytes) else {
                rejected += 1;
                continue;
            };
            if body.is_empty() {
                id = entry.id.to_string();
            }
            self.format.write(&entry, &line.bytes, &mut body);
            body.push(b'\n');
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_string();
        let mut request = Request::post(&self.url)
            .header("content-type", "application/x-ndjson")
            .header("webhook-id", &id)
            .header("webhook-timestamp", &now);
        if let Some(key) = &self.key {
            let parts = [id.as_bytes(), b".", now.as_bytes(), b".", &body];
            request = request.header("webhook-signature", key.sign(&parts));
        }
        (request.body(body.into()), rejected)
    }
}

impl Target for Webhook {
    fn name(&self) -> &str {
        &self.name
    }

    fn send(&self, batch: Batch) -> SendFuture {
        let target = self.clone();
        Box::pin(async move {
            let fetch = Arc::clone(&target.fetch);
            let (request, rejected) = aside(move || target.request(&batch)).await?;
            let request = request.map_err(|_| SendError::Refused("its URL cannot be asked".into()))?;
            if request.body().is_empty() {
                return Ok(Delivered::all_but(rejected));
            }
            let answer = fetch.fetch(request).await.map_err(|error| unreachable(&error))?;
            if answer.status().is_success() {
                return Ok(Delivered::all_but(rejected));
            }
            Err(refusal(&answer, None))
        })
    }
}

/// Without the URL, which may be a secret by itself.
impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signed = self.key.is_some();
        f.debug_struct("Webhook").field("name", &self.name).field("signed", &signed).finish_non_exhaustive()
    }
}
