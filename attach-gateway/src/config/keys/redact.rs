//! The tables of redaction.

use super::Section;
use super::sections::SECRET;

/// What engines of any kind may say; their own types know which of them say what.
const ENGINE: &[&str] = &[
    "kind",
    "url",
    "timeout",
    "inspects",
    "when_down",
    "remember",
    "region",
    "guardrail",
    "version",
    "access_key",
    "secret_key",
    "session_token",
    "characters",
    "language",
    "score_threshold",
    "entities",
    "batch",
    "token",
];

pub(super) const SECTIONS: &[Section] = &[
    Section {
        path: "redact",
        keys: &[
            "default",
            "key",
            "budget",
            "uninspectable",
            "entities",
            "pattern",
            "terms",
            "private_addresses",
            "for",
            "exempt",
            "exempt_patterns",
            "engine",
            "ner",
            "regions",
            "external_tools",
            "restore_system",
            "inspect_signed",
        ],
        later: &["tenant"],
    },
    Section { path: "redact.key", keys: SECRET, later: &[] },
    Section {
        path: "redact.uninspectable",
        keys: &["images", "audio", "videos", "files", "token_ids", "encrypted", "unknown"],
        later: &[],
    },
    Section {
        path: "redact.entities.*",
        keys: &["action", "lexicon", "threshold", "words", "context"],
        later: &[],
    },
    Section { path: "redact.pattern", keys: &["entity", "regex", "score", "words"], later: &[] },
    Section { path: "redact.ner", keys: &["model", "threshold", "labels", "max_windows"], later: &[] },
    Section { path: "redact.for", keys: &["upstreams", "entities"], later: &[] },
    Section { path: "redact.terms", keys: &["entity", "file"], later: &[] },
    Section { path: "redact.engine", keys: ENGINE, later: &[] },
    Section { path: "redact.engine.access_key", keys: SECRET, later: &[] },
    Section { path: "redact.engine.secret_key", keys: SECRET, later: &[] },
    Section { path: "redact.engine.session_token", keys: SECRET, later: &[] },
    Section { path: "redact.engine.token", keys: SECRET, later: &[] },
];
