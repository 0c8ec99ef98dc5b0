use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use attach_core::{Api, Exchange, Usage};
use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::translate::canonical::{Embeddings, Event, Failure, Finish, WriteAnswer};

/// Writes an answer as Ollama does: a line per piece, or one object.
#[derive(Debug)]
pub(crate) struct Writer {
    chat: bool,
    model: Box<str>,
    exchange: Exchange,
    tools: BTreeMap<u64, (String, String)>,
    finish: Option<Finish>,
    usage: Usage,
    over: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    model: &'a str,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<OutMessage<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<&'a str>,
    done: bool,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    last: Option<Last>,
}

#[derive(Serialize)]
struct OutMessage<'a> {
    role: &'static str,
    content: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<OutCall>,
}

#[derive(Serialize)]
struct OutCall {
    function: OutFunction,
}

#[derive(Serialize)]
struct OutFunction {
    name: String,
    arguments: Box<RawValue>,
}

/// What only the last line has. Durations are nanoseconds.
#[derive(Serialize)]
struct Last {
    done_reason: &'static str,
    total_duration: u64,
    load_duration: u64,
    prompt_eval_count: u64,
    prompt_eval_duration: u64,
    eval_count: u64,
    eval_duration: u64,
}

impl Writer {
    pub(crate) fn new(api: Api, model: &str, exchange: Exchange) -> Self {
        Self {
            chat: api == Api::OllamaChat,
            model: model.into(),
            exchange,
            tools: BTreeMap::new(),
            finish: None,
            usage: Usage::default(),
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
            Event::Text(text) => self.line(&text, None, out),
            Event::Thinking(text) => self.line("", Some(&text), out),
            Event::Signature(_) | Event::RedactedThinking(_) => {}
            Event::Tool { index, name, arguments, .. } => self.tool(index, &name, &arguments),
            Event::Finish(finish) => self.finish = Some(finish),
            Event::Usage(usage) => self.usage = usage,
            Event::Error(Failure { message, .. }) => {
                self.over = true;
                out.extend_from_slice(&write_error(&message));
                out.push(b'\n');
            }
            Event::Done => {
                // A server that says nothing of why it stopped has stopped.
                self.finish.get_or_insert(Finish::Stop);
                self.end(out);
            }
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if self.over || self.finish.is_none() {
            return;
        }
        self.over = true;
        if !self.tools.is_empty() {
            let calls = self.take_calls();
            self.put(
                out,
                Some(OutMessage { role: "assistant", content: "", thinking: None, tool_calls: calls }),
                false,
            );
        }
        let message = OutMessage { role: "assistant", content: "", thinking: None, tool_calls: Vec::new() };
        self.put(out, Some(message), true);
    }

    fn whole(&mut self, events: Vec<Event>) -> Option<Bytes> {
        let (mut text, mut thinking, mut scratch) = (String::new(), String::new(), Vec::new());
        for event in events {
            match event {
                Event::Text(piece) => text.push_str(&piece),
                Event::Thinking(piece) => thinking.push_str(&piece),
                Event::Error(_) => return None,
                // Would end a stream, and put the tool calls there.
                Event::Done => _ = self.finish.get_or_insert(Finish::Stop),
                other => self.write(other, &mut scratch),
            }
        }
        self.finish.as_ref()?;
        let thinking = (!thinking.is_empty()).then_some(thinking.as_str());
        let tool_calls = self.take_calls();
        let mut out = Vec::new();
        self.put(
            &mut out,
            Some(OutMessage { role: "assistant", content: &text, thinking, tool_calls }),
            true,
        );
        out.pop();
        Some(out.into())
    }

    fn failure(&self, _: StatusCode, failure: &Failure) -> Bytes {
        write_error(&failure.message)
    }
}

impl Writer {
    fn line(&self, text: &str, thinking: Option<&str>, out: &mut Vec<u8>) {
        self.put(
            out,
            Some(OutMessage { role: "assistant", content: text, thinking, tool_calls: Vec::new() }),
            false,
        );
    }

    fn put(&self, out: &mut Vec<u8>, message: Option<OutMessage<'_>>, last: bool) {
        let (response, thinking) = match &message {
            Some(message) if !self.chat => (Some(message.content), message.thinking),
            _ => (None, None),
        };
        let line = Line {
            model: &self.model,
            created_at: humantime::format_rfc3339_micros(SystemTime::now()).to_string(),
            message: message.filter(|_| self.chat),
            response,
            thinking,
            done: last,
            last: last.then(|| self.last()),
        };
        // Writing into memory fails only for a map key that is not a string, and there is no map.
        if serde_json::to_writer(&mut *out, &line).is_ok() {
            out.push(b'\n');
        }
    }

    fn last(&self) -> Last {
        let total = nanos(self.exchange.elapsed());
        let to_first = self.exchange.facts(|facts| facts.first_byte).map_or(0, nanos);
        Last {
            done_reason: match self.finish {
                Some(Finish::Length) => "length",
                // Ollama filters nothing and has no word for it; "stop" would say that the model was done.
                Some(Finish::Filtered) => "content_filter",
                _ => "stop",
            },
            total_duration: total,
            load_duration: 0,
            prompt_eval_count: self.usage.input,
            prompt_eval_duration: to_first,
            eval_count: self.usage.output,
            eval_duration: total.saturating_sub(to_first),
        }
    }

    fn tool(&mut self, index: u64, name: &str, arguments: &str) {
        let tool = self.tools.entry(index).or_default();
        tool.0.push_str(name);
        tool.1.push_str(arguments);
    }

    /// Ollama's arguments are an object; what a model wrote that is none becomes an empty one.
    fn take_calls(&mut self) -> Vec<OutCall> {
        let call = |(name, arguments): (String, String)| {
            let arguments = RawValue::from_string(arguments).ok().filter(|json| json.get().starts_with('{'));
            let arguments = arguments.or_else(|| RawValue::from_string("{}".into()).ok())?;
            Some(OutCall { function: OutFunction { name, arguments } })
        };
        std::mem::take(&mut self.tools).into_values().filter_map(call).collect()
    }
}

/// The answer of `POST /api/embed`.
pub(crate) fn write_embeddings(from: &Embeddings, model: &str, took: Duration) -> Option<Bytes> {
    #[derive(Serialize)]
    struct Body<'a> {
        model: &'a str,
        embeddings: &'a [Box<RawValue>],
        total_duration: u64,
        load_duration: u64,
        prompt_eval_count: u64,
    }
    let body = Body {
        model,
        embeddings: &from.vectors,
        total_duration: nanos(took),
        load_duration: 0,
        prompt_eval_count: from.input,
    };
    serde_json::to_vec(&body).ok().map(Bytes::from)
}

/// The answer of `POST /api/show` for a model whose server has nothing more to say of it.
pub(crate) fn write_show() -> Bytes {
    let unknown = serde_json::json!({
        "modelfile": "",
        "parameters": "",
        "template": "",
        "details": {"format": "", "family": "", "families": null, "parameter_size": "", "quantization_level": ""},
        "model_info": {},
        "capabilities": ["completion", "tools"],
    });
    unknown.to_string().into()
}

/// `{"error":"…"}`
fn write_error(message: &str) -> Bytes {
    #[derive(Serialize)]
    struct Body<'a> {
        error: &'a str,
    }
    serde_json::to_vec(&Body { error: message }).map(Bytes::from).unwrap_or_default()
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
