//! What a dialect's writer writes of an answer, its own reader reads: the pieces come through unchanged.

use attach_core::usage::Source;
use attach_core::{Api, Usage};

use super::exchange;
use super::round_trip::Dice;
use crate::translate::canonical::{Event, Finish, ReadAnswer, WriteAnswer};
use crate::translate::{ollama, openai};

fn tool(index: u64, id: Option<String>, name: &str, arguments: &str) -> Event {
    Event::Tool { index, id, name: name.into(), arguments: arguments.into() }
}

/// An answer in pieces; with tool calls in pieces where the dialect has them.
fn answer(dice: &mut Dice, in_pieces: bool) -> Vec<Event> {
    let mut events = Vec::new();
    for _ in 0..dice.roll(3) {
        events.push(Event::Thinking(dice.text()));
    }
    for _ in 0..dice.roll(4) {
        events.push(Event::Text(dice.text()));
    }
    let calls = dice.roll(3);
    for index in 0..calls {
        let id = in_pieces.then(|| format!("call_{index}"));
        if in_pieces && dice.yes() {
            events.push(tool(index, id, "f", "{\"a"));
            events.push(tool(index, None, "", "\":1}"));
        } else {
            events.push(tool(index, id, "f", "{\"a\":1}"));
        }
    }
    events.push(Event::Finish(match dice.roll(2) {
        0 => Finish::Length,
        _ if calls > 0 => Finish::Tools,
        _ => Finish::Stop,
    }));
    let mut usage = Usage::default();
    (usage.input, usage.output, usage.source) = (dice.roll(99), dice.roll(99), Source::Reported);
    events.extend([Event::Usage(usage), Event::Done]);
    events
}

fn through(events: &[Event], writer: &mut dyn WriteAnswer, reader: &mut dyn ReadAnswer) -> Vec<Event> {
    let (mut out, mut read) = (Vec::new(), Vec::new());
    events.iter().cloned().for_each(|event| writer.write(event, &mut out));
    writer.end(&mut out);
    reader.frame(&out, &mut read);
    read
}

#[test]
fn openais_answers_come_through_unchanged() {
    for seed in 0..300 {
        let mut events = answer(&mut Dice(seed), true);
        let exchange = exchange(Api::OpenAiChat);
        let (mut writer, mut reader) = (openai::Writer::new("m", true, &exchange), openai::Reader::default());
        assert_eq!(through(&events, &mut writer, &mut reader), events, "seed {seed}");
        // As one object there is no end but its own, and pieces are joined.
        let mut writer = openai::Writer::new("m", true, &exchange);
        let whole = writer.whole(events.clone()).unwrap();
        let read = openai::Reader::default().whole(&whole).unwrap();
        events.pop();
        assert_eq!(joined(read), joined(events), "seed {seed}");
    }
}

#[test]
fn ollamas_answers_come_through_unchanged() {
    for seed in 0..300 {
        let events = answer(&mut Dice(seed), false);
        let exchange = exchange(Api::OllamaChat);
        let writer = || ollama::Writer::new(Api::OllamaChat, "m", exchange.clone());
        let read = through(&events, &mut writer(), &mut ollama::Reader::default());
        assert_eq!(read, events, "seed {seed}");
        let whole = writer().whole(events.clone()).unwrap();
        let read = ollama::Reader::default().whole(&whole).unwrap();
        assert_eq!(joined(read), joined(events), "seed {seed}");
    }
}

/// With what belongs together in one piece.
fn joined(events: Vec<Event>) -> Vec<Event> {
    let mut all: Vec<Event> = Vec::new();
    for event in events {
        match (all.last_mut(), event) {
            (Some(Event::Text(before)), Event::Text(text))
            | (Some(Event::Thinking(before)), Event::Thinking(text)) => before.push_str(&text),
            (
                Some(Event::Tool { index, arguments, .. }),
                Event::Tool { index: same, arguments: more, .. },
            ) if *index == same => {
                arguments.push_str(&more);
            }
            (_, event) => all.push(event),
        }
    }
    all
}
