use attach_core::{Exchange, Usage};
use bytes::Bytes;
use http::StatusCode;
use serde::de::IgnoredAny;

use super::blocks::{Block, Blocks};
use super::wire::{Content, Delta, Fault, Frame, Message, Stop, input};
use crate::translate::canonical::{Event, Failure, Finish, WriteAnswer};

/// The most that is kept of a call that is not over and of what has to wait for it, in bytes; more ends the answer in an
/// error.
const MAX_KEPT: usize = 16 << 20;

/// Writes an answer as Anthropic does: events of one block after the other, or one message.
#[derive(Debug)]
pub(crate) struct Writer {
    model: Box<str>,
    exchange: Exchange,
    started: bool,
    /// The block that is being written, and its number.
    open: Option<Open>,
    index: u64,
    /// What came before its turn: blocks do not interleave here.
    later: Blocks,
    finish: Option<Finish>,
    usage: Usage,
    calls: bool,
    over: bool,
}

#[derive(Debug)]
enum Open {
    Text,
    Thinking,
    Tool { index: u64, arguments: String },
}

impl Writer {
    pub(crate) fn new(model: &str, exchange: Exchange) -> Self {
        Self {
            model: model.into(),
            exchange,
            started: false,
            open: None,
            index: 0,
            later: Blocks::default(),
            finish: None,
            usage: Usage::default(),
            calls: false,
            over: false,
        }
    }
}

impl WriteAnswer for Writer {
    fn write(&mut self, event: Event, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match event {
            Event::Finish(finish) => self.finish = Some(finish),
            Event::Usage(usage) => self.usage = usage,
            Event::Error(failure) => self.fail(&failure, out),
            Event::Done => {
                // A server that says nothing of why it stopped has stopped.
                self.finish.get_or_insert(Finish::Stop);
                self.end(out);
            }
            content => self.content(content, out),
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if self.over || self.finish.is_none() {
            return;
        }
        self.over = true;
        self.start(out);
        self.close(out);
        for block in std::mem::take(&mut self.later).iter() {
            self.whole_block(block, out);
        }
        Frame::MessageDelta { delta: self.stop(), usage: self.usage.into() }.put(out);
        Frame::MessageStop {}.put(out);
    }

    fn whole(&mut self, events: Vec<Event>) -> Option<Bytes> {
        let mut blocks = Blocks::default();
        for event in events {
            match event {
                Event::Finish(finish) => self.finish = Some(finish),
                Event::Usage(usage) => self.usage = usage,
                Event::Error(_) => return None,
                content => blocks.push(content),
            }
        }
        self.finish.as_ref()?;
        self.calls = blocks.iter().any(|block| matches!(block, Block::Tool { .. }));
        let content = blocks.iter().map(Block::content).collect();
        serde_json::to_vec(&self.message(content, self.stop())).ok().map(Bytes::from)
    }

    fn failure(&self, status: StatusCode, failure: &Failure) -> Bytes {
        let frame = self.fault(kind_of_status(status), failure);
        serde_json::to_vec(&frame).map(Bytes::from).unwrap_or_default()
    }
}

impl Writer {
    /// Content goes out as it comes if it continues the open block, or that one is over.
    fn content(&mut self, event: Event, out: &mut Vec<u8>) {
        // Some servers end every call with an empty piece.
        if matches!(&event, Event::Tool { id: None, name, arguments, .. } if name.is_empty() && arguments.is_empty())
        {
            return;
        }
        let continued = match &self.open {
            Some(Open::Tool { arguments, .. }) => arguments.len(),
            _ => 0,
        };
        if self.later.bytes() + continued > MAX_KEPT {
            return self.fail(&too_long(), out);
        }
        if self.waits(&event) {
            return self.later.push(event);
        }
        self.start(out);
        match event {
            Event::Text(text) => self.text(&text, out),
            Event::Thinking(text) => self.thinking(&text, out),
            Event::Signature(signature) => self.signature(&signature, out),
            Event::RedactedThinking(data) => {
                self.close(out);
                self.whole_block(&Block::RedactedThinking(data), out);
            }
            Event::Tool { index, id, name, arguments } => self.tool((index, id), &name, &arguments, out),
            _ => {}
        }
    }

    /// Whether a piece has to wait until an earlier call is over; one that continues the open call has not.
    fn waits(&self, event: &Event) -> bool {
        let open = match &self.open {
            Some(Open::Tool { index, arguments }) => Some((index, arguments)),
            _ => None,
        };
        match event {
            Event::Tool { index, .. } if open.is_some_and(|(open, _)| open == index) => false,
            Event::Tool { name, .. } if name.is_empty() => true,
            _ => !self.later.is_empty() || open.is_some_and(|(_, arguments)| !is_whole(arguments)),
        }
    }

    fn text(&mut self, text: &str, out: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        if !matches!(self.open, Some(Open::Text)) {
            self.open(Open::Text, Content::Text { text: "" }, out);
        }
        self.delta(Delta::TextDelta { text }, out);
    }

    fn thinking(&mut self, thinking: &str, out: &mut Vec<u8>) {
        self.think(out);
        self.delta(Delta::ThinkingDelta { thinking }, out);
    }

    /// A signature is the last of its block.
    fn signature(&mut self, signature: &str, out: &mut Vec<u8>) {
        self.think(out);
        self.delta(Delta::SignatureDelta { signature }, out);
        self.close(out);
    }

    fn think(&mut self, out: &mut Vec<u8>) {
        if !matches!(self.open, Some(Open::Thinking)) {
            self.open(Open::Thinking, Content::Thinking { thinking: "", signature: "" }, out);
        }
    }

    fn tool(&mut self, (index, id): (u64, Option<String>), name: &str, piece: &str, out: &mut Vec<u8>) {
        if !matches!(&self.open, Some(Open::Tool { index: open, .. }) if *open == index) {
            if name.is_empty() {
                return;
            }
            let id = id.unwrap_or_default();
            let content = Content::ToolUse { id: &id, name, input: input("") };
            self.open(Open::Tool { index, arguments: String::new() }, content, out);
            self.calls = true;
        }
        if let Some(Open::Tool { arguments, .. }) = &mut self.open {
            arguments.push_str(piece);
        }
        if !piece.is_empty() {
            self.delta(Delta::InputJsonDelta { partial_json: piece }, out);
        }
    }

    /// A block that is all there.
    fn whole_block(&mut self, block: &Block, out: &mut Vec<u8>) {
        match block {
            Block::Text(text) => self.text(text, out),
            Block::Thinking { text, signature } => {
                self.thinking(text, out);
                if !signature.is_empty() {
                    self.signature(signature, out);
                }
            }
            Block::RedactedThinking(_) => {
                self.close(out);
                Frame::ContentBlockStart { index: self.index, content_block: block.content() }.put(out);
                Frame::ContentBlockStop { index: self.index }.put(out);
                self.index += 1;
            }
            Block::Tool { index, id, name, arguments } => {
                self.tool((*index, Some(id.clone())), name, arguments, out);
            }
        }
        self.close(out);
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.started, true) {
            Frame::MessageStart { message: self.message(Vec::new(), Stop::default()) }.put(out);
        }
    }

    fn open(&mut self, open: Open, content_block: Content<'_>, out: &mut Vec<u8>) {
        self.close(out);
        self.open = Some(open);
        Frame::ContentBlockStart { index: self.index, content_block }.put(out);
    }

    fn delta(&self, delta: Delta<'_>, out: &mut Vec<u8>) {
        Frame::ContentBlockDelta { index: self.index, delta }.put(out);
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if self.open.take().is_some() {
            Frame::ContentBlockStop { index: self.index }.put(out);
            self.index += 1;
        }
    }

    fn fail(&mut self, failure: &Failure, out: &mut Vec<u8>) {
        self.over = true;
        self.fault(kind_of_code(failure.code.as_deref()), failure).put(out);
    }

    fn fault<'a>(&self, kind: &'static str, failure: &'a Failure) -> Frame<'a> {
        let code = failure.code.as_deref().filter(|code| *code != kind);
        Frame::Error {
            error: Fault { r#type: kind, message: &failure.message, code },
            request_id: self.exchange.id().to_string(),
        }
    }

    fn message<'a>(&'a self, content: Vec<Content<'a>>, stop: Stop<'a>) -> Message<'a> {
        Message {
            id: format!("msg_{}", self.exchange.id()),
            r#type: "message",
            role: "assistant",
            model: &self.model,
            content,
            stop,
            usage: self.usage.into(),
        }
    }

    /// Some servers say `stop` after tool calls, too; a client goes on only if it reads `tool_use`.
    fn stop(&self) -> Stop<'_> {
        let (reason, sequence) = match &self.finish {
            Some(Finish::Length) => ("max_tokens", None),
            Some(Finish::Filtered) => ("refusal", None),
            _ if self.calls => ("tool_use", None),
            Some(Finish::Sequence(sequence)) => ("stop_sequence", sequence.as_deref()),
            Some(Finish::Stop | Finish::Tools) | None => ("end_turn", None),
        };
        Stop { stop_reason: Some(reason), stop_sequence: sequence }
    }
}

fn too_long() -> Failure {
    Failure { code: None, message: "the answer is too long to be put in order".into() }
}

/// Whether nothing can be missing of a call's arguments.
fn is_whole(arguments: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(arguments).is_ok()
}

/// The names of "HTTP errors" in the reference.
fn kind_of_status(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        408 | 504 => "timeout_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

/// Within a stream there is no status; a provider's word says what it would have been.
fn kind_of_code(code: Option<&str>) -> &'static str {
    let code = code.unwrap_or_default().to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| code.contains(word));
    if says(&["overload", "unavailable"]) {
        "overloaded_error"
    } else if says(&["rate_limit", "throttl"]) {
        "rate_limit_error"
    } else if says(&["invalid_request", "validation"]) {
        "invalid_request_error"
    } else {
        "api_error"
    }
}
