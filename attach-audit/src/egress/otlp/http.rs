//! OTLP/HTTP with protobuf.

use std::sync::Arc;

use attach_core::Fetch;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Uri};
use prost::Message;

use super::answer;
use super::settings::{Settings, setters};
use crate::egress::answer::unreachable;
use crate::egress::aside::aside;
use crate::egress::{Batch, Delivered, InvalidTarget, SendError, SendFuture, Target};

/// Sends records to a receiver of OTLP logs over HTTP.
#[derive(Debug, Clone)]
pub struct OtlpHttp {
    settings: Settings,
    url: Uri,
    fetch: Arc<dyn Fetch>,
}

setters!(OtlpHttp, "Adds a header to every request, such as `authorization`. Its value is kept secret.");

impl OtlpHttp {
    /// Sends to `url`. If it has no path, `/v1/logs` is meant; with one it is used as it is.
    ///
    /// # Errors
    ///
    /// If `url` is no absolute HTTP URL.
    pub fn new(name: &str, url: &str, fetch: impl Fetch) -> Result<Self, InvalidTarget> {
        Ok(Self { settings: Settings::new(name), url: logs_url(url)?, fetch: Arc::new(fetch) })
    }

    async fn deliver(self, batch: Batch) -> Result<Delivered, SendError> {
        let Settings { name, headers, encoder, remarks } = self.settings;
        let sent = batch.lines().len();
        let mut request =
            Request::new(Bytes::from(aside(move || encoder.encode(&batch).encode_to_vec()).await?));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.url;
        *request.headers_mut() = headers;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        let response = self.fetch.fetch(request).await.map_err(|e| unreachable(&e))?;
        let answer = answer::read(&response)?;
        Ok(remarks.delivered(&name, sent, answer.partial_success.as_ref()))
    }
}

impl Target for OtlpHttp {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn send(&self, batch: Batch) -> SendFuture {
        Box::pin(self.clone().deliver(batch))
    }
}

fn logs_url(text: &str) -> Result<Uri, InvalidTarget> {
    // Not quoted: people put passwords into URLs.
    let wrong = || InvalidTarget::new("the URL is not one such as http://collector:4318");
    let url: Uri = text.parse().map_err(|_| wrong())?;
    let web = matches!(url.scheme_str(), Some("http" | "https"));
    if !web || url.host().is_none_or(str::is_empty) {
        return Err(wrong());
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() {
        return Ok(url);
    }
    format!("{}/v1/logs", text.trim_end_matches('/')).parse().map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_a_path_means_the_path_of_logs() {
        for (given, meant) in [
            ("http://collector:4318", "http://collector:4318/v1/logs"),
            ("https://collector/", "https://collector/v1/logs"),
            ("https://collector/otlp/v1/logs", "https://collector/otlp/v1/logs"),
        ] {
            assert_eq!(logs_url(given).unwrap().to_string(), meant);
        }
        for wrong in ["", "collector:4318", "/v1/logs", "grpc://collector", "http://"] {
            assert!(logs_url(wrong).is_err(), "{wrong}");
        }
    }
}
