//! The tables of the audit log.

use super::Section;
use super::sections::SECRET;

/// What may be said of the bucket that closed segments are copied to.
const ARCHIVE: &[&str] = &[
    "bucket",
    "region",
    "url",
    "prefix",
    "access_key",
    "secret_key",
    "session_token",
    "lock",
    "lock_for",
    "ca",
];

/// What receivers of audit records of any kind may say; their own types know which of them say what.
const EGRESS: &[&str] = &[
    "kind",
    "name",
    "format",
    "from",
    "url",
    "ca",
    "token",
    "index",
    "ack",
    "ack_deadline",
    "key",
    "protocol",
    "headers",
    "certificate",
    "server_name",
    "address",
    "tls",
    "facility",
    "enterprise",
];

pub(super) const SECTIONS: &[Section] = &[
    Section {
        path: "audit",
        keys: &[
            "mode",
            "content",
            "content_for",
            "content_key",
            "content_limit",
            "auditors",
            "egress",
            "archive",
            "node",
            "sign",
            "keep",
            "disk_alert",
            "index",
            "segment_age",
            "patience",
        ],
        later: &[],
    },
    Section {
        path: "audit.content_for",
        keys: &["groups", "models", "upstreams", "apis", "content"],
        later: &[],
    },
    Section { path: "audit.content_key", keys: SECRET, later: &[] },
    Section { path: "audit.keep", keys: &["age", "size"], later: &[] },
    Section { path: "audit.archive", keys: ARCHIVE, later: &[] },
    Section { path: "audit.archive.access_key", keys: SECRET, later: &[] },
    Section { path: "audit.archive.secret_key", keys: SECRET, later: &[] },
    Section { path: "audit.archive.session_token", keys: SECRET, later: &[] },
    Section { path: "audit.egress", keys: EGRESS, later: &[] },
    Section { path: "audit.egress.token", keys: SECRET, later: &[] },
    Section { path: "audit.egress.key", keys: SECRET, later: &[] },
    Section { path: "audit.egress.headers", keys: SECRET, later: &[] },
];
