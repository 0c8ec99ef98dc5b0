//! Runs a file of JWS cases through the verifier the layer uses.
//!
//! `cargo run -p attach-auth --example jws_vectors -- cases.jsonl` prints `id<TAB>valid|invalid` per line. A line is
//! a JSON object with `id`, `jws`, and `jwk` or `jwks`.

use attach_auth::jws::KeySet;
use serde_json::Value;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: jws_vectors FILE")?;
    for line in std::fs::read_to_string(path)?.lines().filter(|line| !line.trim().is_empty()) {
        let case: Value = serde_json::from_str(line)?;
        let keys = match case.get("jwks") {
            Some(set) => KeySet::parse(set.to_string().as_bytes()),
            None => KeySet::parse_single(case["jwk"].to_string().as_bytes()),
        };
        let jws = case["jws"].as_str().ok_or("a case without `jws`")?;
        let valid = keys.is_ok_and(|keys| keys.verify(jws).is_ok());
        println!("{}\t{}", case["id"].as_str().unwrap_or("?"), if valid { "valid" } else { "invalid" });
    }
    Ok(())
}
