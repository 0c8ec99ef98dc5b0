//! Ollama's chat, generate and embed, whole or line by line.

use serde::Deserialize;

use super::Ending;
use super::lenient::{Count, Name, Object, Objects, Set, Text};
use super::meter::Event;
use super::tally::{Report, Tally};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Line<'a> {
    #[serde(borrow)]
    model: Name<'a>,
    message: Object<Message>,
    response: Text,
    thinking: Text,
    done: Set,
    #[serde(borrow)]
    done_reason: Name<'a>,
    prompt_eval_count: Count,
    eval_count: Count,
    error: Set,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Message {
    content: Text,
    thinking: Text,
    tool_calls: Objects<ToolCall>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ToolCall {
    function: Text,
}

pub(super) fn read(event: Event<'_>, tally: &mut Tally) -> serde_json::Result<()> {
    let Object(line) = serde_json::from_slice::<Object<Line<'_>>>(event.data)?;
    tally.model(&line.model.0);
    tally.text(line.text());
    tally.finish(0, &line.done_reason.0);
    tally.report(Report { input: line.prompt_eval_count.0, output: line.eval_count.0, ..Report::default() });
    if line.error.0 {
        tally.end(Ending::Failed);
    } else if line.done.0 {
        tally.finished = true;
        tally.end(Ending::Complete);
    }
    Ok(())
}

impl Line<'_> {
    fn text(&self) -> u64 {
        let message = &self.message.0;
        let calls = message.tool_calls.0.iter().map(|call| call.function.0);
        [self.response.0, self.thinking.0, message.content.0, message.thinking.0]
            .into_iter()
            .chain(calls)
            .fold(0, u64::saturating_add)
    }
}
