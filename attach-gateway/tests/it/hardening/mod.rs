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

/// The text of every Rust file below.
fn sources(folder: &std::path::Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_row_of_the_list_names_tests_that_are_there() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = std::fs::read_to_string(root.join("docs/hardening.md")).unwrap();
    for row in ROWS {
        assert!(page.contains(&format!("`{row}`")), "{row} is not in docs/hardening.md");
    }
    let mut text = String::new();
    for name in
        ["attach-core", "attach-auth", "attach-quota", "attach-redact", "attach-audit", "attach-gateway"]
    {
        sources(&root.join(name).join("src"), &mut text);
        sources(&root.join(name).join("tests"), &mut text);
    }
    let named = page.lines().filter_map(|line| line.strip_prefix('|')?.rsplit('|').nth(1));
    let named: Vec<&str> = named.flat_map(|tests| tests.split('`').skip(1).step_by(2)).collect();
    assert!(named.len() > 60, "{}", named.len());
    for test in named.into_iter().filter(|name| name.contains('_')) {
        assert!(text.contains(&format!("fn {test}(")), "{test} is not there");
    }
}
