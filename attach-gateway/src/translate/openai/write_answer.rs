use std::time::{SystemTime, UNIX_EPOCH};

use attach_core::{Exchange, Usage};
use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;

use super::shapes::{Answer, Call, Choice, Chunk, ChunkChoice, Counts, Delta, ErrorBody, Function, Message};
use crate::translate::canonical::{Event, Failure, Finish, WriteAnswer};

/// Writes an answer as OpenAI does: `chat.completion.chunk`s with `[DONE]` at the end, or one `chat.completion`.
#[derive(Debug)]
pub(crate) struct Writer {
    id: String,
    request: String,
    created: u64,
    model: Box<str>,
    include_usage: bool,
    begun: bool,
    /// The canonical indices of the tool calls so far, each at the index it has here: clients want no gaps.
    calls: Vec<u64>,
    finish: Option<Finish>,
    usage: Option<Usage>,
    over: bool,
}

impl Writer {
    pub(crate) fn new(model: &str, include_usage: bool, exchange: &Exchange) -> Self {
        let request = exchange.id().to_string();
        Self {
            id: format!("chatcmpl-{request}"),
            request,
            created: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            model: model.into(),
            include_usage,
            begun: false,
            calls: Vec::new(),
            finish: None,
            usage: None,
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
            Event::Text(text) => self.delta(Delta { content: Some(&text), ..Delta::default() }, out),
            Event::Thinking(text) => {
                self.delta(Delta { reasoning_content: Some(&text), ..Delta::default() }, out);
            }
            Event::Signature(_) | Event::RedactedThinking(_) => {}
            Event::Tool { index, id, name, arguments } => {
                let (index, first) = self.call(index);
                let call = Call {
                    index: Some(index),
                    id: id.filter(|_| first),
                    r#type: first.then_some("function"),
                    function: Function {
                        name: Some(name).filter(|name| first || !name.is_empty()),
                        arguments,
                    },
                };
                self.delta(Delta { tool_calls: vec![call], ..Delta::default() }, out);
            }
            Event::Finish(finish) => self.finish(finish, out),
            Event::Usage(usage) => self.usage = Some(usage),
            Event::Error(failure) => {
                self.over = true;
                self.event(&self.error(StatusCode::BAD_GATEWAY, &failure), out);
                out.extend_from_slice(DONE);
            }
            Event::Done => {
                // A server that says nothing of why it stopped has stopped.
                self.finish(Finish::Stop, out);
                self.end(out);
            }
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if self.over || self.finish.is_none() {
            return;
        }
        self.over = true;
        if let Some(usage) = self.usage.filter(|_| self.include_usage) {
            self.event(&Chunk { choices: &[], usage: Some(Some(usage.into())), ..self.chunk() }, out);
        }
        out.extend_from_slice(DONE);
    }

    fn whole(&mut self, events: Vec<Event>) -> Option<Bytes> {
        let (mut text, mut thinking, mut calls) = (String::new(), String::new(), Vec::new());
        for event in events {
            match event {
                Event::Text(piece) => text.push_str(&piece),
                Event::Thinking(piece) => thinking.push_str(&piece),
                Event::Tool { index, id, name, arguments } => {
                    let (index, _) = self.call(index);
                    add(&mut calls, index, id, (&name, &arguments));
                }
                Event::Finish(finish) => self.finish = Some(finish),
                Event::Usage(usage) => self.usage = Some(usage),
                Event::Error(_) => return None,
                Event::Signature(_) | Event::RedactedThinking(_) | Event::Done => {}
            }
        }
        let message = Message {
            role: "assistant",
            content: (!text.is_empty() || calls.is_empty()).then_some(text),
            reasoning_content: (!thinking.is_empty()).then_some(thinking),
            refusal: None,
            tool_calls: calls,
        };
        let finish_reason = self.reason(&self.finish.clone().unwrap_or(Finish::Stop));
        let answer = Answer {
            id: &self.id,
            object: "chat.completion",
            created: self.created,
            model: &self.model,
            choices: [Choice { index: 0, message, logprobs: None, finish_reason }],
            usage: self.usage.map(Counts::from),
        };
        serde_json::to_vec(&answer).ok().map(Bytes::from)
    }

    fn failure(&self, status: StatusCode, failure: &Failure) -> Bytes {
        self::failure(status, failure, &self.request)
    }
}

/// The body of an answer with an error status, in OpenAI's shape.
pub(crate) fn failure(status: StatusCode, failure: &Failure, request: &str) -> Bytes {
    let body = ErrorBody::new(status, &failure.message, failure.code.as_deref(), request);
    serde_json::to_vec(&body).map(Bytes::from).unwrap_or_default()
}

const DONE: &[u8] = b"data: [DONE]\n\n";

/// A piece of a tool call of a whole answer.
fn add(calls: &mut Vec<Call>, index: usize, id: Option<String>, (name, arguments): (&str, &str)) {
    if index >= calls.len() {
        calls.push(Call { index: None, id: None, r#type: Some("function"), function: Function::default() });
    }
    let Some(call) = calls.get_mut(index) else { return };
    call.id = call.id.take().or(id);
    call.function.name.get_or_insert_default().push_str(name);
    call.function.arguments.push_str(arguments);
}

impl Writer {
    fn call(&mut self, index: u64) -> (usize, bool) {
        match self.calls.iter().position(|known| *known == index) {
            Some(place) => (place, false),
            None => {
                self.calls.push(index);
                (self.calls.len() - 1, true)
            }
        }
    }

    /// Clients go on with a tool call if this says so; not every server says it.
    fn reason(&self, finish: &Finish) -> &'static str {
        match finish {
            Finish::Tools => "tool_calls",
            Finish::Stop | Finish::Sequence(_) if !self.calls.is_empty() => "tool_calls",
            Finish::Stop | Finish::Sequence(_) => "stop",
            Finish::Length => "length",
            Finish::Filtered => "content_filter",
        }
    }

    fn finish(&mut self, finish: Finish, out: &mut Vec<u8>) {
        if self.finish.is_none() {
            let reason = self.reason(&finish);
            self.finish = Some(finish);
            self.put(Delta::default(), Some(reason), out);
        }
    }

    fn delta(&mut self, delta: Delta<'_>, out: &mut Vec<u8>) {
        self.put(delta, None, out);
    }

    /// The first piece says who speaks.
    fn put(&mut self, delta: Delta<'_>, finish_reason: Option<&'static str>, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.begun, true) {
            let role = Delta { role: Some("assistant"), content: Some(""), ..Delta::default() };
            self.choice(role, None, out);
        }
        self.choice(delta, finish_reason, out);
    }

    fn choice(&self, delta: Delta<'_>, finish_reason: Option<&'static str>, out: &mut Vec<u8>) {
        let choice = ChunkChoice { index: 0, delta, logprobs: None, finish_reason };
        self.event(&Chunk { choices: &[choice], ..self.chunk() }, out);
    }

    fn chunk(&self) -> Chunk<'_> {
        Chunk {
            id: &self.id,
            object: "chat.completion.chunk",
            created: self.created,
            model: &self.model,
            choices: &[],
            usage: self.include_usage.then_some(None),
        }
    }

    /// Writing into memory fails only for a map key that is not a string, and there is no map.
    fn event(&self, data: &impl Serialize, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(b"data: ");
        match serde_json::to_writer(&mut *out, data) {
            Ok(()) => out.extend_from_slice(b"\n\n"),
            Err(_) => out.truncate(start),
        }
    }

    fn error<'a>(&'a self, status: StatusCode, failure: &'a Failure) -> ErrorBody<'a> {
        ErrorBody::new(status, &failure.message, failure.code.as_deref(), &self.request)
    }
}
