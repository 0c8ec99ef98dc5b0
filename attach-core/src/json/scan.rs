//! The parser: one forward pass, no recursion.

use super::document::Document;
use super::error::{JsonError, JsonErrorKind};
use super::keys::{Key, find_duplicate, has_control};
use super::node::{Kind, Node};
use super::string::{Fault, find_end};
use super::{number, path};

/// The nodes of a document, in reading order.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Node>, JsonError> {
    let mut parser = Parser::new(bytes);
    match check_bytes(bytes).and_then(|()| parser.run()) {
        Ok(()) => Ok(parser.nodes),
        Err((kind, offset)) => {
            let node = if kind == JsonErrorKind::DuplicateKey { parser.duplicate } else { parser.current };
            Err(JsonError { path: path::of(bytes, &parser.nodes, node), offset, kind })
        }
    }
}

/// What can be said of the bytes as a whole.
fn check_bytes(bytes: &[u8]) -> Result<(), Fault> {
    if u32::try_from(bytes.len()).is_err() {
        return Err((JsonErrorKind::TooLarge, 0));
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err((JsonErrorKind::ByteOrderMark, 0));
    }
    std::str::from_utf8(bytes).map(drop).map_err(|error| (JsonErrorKind::InvalidUtf8, error.valid_up_to()))
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    /// The keys of all open objects, innermost last. An open object's `next` is where its own begin.
    keys: Vec<Key>,
    /// The innermost open container.
    current: u32,
    depth: usize,
    /// The key of the value to come.
    key: Key,
    /// The member whose key was there before.
    duplicate: u32,
}

impl<'a> Parser<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            // A value of a chat takes some thirty bytes; a guess too high costs memory for the request's life.
            nodes: Vec::with_capacity((bytes.len() / 32).clamp(16, 4096)),
            keys: Vec::with_capacity(16),
            current: Node::NONE,
            depth: 0,
            key: Key::default(),
            duplicate: Node::NONE,
        }
    }

    fn run(&mut self) -> Result<(), Fault> {
        if self.peek().is_none() {
            return Err((JsonErrorKind::Empty, self.at));
        }
        loop {
            if self.begin_value()? {
                continue;
            }
            if self.end_value()? {
                return Ok(());
            }
        }
    }

    /// Reads a scalar or an empty container, or enters a container, which is `true`.
    fn begin_value(&mut self) -> Result<bool, Fault> {
        let start = self.at_value()?;
        match self.bytes.get(start) {
            Some(b'"') => {
                let found = find_end(self.bytes, start)?;
                self.scalar(Kind::String, found.end, found.escaped)
            }
            Some(b'{') => {
                self.open(Kind::Object)?;
                self.enter(b'}')
            }
            Some(b'[') => {
                self.open(Kind::Array)?;
                self.enter(b']')
            }
            Some(b'-' | b'0'..=b'9') => {
                let end = number::find_end(self.bytes, start)?;
                self.scalar(Kind::Number, end, false)
            }
            Some(b't') => self.literal(b"true", Kind::Bool),
            Some(b'f') => self.literal(b"false", Kind::Bool),
            Some(b'n') => self.literal(b"null", Kind::Null),
            _ => Err((JsonErrorKind::UnexpectedByte, start)),
        }
    }

    fn at_value(&mut self) -> Result<usize, Fault> {
        match self.peek() {
            Some(_) => Ok(self.at),
            None => Err((JsonErrorKind::UnexpectedEnd, self.at)),
        }
    }

    fn literal(&mut self, word: &[u8], kind: Kind) -> Result<bool, Fault> {
        let end = self.at + word.len();
        match self.bytes.get(self.at..end) {
            Some(found) if found == word => self.scalar(kind, end, false),
            Some(_) => Err((JsonErrorKind::UnexpectedByte, self.at)),
            None => Err((JsonErrorKind::UnexpectedEnd, self.bytes.len())),
        }
    }

    fn scalar(&mut self, kind: Kind, end: usize, escaped: bool) -> Result<bool, Fault> {
        let next = self.push(kind, end, escaped)? + 1;
        if let Some(node) = self.nodes.last_mut() {
            node.next = next;
        }
        self.at = end;
        Ok(false)
    }

    fn open(&mut self, kind: Kind) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > Document::MAX_DEPTH {
            return Err((JsonErrorKind::TooDeep, self.at));
        }
        let id = self.push(kind, self.at, false)?;
        if let Some(node) = self.nodes.last_mut() {
            // At most one key per value.
            node.next = self.keys.len() as u32;
        }
        self.current = id;
        self.at += 1;
        Ok(())
    }

    /// Appends a node for the value that starts here. Offsets fit: the length was checked.
    fn push(&mut self, kind: Kind, end: usize, escaped: bool) -> Result<u32, Fault> {
        let id = self.nodes.len();
        if id >= Document::MAX_VALUES {
            return Err((JsonErrorKind::TooManyValues, self.at));
        }
        let key = std::mem::take(&mut self.key);
        self.nodes.push(Node {
            start: self.at as u32,
            end: end as u32,
            key_start: key.start,
            key_end: key.end,
            parent: self.current,
            next: 0,
            kind,
            escaped,
            key_escaped: key.escaped,
        });
        Ok(id as u32)
    }

    /// After an opening bracket: `true` if there is something inside.
    fn enter(&mut self, closing: u8) -> Result<bool, Fault> {
        match self.peek() {
            Some(byte) if byte == closing => {
                self.close();
                Ok(false)
            }
            Some(_) if closing == b'}' => self.read_key().map(|()| true),
            _ => Ok(true),
        }
    }

    /// After a value: closes what ends here, up to a comma. `true` at the end of the document.
    fn end_value(&mut self) -> Result<bool, Fault> {
        loop {
            let next = self.peek();
            let Some(kind) = self.nodes.get(self.current as usize).map(|node| node.kind) else {
                return if next.is_none() { Ok(true) } else { Err((JsonErrorKind::TrailingBytes, self.at)) };
            };
            match (next, kind) {
                (Some(b','), Kind::Object) => {
                    self.at += 1;
                    self.peek();
                    return self.read_key().map(|()| false);
                }
                (Some(b','), _) => {
                    self.at += 1;
                    return Ok(false);
                }
                (Some(b'}'), Kind::Object) => {
                    self.refuse_duplicates()?;
                    self.close();
                }
                (Some(b']'), Kind::Array) => self.close(),
                (Some(_), _) => return Err((JsonErrorKind::UnexpectedByte, self.at)),
                (None, _) => return Err((JsonErrorKind::UnexpectedEnd, self.at)),
            }
        }
    }

    /// Closes the innermost container at the closing bracket that is next.
    fn close(&mut self) {
        self.at += 1;
        self.depth -= 1;
        let next = self.nodes.len() as u32;
        if let Some(node) = self.nodes.get_mut(self.current as usize) {
            self.keys.truncate(node.next as usize);
            node.end = self.at as u32;
            node.next = next;
            self.current = node.parent;
        }
    }

    /// Reads a key and its colon.
    fn read_key(&mut self) -> Result<(), Fault> {
        let start = self.at;
        match self.bytes.get(start) {
            Some(b'"') => {}
            Some(_) => return Err((JsonErrorKind::UnexpectedByte, start)),
            None => return Err((JsonErrorKind::UnexpectedEnd, start)),
        }
        let found = find_end(self.bytes, start).map_err(in_key)?;
        let raw = self.bytes.get(start + 1..found.end - 1).unwrap_or_default();
        if has_control(raw, found.escaped) {
            return Err((JsonErrorKind::ControlCharacterInKey, start));
        }
        self.key = Key {
            start: start as u32,
            end: found.end as u32,
            node: self.nodes.len() as u32,
            escaped: found.escaped,
        };
        self.keys.push(self.key);
        self.at = found.end;
        match self.peek() {
            Some(b':') => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err((JsonErrorKind::UnexpectedByte, self.at)),
            None => Err((JsonErrorKind::UnexpectedEnd, self.at)),
        }
    }

    fn refuse_duplicates(&mut self) -> Result<(), Fault> {
        let first = self.nodes.get(self.current as usize).map_or(0, |node| node.next);
        let keys = self.keys.get(first as usize..).unwrap_or_default();
        let Some(duplicate) = find_duplicate(self.bytes, keys) else {
            return Ok(());
        };
        self.duplicate = duplicate.node;
        Err((JsonErrorKind::DuplicateKey, duplicate.start as usize))
    }

    /// Skips white space; the next byte.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other.copied(),
            }
        }
    }
}

fn in_key((kind, offset): Fault) -> Fault {
    match kind {
        JsonErrorKind::ControlCharacter => (JsonErrorKind::ControlCharacterInKey, offset),
        other => (other, offset),
    }
}
