//! OTLP/gRPC.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use attach_core::fetch::error_chain;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use tonic::metadata::MetadataMap;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use super::settings::{Settings, setters};
use crate::egress::aside::aside;
use crate::egress::{Batch, Delivered, InvalidTarget, SendError, SendFuture, Target, Tls};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a batch may take.
const EXPORT: Duration = Duration::from_secs(10);

/// Sends records to a receiver of OTLP logs over gRPC. Needs a Tokio runtime.
#[derive(Clone)]
pub struct OtlpGrpc {
    settings: Settings,
    endpoint: Endpoint,
    channel: Arc<OnceLock<Channel>>,
}

setters!(
    OtlpGrpc,
    "Adds a header, in gRPC's words metadata, to every call, such as `authorization`. Its value is kept secret."
);

impl OtlpGrpc {
    /// Sends to `url`, such as `http://collector:4317`; with `https` over TLS as `tls` says.
    ///
    /// # Errors
    ///
    /// If `url` is no HTTP URL, or a certificate or key cannot be read.
    pub fn new(name: &str, url: &str, tls: &Tls) -> Result<Self, InvalidTarget> {
        Ok(Self { settings: Settings::new(name), endpoint: endpoint(url, tls)?, channel: Arc::default() })
    }

    async fn deliver(self, batch: Batch) -> Result<Delivered, SendError> {
        // Made here, because a channel needs the runtime it is used on.
        let channel = self.channel.get_or_init(|| self.endpoint.connect_lazy()).clone();
        let Settings { name, headers, encoder, remarks } = self.settings;
        let sent = batch.lines().len();
        let message = aside(move || encoder.encode(&batch)).await?;
        let request = Request::from_parts(MetadataMap::from_headers(headers), Default::default(), message);
        let answer =
            LogsServiceClient::new(channel).export(request).await.map_err(|status| failure(&status))?;
        let partial = answer.into_inner().partial_success;
        Ok(remarks.delivered(&name, sent, partial.as_ref()))
    }
}

impl Target for OtlpGrpc {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn send(&self, batch: Batch) -> SendFuture {
        Box::pin(self.clone().deliver(batch))
    }
}

/// Shows no value of a header and no key.
impl fmt::Debug for OtlpGrpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpGrpc")
            .field("name", &self.settings.name)
            .field("host", &self.endpoint.uri().host())
            .field("headers", &self.settings.headers)
            .finish_non_exhaustive()
    }
}

/// OTLP/gRPC Failures: these pass by themselves, `RESOURCE_EXHAUSTED` only if the receiver says when. What is about the
/// content may not be so for a part of it.
fn failure(status: &Status) -> SendError {
    let after = status.get_details_retry_info().and_then(|info| info.retry_delay);
    // The status' own message may quote a record; what it was caused by is the connection.
    let cause = std::error::Error::source(status).map(error_chain);
    // tonic's code for a connection that broke before there was an answer.
    let broken = status.code() == Code::Unknown && cause.is_some();
    let cause = cause.unwrap_or_default();
    let why = format!("gRPC {:?} {cause}", status.code()).trim_end().to_owned();
    match status.code() {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => SendError::Unavailable { why: why.into(), after },
        _ if broken || status.code() == Code::ResourceExhausted && after.is_some() => {
            SendError::Unavailable { why: why.into(), after }
        }
        // Too large a message is answered so as well.
        Code::InvalidArgument | Code::ResourceExhausted => SendError::Unacceptable(why.into()),
        _ => SendError::Refused(why.into()),
    }
}

fn endpoint(url: &str, tls: &Tls) -> Result<Endpoint, InvalidTarget> {
    // Not quoted: people put passwords into URLs.
    let wrong = || InvalidTarget::new("the URL is not one such as http://collector:4317");
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|_| wrong())?;
    let secure = match endpoint.uri().scheme_str() {
        Some("http") => false,
        Some("https") => true,
        _ => return Err(wrong()),
    };
    let endpoint = endpoint.connect_timeout(CONNECT).timeout(EXPORT).tcp_nodelay(true);
    let endpoint = endpoint.http2_keep_alive_interval(Duration::from_secs(30));
    if !secure {
        return Ok(endpoint);
    }
    endpoint.tls_config(settings(tls)).map_err(|error| InvalidTarget::new(error_chain(&error)))
}

fn settings(tls: &Tls) -> ClientTlsConfig {
    let mut settings = ClientTlsConfig::new();
    settings = match &tls.roots {
        Some(pem) => settings.ca_certificate(Certificate::from_pem(pem)),
        None => settings.with_native_roots(),
    };
    if let Some(own) = &tls.identity {
        settings = settings.identity(Identity::from_pem(&own.certificate, &own.key));
    }
    match &tls.server_name {
        Some(name) => settings.domain_name(&**name),
        None => settings,
    }
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    fn is_unavailable(status: &Status) -> Option<Option<Duration>> {
        match failure(status) {
            SendError::Unavailable { after, .. } => Some(after),
            SendError::Refused(_) | SendError::Unacceptable(_) => None,
        }
    }

    #[test]
    fn an_exhausted_receiver_is_waited_for_if_it_says_how_long() {
        let wait = Duration::from_secs(3);
        let details = ErrorDetails::with_retry_info(Some(wait));
        for code in [Code::ResourceExhausted, Code::Unavailable] {
            let status = Status::with_error_details(code, "full", details.clone());
            assert_eq!(is_unavailable(&status), Some(Some(wait)));
        }
        assert_eq!(is_unavailable(&Status::unavailable("")), Some(None));
        assert_eq!(is_unavailable(&Status::resource_exhausted("too large")), None);
        assert_eq!(is_unavailable(&Status::unauthenticated("")), None);
    }

    #[test]
    fn a_status_message_which_may_quote_a_record_is_not_shown() {
        assert!(!failure(&Status::invalid_argument("alice@example.test")).to_string().contains("alice"));
    }

    #[test]
    fn what_is_no_url_and_what_is_no_certificate_is_told_at_once() {
        for url in ["", "collector:4317", "grpc://collector:4317", "http//x"] {
            assert!(OtlpGrpc::new("t", url, &Tls::new()).is_err(), "{url}");
        }
        let tls = Tls::new().roots(b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n");
        assert!(OtlpGrpc::new("t", "https://collector:4317", &tls).is_err());
    }

    #[test]
    fn debug_shows_no_header() {
        let target = OtlpGrpc::new("t", "http://collector:4317", &Tls::new()).unwrap();
        let target = target.header("authorization", "Bearer hunter2").unwrap();
        assert!(!format!("{target:?}").contains("hunter2"));
        assert!(!target.header("a b", "hunter2").unwrap_err().to_string().contains("hunter2"));
    }
}
