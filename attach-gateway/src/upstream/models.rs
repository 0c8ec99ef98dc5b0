//! What an upstream says of its models.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use attach_core::{Dialect, Rejection};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Limited};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::place::Place;
use super::{dispatch, paths, refusal};
use crate::config::Kind;

/// Longest list of models an upstream may have, in bytes.
const MAX_LIST: usize = 4 << 20;

/// How long an upstream may take to say which models it has, while a person waits to choose one.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long what it said, or that it said nothing, is remembered.
const FRESH: Duration = Duration::from_secs(10);

/// A model callers may ask for.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) name: Arc<str>,
    /// The upstream's own description, in its dialect.
    pub(crate) native: Option<(Dialect, Value)>,
}

/// The last list of an upstream, whatever its age, and when it was last asked for.
#[derive(Default)]
pub(super) struct List(Mutex<Option<Known>>);

struct Known {
    asked: Instant,
    list: Option<Arc<[Listed]>>,
}

impl Place {
    /// Its models, as they were a moment ago; while it does not say, as they were when it last did. Who comes while it is
    /// being asked waits for the same answer.
    ///
    /// # Errors
    ///
    /// When it does not say and never did.
    pub(crate) async fn models(&self) -> Result<Arc<[Listed]>, Rejection> {
        let mut known = self.list.0.lock().await;
        let before = known.as_ref().and_then(|known| known.list.clone());
        if known.as_ref().is_some_and(|known| known.asked.elapsed() < FRESH) {
            return before.ok_or_else(|| refusal::unreachable("it gave no list of models a moment ago"));
        }
        let wait = PATIENCE.min(self.upstream.timeouts.idle);
        let asked = tokio::time::timeout(wait, ask(self)).await.unwrap_or_else(|_| Err(refusal::timeout()));
        let list = asked.as_ref().ok().cloned().or(before);
        *known = Some(Known { asked: Instant::now(), list: list.clone() });
        match (asked, list) {
            (Err(rejection), None) => Err(rejection),
            (Err(rejection), Some(list)) => {
                let why = rejection.reason().unwrap_or(rejection.code());
                tracing::warn!(upstream = %self.upstream.name, %why, "no new list of models; the last one is shown");
                Ok(list)
            }
            (Ok(list), _) => Ok(list),
        }
    }
}

/// Asks in the first dialect it speaks.
async fn ask(place: &Place) -> Result<Arc<[Listed]>, Rejection> {
    // Amazon lists models at another host, which is not asked.
    if place.upstream.kind == Kind::Bedrock {
        return Ok(Arc::default());
    }
    let dialect = place.upstream.dialects.first().copied().unwrap_or(Dialect::OpenAi);
    let list = fetch(place, dialect).await?;
    let (key, name) = if dialect == Dialect::Ollama { ("models", "name") } else { ("data", "id") };
    let entries =
        list.get(key).and_then(Value::as_array).ok_or_else(|| refusal::unreadable("no list of models"))?;
    let listed = |entry: &Value| {
        let name = entry.get(name)?.as_str()?;
        Some(Listed { name: name.into(), native: Some((dialect, entry.clone())) })
    };
    Ok(entries.iter().filter_map(listed).collect())
}

async fn fetch(place: &Place, dialect: Dialect) -> Result<Value, Rejection> {
    let path = paths::list(&place.upstream, dialect);
    let uri =
        dispatch::uri(&place.upstream.url, &path).map_err(|why| refusal::unreachable(&why.to_string()))?;
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = uri;
    if dialect == Dialect::Anthropic {
        request.headers_mut().insert("anthropic-version", http::HeaderValue::from_static("2023-06-01"));
    }
    let response =
        place.ask(request, dialect).await.map_err(|error| refusal::unreachable(&error.to_string()))?;
    if !response.status().is_success() {
        return Err(refusal::unreadable("the list of models was refused"));
    }
    let body = Limited::new(response.into_body(), MAX_LIST).collect().await;
    let bytes = body.map_err(|_| refusal::broke())?.to_bytes();
    serde_json::from_slice(&bytes).map_err(|_| refusal::unreadable("the list of models is not JSON"))
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List").finish_non_exhaustive()
    }
}
