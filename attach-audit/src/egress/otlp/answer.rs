//! What a receiver says to a batch.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Response, StatusCode};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
use prost::Message;
use serde::{Deserialize, Deserializer};

use crate::egress::answer::retry_after;
use crate::egress::{Delivered, SendError};

/// How much of a receiver's message is logged, in characters.
const SHOWN: usize = 300;

/// Says what a receiver had to say, each message once in a row.
#[derive(Clone, Default)]
pub(super) struct Remarks(Arc<Mutex<String>>);

impl Remarks {
    /// What became of a batch of `sent` records.
    pub(super) fn delivered(
        &self,
        target: &str,
        sent: usize,
        partial: Option<&ExportLogsPartialSuccess>,
    ) -> Delivered {
        let Some(partial) = partial else { return Delivered::all() };
        let sent = u64::try_from(sent).unwrap_or(u64::MAX);
        let rejected = u64::try_from(partial.rejected_log_records).unwrap_or_default().min(sent);
        if rejected > 0 || !partial.error_message.is_empty() {
            self.say(target, rejected, &partial.error_message);
        }
        Delivered::all_but(rejected)
    }

    fn say(&self, target: &str, rejected: u64, message: &str) {
        let printable = message.chars().map(|c| if c.is_control() { ' ' } else { c });
        let message: String = printable.take(SHOWN).collect();
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A rejection without a message is still news, once.
        let news = format!("{}{message}", u8::from(rejected > 0));
        if *last != news {
            tracing::warn!(egress = target, rejected, message, "the receiver of audit records had a remark");
            *last = news;
        }
    }
}

/// The last remark may quote a record.
impl fmt::Debug for Remarks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remarks")
    }
}

/// Reads the answer to a request over HTTP (OTLP/HTTP Response).
///
/// # Errors
///
/// If it is no success; the codes that the specification calls retryable are `Unavailable`.
pub(super) fn read(response: &Response<Bytes>) -> Result<ExportLogsServiceResponse, SendError> {
    let status = response.status();
    if status.is_success() {
        // A page with status 200 is a proxy's or a wrong address's, and has taken nothing.
        return decode(response).ok_or_else(|| {
            SendError::Refused(format!("{status}, but not an OTLP receiver's answer").into())
        });
    }
    match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => {
            Err(SendError::Unavailable { why: status.to_string().into(), after: retry_after(response) })
        }
        // "The request contains data that cannot be decoded or is otherwise invalid", or is too large.
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
            Err(SendError::Unacceptable(status.to_string().into()))
        }
        _ => Err(SendError::Refused(status.to_string().into())),
    }
}

/// The specification asks for the type of the request, protobuf; some receivers answer with JSON all the same.
fn decode(response: &Response<Bytes>) -> Option<ExportLogsServiceResponse> {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") && !response.body().is_empty() {
        let answer: Json = serde_json::from_slice(response.body()).ok()?;
        return Some(ExportLogsServiceResponse { partial_success: answer.partial_success.map(Into::into) });
    }
    ExportLogsServiceResponse::decode(response.body().clone()).ok()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Json {
    partial_success: Option<JsonPartial>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct JsonPartial {
    #[serde(deserialize_with = "int64")]
    rejected_log_records: i64,
    error_message: String,
}

impl From<JsonPartial> for ExportLogsPartialSuccess {
    fn from(partial: JsonPartial) -> Self {
        Self { rejected_log_records: partial.rejected_log_records, error_message: partial.error_message }
    }
}

/// The JSON mapping of protobuf writes 64-bit integers as strings, and reads both.
fn int64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Int {
        Number(i64),
        Text(String),
    }
    match Int::deserialize(deserializer)? {
        Int::Number(number) => Ok(number),
        Int::Text(text) => text.parse().map_err(serde::de::Error::custom),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &'static [u8]) -> Response<Bytes> {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        response.body(Bytes::from_static(body)).unwrap()
    }

    const JSON: (&str, &str) = ("content-type", "application/json");

    #[test]
    fn an_empty_success_is_a_whole_one() {
        assert_eq!(read(&answer(200, &[], b"")), Ok(ExportLogsServiceResponse::default()));
        assert_eq!(read(&answer(204, &[JSON], b"")), Ok(ExportLogsServiceResponse::default()));
    }

    #[test]
    fn a_success_in_json_is_understood() {
        for body in [
            &br#"{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"no"}}"#[..],
            br#"{"partialSuccess":{"rejectedLogRecords":3,"errorMessage":"no"}}"#,
        ] {
            let partial = read(&answer(200, &[JSON], body)).unwrap().partial_success.unwrap();
            assert_eq!((partial.rejected_log_records, &*partial.error_message), (3, "no"));
        }
        assert_eq!(read(&answer(200, &[JSON], b"{}")).unwrap().partial_success, None);
    }

    #[test]
    fn a_page_with_status_200_has_taken_nothing() {
        let page = answer(200, &[("content-type", "text/html")], b"<html>hello</html>");
        assert!(matches!(read(&page), Err(SendError::Refused(_))));
        assert!(matches!(read(&answer(200, &[JSON], b"hello")), Err(SendError::Refused(_))));
    }

    #[test]
    fn codes_that_may_pass_are_told_from_those_that_will_not() {
        for status in [429, 502, 503, 504] {
            let error = read(&answer(status, &[("retry-after", "7")], b"")).unwrap_err();
            let SendError::Unavailable { after, .. } = error else { panic!("{error}") };
            assert_eq!(after, Some(Duration::from_secs(7)));
        }
        for status in [400, 413, 422] {
            assert!(matches!(read(&answer(status, &[], b"")), Err(SendError::Unacceptable(_))), "{status}");
        }
        for status in [301, 401, 403, 404, 500] {
            assert!(matches!(read(&answer(status, &[], b"")), Err(SendError::Refused(_))), "{status}");
        }
    }

    #[test]
    fn a_receiver_cannot_reject_more_than_it_was_sent_nor_less_than_nothing() {
        let delivered = |rejected_log_records| {
            let partial = ExportLogsPartialSuccess { rejected_log_records, error_message: String::new() };
            Remarks::default().delivered("t", 5, Some(&partial)).rejected
        };
        assert_eq!([delivered(-1), delivered(0), delivered(4), delivered(6)], [0, 0, 4, 5]);
    }
}
