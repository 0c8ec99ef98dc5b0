use super::items::{Content, Item};
use super::shapes::{Event, Head, Part};

/// Writes the events of a stream, each with the next number.
#[derive(Debug, Default)]
pub(super) struct Events {
    next: u64,
}

impl Events {
    /// An event that says how the whole answer stands: its object with the settings in `members`.
    pub(super) fn response(&mut self, kind: &'static str, head: &Head<'_>, members: &str, out: &mut Vec<u8>) {
        let Some(response) = object(head, members) else { return };
        let number = self.next;
        self.next += 1;
        let event = format!(
            "event: {kind}\ndata: {{\"type\":\"{kind}\",\"sequence_number\":{number},\"response\":{response}}}\n\n"
        );
        out.extend_from_slice(event.as_bytes());
    }

    /// An item begins: nothing is in it yet.
    pub(super) fn added(&mut self, at: usize, item: &Item, out: &mut Vec<u8>) {
        self.put(Event { r#type: "response.output_item.added", item: Some(item.shape()), ..about(at) }, out);
        if matches!(item.content, Content::Text(_)) {
            let part = Some(Part::spoken(""));
            self.put(
                Event { r#type: "response.content_part.added", content_index: Some(0), part, ..of(at, item) },
                out,
            );
        }
    }

    /// A summary begins, which not every item with thoughts has.
    pub(super) fn summary_added(&mut self, at: usize, item: &Item, out: &mut Vec<u8>) {
        let part = Some(Part::SummaryText { text: "" });
        let r#type = "response.reasoning_summary_part.added";
        self.put(Event { r#type, summary_index: Some(0), part, ..of(at, item) }, out);
    }

    /// More of an item's text.
    pub(super) fn delta(&mut self, at: usize, item: &Item, piece: &str, out: &mut Vec<u8>) {
        let event = Event { delta: Some(piece), ..of(at, item) };
        self.put(
            match item.content {
                Content::Text(_) => Event {
                    r#type: "response.output_text.delta",
                    content_index: Some(0),
                    logprobs: Some([]),
                    ..event
                },
                Content::Thoughts { .. } => {
                    Event { r#type: "response.reasoning_summary_text.delta", summary_index: Some(0), ..event }
                }
                Content::Call { .. } => Event { r#type: "response.function_call_arguments.delta", ..event },
            },
            out,
        );
    }

    /// An item is over: its text, its part and itself as they are now.
    pub(super) fn done(&mut self, at: usize, item: &Item, out: &mut Vec<u8>) {
        let said = || of(at, item);
        match &item.content {
            Content::Text(text) => {
                let part = Some(Part::spoken(text));
                let event = Event { content_index: Some(0), ..said() };
                let done = Event { r#type: "response.output_text.done", text: Some(text), ..event };
                self.put(Event { logprobs: Some([]), ..done }, out);
                let done = Event { r#type: "response.content_part.done", part, ..said() };
                self.put(Event { content_index: Some(0), ..done }, out);
            }
            Content::Thoughts { text, .. } if !text.is_empty() => {
                let r#type = "response.reasoning_summary_text.done";
                self.put(Event { r#type, summary_index: Some(0), text: Some(text), ..said() }, out);
                let (r#type, part) =
                    ("response.reasoning_summary_part.done", Some(Part::SummaryText { text }));
                self.put(Event { r#type, summary_index: Some(0), part, ..said() }, out);
            }
            Content::Thoughts { .. } => {}
            Content::Call { name, arguments, .. } => {
                let done = Event { name: Some(name), arguments: Some(arguments), ..said() };
                self.put(Event { r#type: "response.function_call_arguments.done", ..done }, out);
            }
        }
        self.put(Event { r#type: "response.output_item.done", item: Some(item.shape()), ..about(at) }, out);
    }

    /// Writing into memory fails only for a map key that is not a string, and there is no map.
    fn put(&mut self, event: Event<'_>, out: &mut Vec<u8>) {
        let event = Event { sequence_number: self.next, ..event };
        self.next += 1;
        out.extend_from_slice(format!("event: {}\ndata: ", event.r#type).as_bytes());
        if serde_json::to_writer(&mut *out, &event).is_ok() {
            out.extend_from_slice(b"\n\n");
        }
    }
}

/// The response object: what is known by now, and the settings in `members`.
pub(super) fn object(head: &Head<'_>, members: &str) -> Option<String> {
    let mut object = serde_json::to_string(head).ok()?;
    object.pop();
    object.reserve(members.len() + 2);
    object.push(',');
    object.push_str(members);
    object.push('}');
    Some(object)
}

fn about<'a>(at: usize) -> Event<'a> {
    Event { output_index: at, ..Event::default() }
}

fn of(at: usize, item: &Item) -> Event<'_> {
    Event { item_id: Some(&item.id), ..about(at) }
}
