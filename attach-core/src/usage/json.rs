//! A unary answer, read without keeping it.

use memchr::memchr2;

/// The members of the top-level object that any reader looks at.
const MEMBERS: [&[u8]; 12] = [
    b"id",
    b"model",
    b"object",
    b"usage",
    b"error",
    b"status",
    b"incomplete_details",
    b"stop_reason",
    b"done",
    b"done_reason",
    b"prompt_eval_count",
    b"eval_count",
];

/// Keys whose strings are generated text, at any depth.
const TEXTS: [&[u8]; 8] = [
    b"content",
    b"text",
    b"response",
    b"thinking",
    b"reasoning",
    b"reasoning_content",
    b"arguments",
    b"refusal",
];

const MAX_MEMBER: usize = 64 << 10;
const MAX_MEMBERS: usize = 4 * MAX_MEMBER;
/// Room for the members of an ordinary answer.
const TYPICAL_MEMBERS: usize = 768;
/// One more than the longest key of interest, so that no longer string is taken for one.
const MAX_WORD: usize = 24;

/// Follows one JSON document byte by byte and copies out the few members that matter.
///
/// It trusts the document to be well formed; of another it makes something harmless.
#[derive(Debug, Default)]
pub(super) struct Json {
    depth: u32,
    /// The last byte outside of strings that was not white space.
    before: u8,
    in_string: bool,
    escaped: bool,
    /// The string being read is generated text.
    is_text: bool,
    /// The beginning of the last string: a key, if a colon follows.
    word: Word,
    /// The last key was one of [`TEXTS`].
    text_key: bool,
    object: bool,
    in_choices: bool,
    capture: Option<Capture>,
    members: Vec<u8>,
    choices: Vec<u8>,
    done: bool,
    skipped: bool,
}

/// The beginning of a string.
#[derive(Debug, Default)]
struct Word {
    bytes: [u8; MAX_WORD],
    length: usize,
}

impl Word {
    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn clear(&mut self) {
        self.length = 0;
    }

    /// Takes as much of `more` as there is room for.
    fn extend(&mut self, more: &[u8]) {
        let room = &mut self.bytes[self.length..];
        let taken = more.len().min(room.len());
        room[..taken].copy_from_slice(&more[..taken]);
        self.length += taken;
    }
}

/// A value being copied.
#[derive(Debug, Clone, Copy)]
struct Capture {
    /// The depth of the object it is a member of.
    depth: u32,
    /// Where in its buffer its key starts.
    start: usize,
}

impl Capture {
    fn in_choice(self) -> bool {
        self.depth > 1
    }
}

impl Json {
    /// Reads on; calls `text` with the number of bytes of each piece of generated text.
    ///
    /// Returns the members that matter, as one small document, when the top-level object is closed.
    pub(super) fn push(&mut self, bytes: &[u8], mut text: impl FnMut(usize)) -> Option<Vec<u8>> {
        let mut rest = bytes;
        while !self.done && !rest.is_empty() {
            let taken = if self.in_string { self.string(rest, &mut text) } else { self.structure(rest) };
            rest = &rest[taken..];
            if self.done && self.object {
                return Some(self.skeleton());
            }
        }
        None
    }

    pub(super) fn skipped(&self) -> bool {
        self.skipped
    }

    /// Reads up to and including the next byte that matters inside a string.
    fn string(&mut self, bytes: &[u8], text: &mut impl FnMut(usize)) -> usize {
        if std::mem::take(&mut self.escaped) {
            self.copy(&bytes[..1]);
            return 1;
        }
        let end = memchr2(b'"', b'\\', bytes);
        let plain = &bytes[..end.unwrap_or(bytes.len())];
        if self.is_text && !plain.is_empty() {
            text(plain.len());
        }
        self.word.extend(plain);
        let taken = bytes.len().min(plain.len() + 1);
        self.copy(&bytes[..taken]);
        match end.map(|end| bytes[end]) {
            Some(b'"') => {
                self.in_string = false;
                self.before = b'"';
            }
            Some(special) => {
                self.escaped = true;
                self.word.extend(&[special]);
            }
            None => {}
        }
        taken
    }

    /// Reads up to and including the next byte that matters outside of strings.
    fn structure(&mut self, bytes: &[u8]) -> usize {
        let commas = self.capture.is_some();
        let end = bytes.iter().position(|byte| is_structure(*byte) || (commas && *byte == b','));
        let plain = &bytes[..end.unwrap_or(bytes.len())];
        if !plain.trim_ascii_start().is_empty() {
            self.before = b',';
        }
        self.copy(plain);
        let Some(special) = bytes.get(plain.len()) else {
            return plain.len();
        };
        self.byte(*special);
        self.before = *special;
        plain.len() + 1
    }

    fn byte(&mut self, byte: u8) {
        match byte {
            b'"' => {
                self.in_string = true;
                self.word.clear();
                self.is_text = self.text_key && self.before == b':';
            }
            b'{' | b'[' => {
                self.object |= self.depth == 0 && byte == b'{';
                self.depth = self.depth.saturating_add(1);
            }
            b',' => self.close(),
            b'}' | b']' => {
                self.close();
                self.depth = self.depth.saturating_sub(1);
                self.done = self.depth == 0;
            }
            _ => {}
        }
        self.copy(&[byte]);
        if byte == b':' && self.before == b'"' {
            self.key();
        }
    }

    /// The last string turned out to be a key.
    fn key(&mut self) {
        let word = self.word.as_slice();
        self.text_key = TEXTS.contains(&word);
        if self.depth == 1 {
            self.in_choices = word == b"choices";
        }
        if self.capture.is_some() || !self.object {
            return;
        }
        if self.depth == 1 && MEMBERS.contains(&word) {
            if self.members.is_empty() {
                self.members.reserve(TYPICAL_MEMBERS);
                self.members.push(b'{');
            }
            self.capture = Some(Capture { depth: 1, start: self.members.len() });
            self.members.push(b'"');
            self.members.extend_from_slice(word);
            self.members.extend_from_slice(b"\":");
        } else if self.depth == 3 && self.in_choices && word == b"finish_reason" {
            self.capture = Some(Capture { depth: 3, start: self.choices.len() });
            self.choices.extend_from_slice(b"{\"finish_reason\":");
        }
    }

    /// A comma or a bracket: the end of the value being copied, if it is at its depth.
    fn close(&mut self) {
        let Some(capture) = self.capture.take_if(|capture| capture.depth == self.depth) else {
            return;
        };
        if capture.in_choice() {
            self.choices.extend_from_slice(b"},");
        } else {
            self.members.push(b',');
        }
    }

    fn copy(&mut self, bytes: &[u8]) {
        let Some(capture) = self.capture else {
            return;
        };
        let into = if capture.in_choice() { &mut self.choices } else { &mut self.members };
        into.extend_from_slice(bytes);
        if into.len() - capture.start > MAX_MEMBER || into.len() > MAX_MEMBERS {
            into.truncate(capture.start);
            self.capture = None;
            self.skipped = true;
        }
    }

    fn skeleton(&mut self) -> Vec<u8> {
        let mut document = std::mem::take(&mut self.members);
        if document.is_empty() {
            document.push(b'{');
        }
        self.choices.pop();
        document.extend_from_slice(b"\"choices\":[");
        document.append(&mut self.choices);
        document.extend_from_slice(b"]}");
        document
    }
}

/// Whether a byte matters outside of strings: looked up, as every byte there is.
fn is_structure(byte: u8) -> bool {
    const STRUCTURE: [bool; 256] = {
        let mut table = [false; 256];
        let mut next = 0;
        while next < 6 {
            table[b"\"{}[]:"[next] as usize] = true;
            next += 1;
        }
        table
    };
    STRUCTURE[usize::from(byte)]
}
