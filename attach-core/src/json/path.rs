//! Paths such as `$.messages[0].content`, for messages to people.

use super::node::{Kind, Node};
use super::string::{decode, escape_into};

/// Keys are the caller's: a path stays short whatever they are.
const MAX_KEY: usize = 64;
const MAX_PATH: usize = 512;

/// The path of `node`; `$` if there is none.
///
/// Counts the elements before it in every array on the way up, which may be incomplete as yet: only nodes
/// before `node` are looked at.
pub(super) fn of(bytes: &[u8], nodes: &[Node], node: u32) -> String {
    let mut segments = Vec::new();
    let mut id = node;
    while let Some(node) = nodes.get(id as usize) {
        if node.has_key() {
            segments.push(key_segment(&decode(node.raw_key(bytes), node.key_escaped)));
        } else if nodes.get(node.parent as usize).is_some_and(|parent| parent.kind == Kind::Array) {
            segments.push(format!("[{}]", index_of(nodes, node.parent, id)));
        }
        id = node.parent;
    }
    let mut path = String::from("$");
    for segment in segments.iter().rev() {
        if path.len() + segment.len() > MAX_PATH {
            path.push('…');
            break;
        }
        path.push_str(segment);
    }
    path
}

fn index_of(nodes: &[Node], parent: u32, id: u32) -> usize {
    let first = parent + 1;
    let next = |id: &u32| nodes.get(*id as usize).map(|node| node.next);
    std::iter::successors(Some(first), next).take_while(|&sibling| sibling < id).count()
}

fn key_segment(key: &str) -> String {
    let identifier = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !key.is_empty()
        && key.len() <= MAX_KEY
        && !key.starts_with(|c: char| c.is_ascii_digit())
        && key.chars().all(identifier)
    {
        format!(".{key}")
    } else {
        format!("[{}]", quoted(key))
    }
}

/// The key in quotes, escaped and bounded.
fn quoted(key: &str) -> String {
    let mut end = key.len().min(MAX_KEY);
    while !key.is_char_boundary(end) {
        end -= 1;
    }
    let mut out = vec![b'"'];
    escape_into(&key[..end], &mut out);
    if end < key.len() {
        out.extend_from_slice("…".as_bytes());
    }
    out.push(b'"');
    String::from_utf8(out).unwrap_or_default()
}
