//! Runs a file of JWS test cases through the verifier that `AuthLayer` uses.
//!
//! ```sh
//! cargo run -p attach-examples --bin jws_vectors -- attach-auth/tests/it/jws_cases.jsonl
//! ```
//!
//! Each line of the file is a JSON object with `id`, `jws`, and `jwk` or `jwks`. For each the program prints the id, a
//! tab, and `valid` or `invalid`. A key set that cannot be used makes every signature under it invalid.

use std::error::Error;
use std::io::{BufRead, BufReader, BufWriter, Write};

use attach_auth::jws::KeySet;
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: jws_vectors FILE")?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    for line in BufReader::new(std::fs::File::open(path)?).lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let case: Value = serde_json::from_str(&line)?;
        let id = case.get("id").map_or("?".into(), text);
        writeln!(out, "{id}\t{}", if is_valid(&case) { "valid" } else { "invalid" })?;
    }
    Ok(())
}

fn is_valid(case: &Value) -> bool {
    let keys = match (case.get("jwks"), case.get("jwk")) {
        (Some(set), _) => KeySet::parse(set.to_string().as_bytes()),
        (None, Some(key)) => KeySet::parse_single(key.to_string().as_bytes()),
        (None, None) => return false,
    };
    let jws = case.get("jws").and_then(Value::as_str);
    keys.is_ok_and(|keys| jws.is_some_and(|jws| keys.verify(jws).is_ok()))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
