//! A line of the content file.

use std::borrow::Cow;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Serialize)]
struct Line<'a> {
    v: u8,
    id: &'a str,
    req_id: &'a str,
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(rename = "in")]
    request: String,
    #[serde(rename = "out")]
    answer: String,
}

/// A line that is read back.
#[derive(Deserialize)]
pub(super) struct Stored<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) kind: Cow<'a, str>,
    /// The name of the person's key file, if it is a person's.
    pub(super) key: Option<Cow<'a, str>>,
    #[serde(rename = "in")]
    request: Cow<'a, str>,
    #[serde(rename = "out")]
    answer: Cow<'a, str>,
}

/// A line, without its end, and its id.
pub(super) fn write(
    req_id: &str,
    kind: &str,
    key: Option<&str>,
    [request, answer]: [&[u8]; 2],
) -> io::Result<(Box<str>, String)> {
    let id = Uuid::now_v7().to_string();
    let (request, answer) = (STANDARD.encode(request), STANDARD.encode(answer));
    let line = serde_json::to_string(&Line { v: 1, id: &id, req_id, kind, key, request, answer })?;
    Ok((id.into(), line))
}

impl Stored<'_> {
    /// The request and the answer as they were stored.
    pub(super) fn texts(&self) -> Option<[Vec<u8>; 2]> {
        Some([STANDARD.decode(&*self.request).ok()?, STANDARD.decode(&*self.answer).ok()?])
    }
}
