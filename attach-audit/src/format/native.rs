use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::read::Via;

/// Members that other formats carry over as they stand in the line: what is added to them one day goes along.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Rest<'a> {
    #[serde(borrow)]
    pub(super) cfg_hash: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) model: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) quota: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) redaction: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) content: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) timing: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) custom: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) segment: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) after: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) protections_off: Option<&'a RawValue>,
}

impl<'a> Rest<'a> {
    pub(super) fn of(line: &'a [u8]) -> Self {
        serde_json::from_slice(line).unwrap_or_default()
    }
}

/// Who made a request for somebody else, which no other schema has a place for.
#[derive(Debug, Serialize)]
pub(super) struct FrontEnd<'a> {
    directory: &'a str,
    uid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
}

impl<'a> FrontEnd<'a> {
    pub(super) fn of(via: &'a Via<'_>) -> Self {
        Self { directory: &via.directory, uid: &via.uid, client_id: via.client_id.as_deref() }
    }
}
