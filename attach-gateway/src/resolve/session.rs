//! Which calls belong together, so that they go to the same target: providers and model servers keep what they have read
//! of a prompt for a while, and are faster and cheaper where its beginning comes again.

use attach_core::json::{Kind, Value};
use attach_core::{Api, Identity, Payload};
use http::{HeaderMap, HeaderName};
use sha2::{Digest, Sha256};

use crate::config::Sticky;

/// In which Claude Code names the session (its gateway protocol reference).
const CLAUDE_SESSION: HeaderName = HeaderName::from_static("x-claude-code-session-id");

/// The member in which OpenAI's clients name what shares a cache.
const CACHE_KEY: &str = "prompt_cache_key";

/// So much of what was said before, and of the first question, tells conversations apart, in bytes.
const ENOUGH: usize = 16 << 10;

/// Calls that belong together, as a digest. It is kept nowhere, so it needs no key, and every node comes to the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Session([u8; 32]);

impl Session {
    /// Of all calls of `caller`.
    pub(crate) fn of_caller(caller: &Identity) -> Self {
        Self(begin(Some(caller)).finalize().into())
    }

    /// Of a call; `None` where nothing says which others it belongs to. Nobody shares one with another caller, whatever
    /// both say.
    pub(super) fn of(
        sticky: &Sticky,
        caller: Option<&Identity>,
        (headers, payload): (&HeaderMap, &Payload),
    ) -> Option<Self> {
        let named = match sticky {
            Sticky::Caller => return caller.map(Self::of_caller),
            Sticky::Header(name) => headers.get(name),
            Sticky::Conversation => None,
        };
        let mut digest = begin(caller);
        if let Some(name) = named.or_else(|| headers.get(CLAUDE_SESSION)) {
            part(&mut digest, "named", name.as_bytes());
        } else if let Some(key) = payload.document().root().get(CACHE_KEY).and_then(Value::as_str) {
            part(&mut digest, CACHE_KEY, key.as_bytes());
        } else {
            beginning(&mut digest, payload)?;
        }
        Some(Self(digest.finalize().into()))
    }

    /// A number drawn for one target, by its names, whatever others there are.
    pub(super) fn draw(&self, target: [&str; 2]) -> u64 {
        let mut digest = Sha256::new_with_prefix(self.0);
        for name in target {
            part(&mut digest, "target", name.as_bytes());
        }
        let digest: [u8; 32] = digest.finalize().into();
        digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

fn begin(caller: Option<&Identity>) -> Sha256 {
    let mut digest = Sha256::new_with_prefix(b"attach session 1");
    if let Some(caller) = caller {
        part(&mut digest, "directory", caller.directory.as_bytes());
        part(&mut digest, "caller", caller.id.as_bytes());
    }
    digest
}

/// What no turn of a conversation changes: what the model was told before, and the first question. `None` if there is none.
fn beginning(digest: &mut Sha256, payload: &Payload) -> Option<()> {
    let root = payload.document().root();
    let turns = match payload.call().api {
        Api::OpenAiChat | Api::OllamaChat | Api::AnthropicMessages | Api::AnthropicCountTokens => {
            root.get("messages")
        }
        Api::OpenAiResponses => root.get("input"),
        // Nothing follows a prompt that is no conversation, and a vector nothing at all.
        _ => None,
    }?;
    let mut left = ENOUGH;
    for told in ["system", "instructions"].iter().filter_map(|name| root.get(name)) {
        texts(digest, told, &mut left);
    }
    if turns.kind() == Kind::String {
        part(digest, "user", b"");
        texts(digest, turns, &mut { ENOUGH });
        return Some(());
    }
    for turn in turns.elements() {
        let role = turn.get("role").and_then(Value::as_str).unwrap_or_default();
        part(digest, &role, b"");
        let first = role == "user";
        let left = if first { &mut { ENOUGH } } else { &mut left };
        turn.get("content").iter().for_each(|content| texts(digest, *content, left));
        if first {
            return Some(());
        }
    }
    None
}

/// The text that `content` is, or that its parts have; not where a cache is to begin, which moves from turn to turn.
fn texts(digest: &mut Sha256, content: Value<'_>, left: &mut usize) {
    let mut take = |text: Value<'_>| {
        let Some(text) = text.as_str() else { return };
        let bytes = text.as_bytes();
        let bytes = bytes.get(..bytes.len().min(*left)).unwrap_or_default();
        *left -= bytes.len();
        part(digest, "text", bytes);
    };
    if content.kind() == Kind::String {
        return take(content);
    }
    content.elements().filter_map(|part| part.get("text")).for_each(take);
}

/// With its length, so that no two lists of parts are the same bytes.
fn part(digest: &mut Sha256, name: &str, bytes: &[u8]) {
    for bytes in [name.as_bytes(), bytes] {
        digest.update((bytes.len() as u64).to_be_bytes());
        digest.update(bytes);
    }
}

#[cfg(test)]
mod tests;
