use std::ptr;

use serde_json::{Value, json};

use super::piece::{Part, Text, size};

/// What can be open in an item at a time.
const MAX_OPEN: usize = 64;

/// One output item, as far as it has come.
pub(super) struct Item {
    value: Value,
    size: usize,
    open: Vec<Open>,
    done: bool,
}

/// What was begun in an item and not ended, at a place in its array.
struct Open {
    piece: Piece,
    at: Option<usize>,
}

#[derive(Clone, Copy)]
enum Piece {
    Text(&'static Text),
    Part(&'static Part),
}

impl Item {
    pub(super) fn new(value: Value) -> Self {
        Self { size: size(&value), value, open: Vec::new(), done: false }
    }

    pub(super) fn done(value: Value) -> Self {
        Self { done: true, ..Self::new(value) }
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn event(&mut self, kind: &str, data: &mut Value) {
        let Some((stem, what)) = kind.rsplit_once('.') else { return };
        if let Some(text) = Text::of(stem) {
            let at = text.part.and_then(|part| at(part, data));
            match what {
                "delta" => self.grow(text, at, data["delta"].as_str().unwrap_or_default()),
                "done" => self.close(Piece::Text(text), at),
                _ => {}
            }
        } else if let Some(part) = Part::of(stem) {
            let at = at(part, data);
            match what {
                "added" => self.add(part, at, data["part"].take()),
                "done" => self.close(Piece::Part(part), at),
                _ => {}
            }
        }
    }

    fn add(&mut self, part: &'static Part, at: Option<usize>, value: Value) {
        let Some(object) = self.value.as_object_mut() else { return };
        let array = object.entry(part.array).or_insert_with(|| json!([]));
        // Parts are numbered as they come.
        if let Some(array) = array.as_array_mut().filter(|array| at == Some(array.len())) {
            self.size += size(&value) + part.array.len();
            array.push(value);
            self.open(Piece::Part(part), at);
        }
    }

    fn grow(&mut self, text: &'static Text, at: Option<usize>, delta: &str) {
        let Some(Value::String(known)) = slot(&mut self.value, text, at) else { return };
        known.push_str(delta);
        self.size += delta.len();
        self.open(Piece::Text(text), at);
    }

    fn open(&mut self, piece: Piece, at: Option<usize>) {
        if self.open.len() < MAX_OPEN && !self.open.iter().any(|open| open.is(piece, at)) {
            self.open.push(Open { piece, at });
        }
    }

    fn close(&mut self, piece: Piece, at: Option<usize>) {
        self.open.retain(|open| !open.is(piece, at));
    }

    /// The events that end it, and the item as it is then. What was begun last is ended first.
    pub(super) fn ending(&self, index: u64) -> (Vec<Value>, Value) {
        let mut value = self.value.clone();
        if self.done {
            return (Vec::new(), value);
        }
        let mut events: Vec<Value> = self.open.iter().rev().map(|open| self.end(open, index)).collect();
        if value.is_object() {
            value["status"] = "incomplete".into();
        }
        events.push(json!({"type": "response.output_item.done", "output_index": index, "item": value}));
        (events, value)
    }

    fn end(&self, open: &Open, index: u64) -> Value {
        let (mut event, part) = match open.piece {
            Piece::Text(text) => (text.done(read(&self.value, text, open.at)), text.part),
            Piece::Part(part) => {
                let value = open.at.map_or(&Value::Null, |at| &self.value[part.array][at]);
                (json!({"type": format!("{}.done", part.event), "part": value}), Some(part))
            }
        };
        event["item_id"] = self.value["id"].clone();
        event["output_index"] = index.into();
        if let (Some(part), Some(at)) = (part, open.at) {
            event[part.index] = at.into();
        }
        event
    }
}

impl Open {
    fn is(&self, piece: Piece, at: Option<usize>) -> bool {
        let same = match (self.piece, piece) {
            (Piece::Text(one), Piece::Text(other)) => ptr::eq(one, other),
            (Piece::Part(one), Piece::Part(other)) => ptr::eq(one, other),
            _ => false,
        };
        same && self.at == at
    }
}

fn at(part: &Part, data: &Value) -> Option<usize> {
    data[part.index].as_u64().and_then(|at| usize::try_from(at).ok())
}

/// The string that a text is kept in; made where an item has none yet.
fn slot<'a>(item: &'a mut Value, text: &Text, at: Option<usize>) -> Option<&'a mut Value> {
    let holder = match text.part {
        Some(part) => item.get_mut(part.array)?.get_mut(at?)?,
        None => item,
    };
    Some(holder.as_object_mut()?.entry(text.field).or_insert_with(|| "".into()))
}

fn read<'a>(item: &'a Value, text: &Text, at: Option<usize>) -> &'a Value {
    match (text.part, at) {
        (Some(part), Some(at)) => &item[part.array][at][text.field],
        _ => &item[text.field],
    }
}
