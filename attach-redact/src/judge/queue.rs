//! The events of a stream that nobody has let through yet.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use attach_core::Api;
use attach_core::json::Document;
use attach_core::usage::Wire;
use bytes::Bytes;

use super::event::{Event, Of, Piece};
use super::mask::{Escape, Form, masked};
use super::running::{Place, RunningTexts};
use super::shown::{Source, of_parts, shown};
use super::silenced::silenced;
use super::sound::{Sound, Transcript};
use crate::restore::{replaced_data, replaced_line};

/// How many characters of a text stay behind what goes on: a value of that length is seen as a whole.
pub(super) const KEPT: usize = 100;
/// So many of all texts: in an answer with several that run side by side, the others cannot hold one up for ever.
const KEPT_OF_ALL: usize = 4 * KEPT;

#[derive(Default)]
pub(super) struct Queue {
    events: VecDeque<Event>,
    texts: RunningTexts,
    /// Bytes of all events.
    pub(super) size: usize,
    /// Characters that nobody has looked at.
    pub(super) fresh: usize,
    /// Events with sound, which waits for all of its transcript.
    pub(super) sounding: usize,
    /// An event came that nobody can look into.
    pub(super) unreadable: bool,
}

impl Queue {
    /// Takes the event `raw` with `data` in it.
    pub(super) fn push(&mut self, api: Api, raw: Bytes, data: &[u8]) -> Option<&Document> {
        let event = Event::new(api, raw, data, &mut self.texts);
        let new = event.pieces.iter().filter(|piece| !piece.judged && !piece.again);
        self.fresh += new.map(|piece| piece.length).sum::<usize>();
        self.unreadable |= event.unreadable;
        self.size += event.raw.len();
        self.sounding += usize::from(!event.sounds.is_empty());
        self.events.push_back(event);
        self.events.back()?.document.as_ref()
    }

    /// What is new in the texts that are here, and where each comes from. It is not new any more.
    pub(super) fn shown(&mut self) -> (Vec<String>, Vec<Source>) {
        self.fresh = 0;
        let shown = shown(self.events.iter());
        self.events.iter_mut().flat_map(|event| &mut event.pieces).for_each(|piece| piece.judged = true);
        shown
    }

    /// Puts down what is to be masked in a text that was shown.
    pub(super) fn mask(&mut self, source: Source, ranges: Vec<Range<usize>>) {
        match source {
            Source::Running { place, from } => ranges.into_iter().for_each(|range| {
                self.texts.mask(place, from + range.start..from + range.end);
            }),
            Source::Apart { place, pieces } => {
                let ranges = ranges.iter().flat_map(|range| of_parts(&pieces, range));
                ranges.for_each(|range| self.texts.mask(place, range));
            }
            Source::Own { event, piece } => {
                let piece = self.events.get_mut(event).and_then(|event| event.pieces.get_mut(piece));
                if let Some(Piece { of: Of::Own(masks), .. }) = piece {
                    *masks = ranges.into_iter().collect();
                }
            }
        }
    }

    /// Takes the events at the front that say nothing.
    pub(super) fn silent(&mut self) -> Vec<Event> {
        let count = self.events.iter().take_while(|event| event.says_nothing()).count();
        self.take(count)
    }

    /// How many events are here.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether there is sound of which nobody knows what is said in it.
    pub(super) fn is_unheard(&self) -> bool {
        let mut sounds = self.events.iter().flat_map(|event| &event.sounds);
        sounds.any(|sound| match sound.transcript {
            Transcript::Beside => false,
            Transcript::Running(slot) => !self.texts.has(slot),
            Transcript::None => true,
        })
    }

    /// Takes the events that may go on once all have been looked at: all but those that what follows may belong to.
    pub(super) fn ripe(&mut self) -> Vec<Event> {
        let (mut after, mut after_all) = (BTreeMap::<Place, usize>::new(), 0);
        let mut count = self.events.len();
        for (at, event) in self.events.iter().enumerate().rev() {
            let is_ripe = |piece: &Piece| match &piece.of {
                Of::Running(place, _) => after.get(place).is_some_and(|after| *after >= KEPT),
                Of::Own(_) => true,
            };
            if after_all < KEPT_OF_ALL && !event.pieces.iter().all(is_ripe) || !event.sounds.is_empty() {
                count = at;
            }
            for piece in &event.pieces {
                after_all += piece.news();
                if let Of::Running(place, _) = piece.of {
                    *after.entry(place).or_default() += piece.length;
                }
            }
        }
        self.take(count)
    }

    /// Takes all of them.
    pub(super) fn rest(&mut self) -> Vec<Event> {
        self.take(self.events.len())
    }

    fn take(&mut self, count: usize) -> Vec<Event> {
        let taken: Vec<Event> = self.events.drain(..count).collect();
        self.size -= taken.iter().map(|event| event.raw.len()).sum::<usize>();
        self.sounding -= taken.iter().filter(|event| !event.sounds.is_empty()).count();
        taken
    }

    /// The bytes of an event that was taken and goes on, each in its turn. What cannot be masked does not.
    pub(super) fn written(&mut self, event: &Event, wire: Wire) -> Bytes {
        let (mut edits, mut is_masked) = (Vec::new(), event.sounds.iter().any(|sound| self.is_masked(sound)));
        for piece in &event.pieces {
            let text = self.masked(piece);
            is_masked |= text.is_some();
            if let Of::Running(place, _) = piece.of {
                self.texts.gone(place);
            }
            edits.extend(text.and_then(|text| piece.form.edit(piece.node, piece.is_key, text)));
        }
        if !is_masked {
            return event.raw.clone();
        }
        let Some(document) = &event.document else { return Bytes::new() };
        match silenced(document, &event.sounds, edits) {
            Ok(silenced) if wire == Wire::Sse => replaced_data(&event.raw, silenced.bytes()).into(),
            Ok(silenced) => replaced_line(&event.raw, silenced.bytes()).into(),
            Err(_) => Bytes::new(),
        }
    }

    /// Whether something is masked in what is said in it.
    fn is_masked(&self, sound: &Sound) -> bool {
        matches!(sound.transcript, Transcript::Running(slot) if self.texts.is_masked(slot))
    }

    /// The text with asterisks, if there are any in it.
    fn masked(&mut self, piece: &Piece) -> Option<String> {
        let masks = piece.masks(&self.texts);
        let mut apart = Escape::default();
        let escape = match piece.of {
            Of::Running(place, _) => self.texts.escape(place).unwrap_or(&mut apart),
            Of::Own(_) => &mut apart,
        };
        if !masks.is_empty() {
            return Some(masked(&piece.text, &masks, piece.form, escape));
        }
        if piece.form == Form::Json {
            escape.pass(&piece.text);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    const MANY: usize = 100_000;

    /// A list of so many `of`, one by one.
    fn list(of: &str) -> String {
        vec![of; MANY].join(",")
    }

    /// What goes on of `data` when every second byte of what is shown of it is masked, and how many texts were shown.
    fn masked(data: &str) -> (String, usize) {
        let mut queue = Queue::default();
        let raw = format!("{data}\n");
        queue.push(Api::OpenAiChat, Bytes::from(raw), data.as_bytes());
        let (texts, sources) = queue.shown();
        for (text, source) in texts.iter().zip(sources) {
            queue.mask(source, (0..text.len()).step_by(2).map(|at| at..at + 1).collect());
        }
        let events = queue.rest();
        let out: Vec<Bytes> = events.iter().map(|event| queue.written(event, Wire::Ndjson)).collect();
        (String::from_utf8(out.concat()).unwrap(), texts.len())
    }

    /// Each of these takes minutes where something of it grows with the square.
    #[test]
    fn an_event_with_very_many_texts_is_no_more_work_than_many_events() {
        let begin = Instant::now();
        let deltas = list(r#"{"index":0,"function":{"arguments":"ab"}}"#);
        let (out, shown) = masked(&format!(r#"{{"choices":[{{"delta":{{"tool_calls":[{deltas}]}}}}]}}"#));
        assert_eq!(
            (out.matches("*b").count(), shown),
            (MANY, 1),
            "one text in so many pieces, masked in each"
        );

        let deltas = list(r#"{"delta":{"content":"a"},"logprobs":null}"#);
        let (out, shown) = masked(&format!(r#"{{"choices":[{deltas}]}}"#));
        assert_eq!((out.matches(r#""*""#).count(), shown), (MANY, MANY), "as many texts as pieces");

        let (out, shown) = masked(&format!(r#"{{"results":[{}]}}"#, list(r#"{"title":"a","b":"c"}"#)));
        assert_eq!((out.matches(r#""*""#).count(), shown), (2 * MANY, 2 * MANY), "nothing that is known");
        assert!(begin.elapsed() < Duration::from_secs(240), "{:?}", begin.elapsed());
    }
}
