use attach_core::Usage;
use attach_core::body::lines;
use attach_core::usage::Source;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::translate::canonical::{Event, Failure, Finish, ReadAnswer};

/// Reads the answers of `POST /api/chat`: a line per piece, or one object.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// The tool calls so far. Each comes whole, and most servers do not number them.
    calls: u64,
}

/// Every member may be absent or null.
#[derive(Deserialize)]
struct Line {
    message: Option<Message>,
    done: Option<bool>,
    done_reason: Option<String>,
    prompt_eval_count: Option<u64>,
    eval_count: Option<u64>,
    error: Option<ErrorBody>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
    thinking: Option<String>,
    tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
struct Call {
    id: Option<String>,
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    arguments: Option<Box<RawValue>>,
}

/// Proxies before the server may have an object there.
#[derive(Deserialize)]
#[serde(untagged)]
enum ErrorBody {
    Text(String),
    Object { message: String },
}

impl ReadAnswer for Reader {
    fn frame(&mut self, frame: &[u8], out: &mut Vec<Event>) {
        for line in lines(frame) {
            if let Ok(line) = serde_json::from_slice::<Line>(line) {
                self.line(line, out);
            }
        }
    }

    fn whole(&mut self, bytes: &[u8]) -> Option<Vec<Event>> {
        let line: Line = serde_json::from_slice(bytes).ok()?;
        let is_answer = line.done == Some(true) && line.message.is_some() && line.error.is_none();
        let mut events = Vec::new();
        self.line(line, &mut events);
        is_answer.then_some(events)
    }

    fn failure(&mut self, bytes: &[u8]) -> Failure {
        let error = serde_json::from_slice::<Line>(bytes).ok().and_then(|line| line.error);
        error.map_or_else(Failure::unknown, ErrorBody::failure)
    }

    // How it ended was said before.
    fn end(&mut self, _: &mut Vec<Event>) {}
}

impl Reader {
    fn line(&mut self, line: Line, out: &mut Vec<Event>) {
        let usage = line.usage();
        if let Some(error) = line.error {
            out.push(Event::Error(error.failure()));
            return;
        }
        if let Some(message) = line.message {
            out.extend(message.thinking.filter(|text| !text.is_empty()).map(Event::Thinking));
            out.extend(message.content.filter(|text| !text.is_empty()).map(Event::Text));
            out.extend(message.tool_calls.unwrap_or_default().into_iter().map(|call| self.call(call)));
        }
        if line.done == Some(true) {
            out.push(Event::Finish(match line.done_reason.as_deref() {
                Some("length") => Finish::Length,
                Some("content_filter") => Finish::Filtered,
                _ if self.calls > 0 => Finish::Tools,
                _ => Finish::Stop,
            }));
            out.extend(usage.map(Event::Usage));
            out.push(Event::Done);
        }
    }

    fn call(&mut self, call: Call) -> Event {
        let index = self.calls;
        self.calls += 1;
        let arguments = call.function.arguments.map_or_else(|| "{}".into(), |json| json.get().to_owned());
        Event::Tool { index, id: call.id, name: call.function.name, arguments }
    }
}

impl Line {
    /// A prompt that the server still had in its cache may have no count.
    fn usage(&self) -> Option<Usage> {
        if self.prompt_eval_count.is_none() && self.eval_count.is_none() {
            return None;
        }
        let mut usage = Usage::default();
        usage.input = self.prompt_eval_count.unwrap_or(0);
        usage.output = self.eval_count.unwrap_or(0);
        usage.source = Source::Reported;
        Some(usage)
    }
}

impl ErrorBody {
    fn failure(self) -> Failure {
        let (Self::Text(message) | Self::Object { message }) = self;
        Failure { code: None, message }
    }
}
