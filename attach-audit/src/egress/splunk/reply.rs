//! What the collector answers ("Troubleshoot HTTP Event Collector": possible error codes).

use std::collections::HashMap;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;

use crate::egress::SendError;
use crate::egress::answer::refusal;

/// The answer to events.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// It has them; with the number to ask for, where indexer acknowledgement is on.
    Taken(Option<u64>),
    /// One of them is not well formed, by the collector's rules: about that one, counted from zero or one.
    Malformed(Option<usize>),
    /// Too much at once.
    TooLarge,
    /// Nothing was taken.
    Failed(SendError),
}

#[derive(Default, Deserialize)]
struct Told {
    #[serde(default)]
    text: String,
    code: Option<u32>,
    #[serde(rename = "invalid-event-number")]
    number: Option<usize>,
    #[serde(rename = "ackId")]
    ack: Option<u64>,
}

impl Reply {
    pub(super) fn of(answer: &Response<Bytes>) -> Self {
        let told: Told = serde_json::from_slice(answer.body()).unwrap_or_default();
        match (answer.status(), told.code) {
            (StatusCode::OK, _) => Self::Taken(told.ack),
            (StatusCode::PAYLOAD_TOO_LARGE, _) => Self::TooLarge,
            // Invalid data format; event field required, blank; error in indexed fields. What else is wrong with a
            // request (its index, its channel) is wrong with all of it.
            (StatusCode::BAD_REQUEST, Some(6 | 12 | 13 | 15)) => Self::Malformed(told.number),
            _ => Self::Failed(failure(answer, &told.text)),
        }
    }
}

/// The collector's codes say when it is about the events; any other refusal is about all there will be.
fn failure(answer: &Response<Bytes>, why: &str) -> SendError {
    match refusal(answer, Some(why).filter(|why| !why.is_empty())) {
        SendError::Unacceptable(why) => SendError::Refused(why),
        other => other,
    }
}

/// Whether the answer to a question for `ack` says that it is indexed.
pub(super) fn is_indexed(answer: &Response<Bytes>, ack: u64) -> Result<bool, SendError> {
    #[derive(Deserialize)]
    struct Acks {
        acks: HashMap<Box<str>, bool>,
    }
    if answer.status() != StatusCode::OK {
        let told: Told = serde_json::from_slice(answer.body()).unwrap_or_default();
        return Err(failure(answer, &told.text));
    }
    let acks = serde_json::from_slice::<Acks>(answer.body());
    let acks = acks.map_err(|_| SendError::unavailable("its word on acknowledgement cannot be read"))?;
    Ok(acks.acks.get(&*ack.to_string()).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &'static str) -> Reply {
        Reply::of(&Response::builder().status(status).body(Bytes::from(body)).expect("an answer"))
    }

    fn failed(reply: Reply) -> SendError {
        match reply {
            Reply::Failed(error) => error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_documented_answer_is_understood() {
        assert_eq!(reply(200, r#"{"text":"Success","code":0}"#), Reply::Taken(None));
        assert_eq!(reply(200, r#"{"text":"Success","code":0,"ackId":4}"#), Reply::Taken(Some(4)));
        let bad = r#"{"text":"Invalid data format","code":6,"invalid-event-number":2}"#;
        assert_eq!(reply(400, bad), Reply::Malformed(Some(2)));
        assert_eq!(reply(400, r#"{"text":"Event field is required","code":12}"#), Reply::Malformed(None));
        assert_eq!(reply(413, ""), Reply::TooLarge);
        for (status, code, text) in [
            (403, 1, "Token disabled"),
            (401, 2, "Token is required"),
            (401, 3, "Invalid authorization"),
            (403, 4, "Invalid token"),
            (400, 7, "Incorrect index"),
            (400, 10, "Data channel is missing"),
            (400, 11, "Invalid data channel"),
            (400, 14, "ACK is disabled"),
        ] {
            let body: &'static str = format!(r#"{{"text":"{text}","code":{code}}}"#).leak();
            let expected = SendError::Refused(format!("it answered {status}: {text}").into());
            assert_eq!(failed(reply(status, body)), expected);
        }
        for (status, body) in
            [(503, r#"{"text":"Server is busy","code":9}"#), (500, r#"{"code":8}"#), (502, "<html>")]
        {
            assert!(matches!(failed(reply(status, body)), SendError::Unavailable { .. }), "{status}");
        }
    }
}
