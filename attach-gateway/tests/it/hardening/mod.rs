//! What somebody sends who wants a proxy to read it otherwise than the next server does. `docs/hardening.md` says which
//! test is whose.

mod bodies;
mod framing;
mod headers;
mod http2;
mod paths;
mod slow;
mod upstreams;

/// The rows of the list of attacks that this product holds itself to.
const ROWS: [&str; 43] = [
    "hdr-spoof",
    "hdr-conn",
    "hdr-absent",
    "hdr-trailers",
    "hdr-encode",
    "hdr-fwd",
    "hdr-ua",
    "hdr-out",
    "hdr-limits",
    "smuggle-cl-te",
    "smuggle-cl",
    "smuggle-h2",
    "smuggle-chunk",
    "path-norm",
    "method",
    "unknown-ep",
    "ws",
    "body-limit",
    "slowloris",
    "zip-in",
    "zip-out",
    "json-dup",
    "json-case",
    "json-reserialise",
    "json-unknown-content",
    "json-enc",
    "json-depth",
    "json-type",
    "ctype",
    "multipart",
    "sse",
    "model-path",
    "cache-key",
    "ssrf-upstream",
    "admin",
    "secrets-log",
    "err-body",
    "timing",
    "fail-redis",
    "fail-idp",
    "fail-audit",
    "fail-redact",
    "config",
];

#[test]
fn every_row_of_the_list_names_tests_that_are_there() {
    let page = crate::tables::page("hardening.md");
    for row in ROWS {
        assert!(page.contains(&format!("`{row}`")), "{row} is not in docs/hardening.md");
    }
    assert!(crate::tables::named_tests_are_there("hardening.md") > 60);
}
