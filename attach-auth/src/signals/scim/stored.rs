//! Resources as rows.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use serde_json::{Value, json};

use super::attribute::Object;
use super::collection::Collection;
use crate::signals::desk::digest_of;
use crate::state::Row;

/// A resource that is stored.
pub(super) struct Stored {
    pub(super) id: Arc<str>,
    pub(super) object: Object,
    /// The row's value, by which it is told whether the resource is still the same.
    pub(super) bytes: Bytes,
}

/// The key of the resource `id` of `directory`.
pub(super) fn key(directory: &str, id: &str) -> String {
    format!("{directory}\n{id}")
}

/// The directory and the id that a key is made of.
pub(super) fn split(key: &str) -> Option<(Arc<str>, Arc<str>)> {
    key.rsplit_once('\n').map(|(directory, id)| (directory.into(), id.into()))
}

/// The resource of a row; nothing of what cannot be read.
pub(super) fn read(row: &Row) -> Object {
    serde_json::from_slice(&row.value).unwrap_or_else(|_| {
        tracing::error!(table = row.table.as_str(), "a provisioned resource cannot be read");
        Object::new()
    })
}

impl Stored {
    /// The row of a resource, written `now`, and first at `created`.
    pub(super) fn row(
        collection: Collection,
        key: &str,
        mut object: Object,
        created: Option<&Value>,
        now: SystemTime,
    ) -> Row {
        let now = Value::from(humantime::format_rfc3339_millis(now).to_string());
        let created = created.cloned().unwrap_or_else(|| now.clone());
        let meta = json!({"resourceType": collection.kind(), "created": created, "lastModified": now});
        object.insert("meta".to_owned(), meta);
        Row::new(collection.table(), key, Value::Object(object).to_string())
    }

    pub(super) fn of(row: &Row, id: &str) -> Self {
        Self { id: id.into(), object: read(row), bytes: row.value.clone() }
    }

    pub(super) fn created(&self) -> Option<&Value> {
        self.object.get("meta")?.get("created")
    }

    /// A weak validator (RFC 7232 §2.3).
    pub(super) fn version(&self) -> String {
        let digest = digest_of(&String::from_utf8_lossy(&self.bytes));
        format!("W/\"{}\"", digest.get(..16).unwrap_or_default())
    }

    /// The resource as its directory sees it, below `base`.
    pub(super) fn shown(self, collection: Collection, base: &str) -> Object {
        let (version, mut object) = (self.version(), self.object);
        object.insert("id".to_owned(), (*self.id).into());
        if let Some(Value::Object(meta)) = object.get_mut("meta") {
            meta.insert("location".to_owned(), format!("{base}/{}/{}", collection.path(), self.id).into());
            meta.insert("version".to_owned(), version.into());
        }
        object
    }
}
