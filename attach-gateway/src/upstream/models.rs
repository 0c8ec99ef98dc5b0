//! What an upstream says of its models.

use std::sync::Arc;

use attach_core::{Dialect, Rejection};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Limited};
use serde_json::Value;

use super::place::Place;
use super::{dispatch, paths, refusal};
use crate::config::Kind;

/// Longest list of models an upstream may have, in bytes.
const MAX_LIST: usize = 4 << 20;

/// A model callers may ask for.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) name: Arc<str>,
    /// The upstream's own description, in its dialect.
    pub(crate) native: Option<(Dialect, Value)>,
}

/// Asks an upstream for its models, in the first dialect it speaks.
pub(crate) async fn models(place: &Place) -> Result<Vec<Listed>, Rejection> {
    // Amazon lists models at another host, which is not asked.
    if place.upstream.kind == Kind::Bedrock {
        return Ok(Vec::new());
    }
    let dialect = place.upstream.dialects.first().copied().unwrap_or(Dialect::OpenAi);
    let fetched = tokio::time::timeout(place.upstream.timeouts.idle, fetch(place, dialect)).await;
    let list = fetched.map_err(|_| refusal::timeout())??;
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
