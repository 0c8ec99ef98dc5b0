//! Sound in an answer, which nobody looks into: what is said in it is its transcript.
//!
//! Sources: OpenAI API reference, "The chat completion object" (`audio`), and "Responses streaming events"
//! (`response.audio.delta`).

use attach_core::json::{Kind, NodeId, Value};

use crate::restore::{Field, ItemText, Slot};

/// Sound, and where the words are that are said in it.
pub(super) struct Sound {
    pub(super) node: NodeId,
    pub(super) transcript: Transcript,
}

pub(super) enum Transcript {
    /// In the same object.
    Beside,
    /// A running text.
    Running(Slot),
    /// Nowhere.
    None,
}

/// The sound of a stream in an event, whose transcript runs beside it.
pub(super) fn sounds(event: Value<'_>) -> Vec<Sound> {
    let number = |value: Value<'_>, key: &str| value.get(key).and_then(Value::as_u64);
    let mut found = Vec::new();
    let mut add = |value: Option<Value<'_>>, slot: Slot| {
        let value = value.filter(|value| value.as_str().is_some_and(|data| !data.is_empty()));
        found.extend(value.map(|value| Sound { node: value.id(), transcript: Transcript::Running(slot) }));
    };
    for (at, choice) in event.get("choices").into_iter().flat_map(Value::elements).enumerate() {
        let index = number(choice, "index").unwrap_or(at as u64);
        let audio = choice.get("delta").and_then(|delta| delta.get("audio"));
        add(audio.and_then(|audio| audio.get("data")), Slot::new(index, Field::Transcript, 0));
    }
    let kind = event.get("type").and_then(Value::as_str);
    if kind.is_some_and(|kind| kind.ends_with("audio.delta")) {
        let (item, part) = (number(event, "output_index"), number(event, "content_index"));
        let slot = Slot::new(item.unwrap_or(0), Field::Item(ItemText::Other), part.unwrap_or(0));
        add(event.get("delta"), slot);
    }
    found
}

/// The sound that `value`, the member `key` of an object, is.
pub(super) fn sound(key: &str, value: Value<'_>) -> Option<Sound> {
    let may_be = matches!(key, "audio" | "data") && value.as_str().is_some_and(|data| !data.is_empty());
    // Asked first: an object may have any number of members, and each would look through all of them.
    let parent = value.parent().filter(|_| may_be)?;
    if key == "data" && !is_audio(parent) {
        return None;
    }
    let words = parent.get("transcript").filter(|words| words.kind() == Kind::String);
    let transcript = match words.and_then(Value::as_str) {
        Some(words) if words.chars().any(char::is_alphanumeric) => Transcript::Beside,
        _ => Transcript::None,
    };
    Some(Sound { node: value.id(), transcript })
}

fn is_audio(object: Value<'_>) -> bool {
    let kind = object.get("type").and_then(Value::as_str);
    object.raw_key() == Some(b"audio") || kind.is_some_and(|kind| kind.contains("audio"))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use attach_core::json::Document;

    use super::*;

    /// Takes hours where every member looks through all the others.
    #[test]
    fn an_object_of_very_many_members_is_no_more_work_than_many_objects() {
        let members: Vec<String> = (0..300_000).map(|at| format!("\"a{at}\":1")).collect();
        let document = Document::parse(format!("{{{}}}", members.join(",")).into()).unwrap();
        let begin = Instant::now();
        let found = document.root().members().filter_map(|(key, value)| sound(&key, value));
        assert_eq!(found.count(), 0);
        assert!(begin.elapsed() < Duration::from_secs(120), "{:?}", begin.elapsed());
    }
}
