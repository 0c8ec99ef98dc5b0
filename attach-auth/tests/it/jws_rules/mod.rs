//! The rules of signatures and keys, one by one, with keys of our own: what is refused by each, and beside it what is
//! not.

mod header;
mod key;
mod set;
mod signature;

use attach_auth::jws::KeySet;
use serde_json::{Value, json};

use crate::support::Signer;

const HEADER: &str = r#"{"alg":"ES256","kid":"k"}"#;

/// `ok`, or why not, in one word.
fn verdict(set: &Value, token: &str) -> &'static str {
    match KeySet::parse(set.to_string().as_bytes()) {
        Ok(keys) => keys.verify(token).err().map_or("ok", |error| error.as_str()),
        Err(error) => error.as_str(),
    }
}

/// Of a token by the one key of a set.
fn by(jwk: &Value, token: &str) -> &'static str {
    verdict(&json!({"keys": [jwk]}), token)
}

fn set(signers: &[&Signer]) -> Value {
    serde_json::from_str(&Signer::set(signers)).expect("JSON")
}

/// A JSON Web Key with some members replaced; `null` takes one out.
fn with(mut jwk: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => drop(jwk.as_object_mut().expect("an object").remove(name)),
            value => jwk[name] = value.clone(),
        }
    }
    jwk
}

fn bytes(jwk: &Value, member: &str) -> Vec<u8> {
    use base64::Engine;
    let text = jwk[member].as_str().expect("is text");
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).expect("base64url")
}
