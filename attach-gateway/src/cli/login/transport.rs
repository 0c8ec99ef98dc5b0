//! Our one HTTP client as `openidconnect`'s kind of client.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use attach_core::Fetch;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderValue, USER_AGENT};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};

/// Follows no redirect, bounds time and size: see [`attach_core::client::Client`].
#[derive(Debug, Clone)]
pub(super) struct Http(Arc<dyn Fetch>);

impl Http {
    pub(super) fn new(fetch: impl Fetch) -> Self {
        Self(Arc::new(fetch))
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpFailed;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpFailed>> + Send + 'c>>;

    fn call(&'c self, mut request: HttpRequest) -> Self::Future {
        let headers = request.headers_mut();
        headers.insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("attach-gateway/", env!("CARGO_PKG_VERSION"))),
        );
        // Marked, so that no level of logging shows the client's secret.
        if let Some(secret) = headers.get_mut(AUTHORIZATION) {
            secret.set_sensitive(true);
        }
        let answer = self.0.fetch(request.map(Bytes::from));
        Box::pin(async move {
            let answer = answer.await.map_err(|error| HttpFailed(error.to_string()))?;
            Ok(answer.map(|body| body.to_vec()))
        })
    }
}

/// Why no answer came. Names no header and no body.
#[derive(Debug)]
pub(super) struct HttpFailed(String);

impl fmt::Display for HttpFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for HttpFailed {}
