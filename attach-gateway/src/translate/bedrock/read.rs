use serde::de::DeserializeOwned;

use super::frames::{Frame, Frames};
use super::say::{Delta, Metadata, Reasoning, Start, Stop, Whole, failure, finish};
use crate::translate::canonical::{Event, Failure, ReadAnswer};

/// Reads the answers of `Converse` and the frames of `ConverseStream`, wherever these are cut.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    frames: Frames,
    /// The blocks that are tool calls, in order, and whether anything of their arguments has come.
    tools: Vec<(u64, bool)>,
    state: State,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    /// It has said why it stopped; its usage follows.
    Stopped,
    Over,
}

impl ReadAnswer for Reader {
    fn frame(&mut self, frame: &[u8], out: &mut Vec<Event>) {
        if self.state == State::Over {
            return;
        }
        self.frames.push(frame);
        while self.state != State::Over {
            match self.frames.next() {
                Ok(Some(frame)) => self.message(&frame, out),
                Ok(None) => return,
                Err(_) => self.fail(broken("the model server's stream could not be read"), out),
            }
        }
    }

    fn whole(&mut self, bytes: &[u8]) -> Option<Vec<Event>> {
        let whole: Whole = serde_json::from_slice(bytes).ok()?;
        let mut out = Vec::new();
        for block in whole.output.message.into_iter().flat_map(|message| message.content) {
            out.extend(block.text.map(Event::Text));
            block.reasoning_content.into_iter().for_each(|piece| reasoning(piece, &mut out));
            if let Some(call) = block.tool_use {
                let arguments = call.input.map_or_else(|| "{}".to_owned(), |input| input.get().to_owned());
                let index = self.tools.len() as u64;
                self.tools.push((index, true));
                out.push(Event::Tool { index, id: Some(call.tool_use_id), name: call.name, arguments });
            }
        }
        out.extend(whole.usage.map(|usage| Event::Usage(usage.counts())));
        out.push(
            finish(&whole.stop_reason, whole.additional_model_response_fields)
                .map_or_else(Event::Error, Event::Finish),
        );
        Some(out)
    }

    fn failure(&mut self, bytes: &[u8]) -> Failure {
        failure(bytes, None)
    }

    fn end(&mut self, out: &mut Vec<Event>) {
        match self.state {
            State::Over => {}
            State::Stopped if !self.frames.is_torn() => {
                self.state = State::Over;
                out.push(Event::Done);
            }
            _ => self.fail(broken("the model server broke off its answer"), out),
        }
    }
}

impl Reader {
    fn message(&mut self, frame: &Frame, out: &mut Vec<Event>) {
        if frame.message != "event" {
            return self.fail(failure(&frame.payload, Some(&frame.name)), out);
        }
        let payload = &frame.payload;
        let understood = match frame.name.as_str() {
            "contentBlockStart" => parsed(payload).map(|start| self.start(start, out)),
            "contentBlockDelta" => parsed(payload).map(|delta| self.delta(delta, out)),
            "contentBlockStop" => {
                parsed(payload).map(|stop: Delta| self.stop_block(stop.content_block_index, out))
            }
            "messageStop" => parsed(payload).map(|stop| self.stop(stop, out)),
            "metadata" => parsed(payload).map(|metadata| self.metadata(&metadata, out)),
            // `messageStart`, and whatever comes with later versions.
            _ => Some(()),
        };
        if understood.is_none() {
            self.fail(broken("the model server's stream could not be read"), out);
        }
    }

    fn start(&mut self, start: Start, out: &mut Vec<Event>) {
        let Some(call) = start.start.and_then(|begun| begun.tool_use) else { return };
        let index = self.tools.len() as u64;
        self.tools.push((start.content_block_index, false));
        let (id, name) = (Some(call.tool_use_id), call.name);
        out.push(Event::Tool { index, id, name, arguments: String::new() });
    }

    fn delta(&mut self, delta: Delta, out: &mut Vec<Event>) {
        let Some(piece) = delta.delta else { return };
        out.extend(piece.text.filter(|text| !text.is_empty()).map(Event::Text));
        piece.reasoning_content.into_iter().for_each(|piece| reasoning(piece, out));
        let Some(input) = piece.tool_use.map(|tool| tool.input).filter(|input| !input.is_empty()) else {
            return;
        };
        self.arguments(delta.content_block_index, input, out);
    }

    fn arguments(&mut self, block: u64, arguments: String, out: &mut Vec<Event>) {
        let calls = (0..).zip(self.tools.iter_mut());
        let Some((index, (_, begun))) = calls.into_iter().find(|(_, (known, _))| *known == block) else {
            return;
        };
        *begun = true;
        out.push(Event::Tool { index, id: None, name: String::new(), arguments });
    }

    /// A call without arguments says nothing of them; callers expect an object.
    fn stop_block(&mut self, block: u64, out: &mut Vec<Event>) {
        if self.tools.iter().any(|(known, begun)| *known == block && !begun) {
            self.arguments(block, "{}".to_owned(), out);
        }
    }

    fn stop(&mut self, stop: Stop, out: &mut Vec<Event>) {
        match finish(&stop.stop_reason, stop.additional_model_response_fields) {
            Ok(finish) => {
                self.state = State::Stopped;
                out.push(Event::Finish(finish));
            }
            Err(failure) => self.fail(failure, out),
        }
    }

    fn metadata(&mut self, metadata: &Metadata, out: &mut Vec<Event>) {
        out.extend(metadata.usage.as_ref().map(|usage| Event::Usage(usage.counts())));
        if self.state == State::Stopped {
            self.state = State::Over;
            out.push(Event::Done);
        }
    }

    fn fail(&mut self, failure: Failure, out: &mut Vec<Event>) {
        self.state = State::Over;
        out.push(Event::Error(failure));
    }
}

fn reasoning(piece: Reasoning, out: &mut Vec<Event>) {
    let Reasoning { reasoning_text, text, signature, redacted_content } = piece;
    let (whole, signed) = reasoning_text.map(|whole| (whole.text, whole.signature)).unzip();
    out.extend(whole.or(text).filter(|text| !text.is_empty()).map(Event::Thinking));
    out.extend(signed.flatten().or(signature).map(Event::Signature));
    out.extend(redacted_content.map(Event::RedactedThinking));
}

fn parsed<T: DeserializeOwned>(payload: &[u8]) -> Option<T> {
    serde_json::from_slice(payload).ok()
}

fn broken(message: &str) -> Failure {
    Failure { code: None, message: message.to_owned() }
}

#[cfg(test)]
mod tests;
