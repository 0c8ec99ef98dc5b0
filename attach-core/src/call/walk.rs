//! One pass over a body along its tables: types are checked, and what is found is listed.

use std::borrow::Cow;

use super::anthropic;
use super::error::{CallError, CallErrorKind};
use super::leaves::{Leaf, Modality, Opaque, Place, StateUse};
use super::schema::{Field, Holds, Kinds, Shape};
use crate::json::{Kind, Value};

/// What a body holds.
#[derive(Default)]
pub(super) struct Found {
    pub(super) leaves: Vec<Leaf>,
    pub(super) opaque: Vec<Opaque>,
    pub(super) state: Vec<StateUse>,
    pub(super) text_bytes: usize,
}

/// Reads `root` as an object of `shape`.
pub(super) fn walk(root: Value<'_>, shape: &'static Shape) -> Result<Found, CallError> {
    let mut found = Found { leaves: Vec::with_capacity(16), ..Found::default() };
    found.object(root, shape)?;
    Ok(found)
}

/// Whose a value is that no table describes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// The caller's own, as metadata and tool arguments are.
    Caller,
    /// Nobody knows: the field is in no table.
    Unknown,
    /// A program's: a schema.
    Code,
}

/// From this many bytes on, an unbroken run of base64 in an unknown field is taken for data.
const LONG_DATA: usize = 256;
/// From this many numbers on, an array in an unknown field may be text as token ids.
const MANY_NUMBERS: usize = 16;
/// From this many digits on, a number can be somebody's: a phone, an account, a card.
const MANY_DIGITS: usize = 7;
/// Longer than any id of a provider's.
const LONG_WORD: usize = 256;

impl Found {
    fn object(&mut self, value: Value<'_>, shape: &'static Shape) -> Result<(), CallError> {
        expect(value, Kinds::OBJECT)?;
        for (key, member) in value.members() {
            match shape.field(&key) {
                Some(field) => self.field(member, field)?,
                None => {
                    if let Some(known) = shape.look_alike(&key) {
                        return Err(CallError::at(member, CallErrorKind::LookAlike { known: known.name }));
                    }
                    self.leaf(member, Place::Key);
                    self.free(member, Owner::Unknown);
                }
            }
        }
        Ok(())
    }

    fn field(&mut self, value: Value<'_>, field: &'static Field) -> Result<(), CallError> {
        if !field.kinds.allow(value) {
            return Err(wrong_type(value, field.kinds));
        }
        if field.state && is_used(value) {
            self.state.push(StateUse::new(value.id(), field.name));
        }
        self.value(value, field.holds)
    }

    fn value(&mut self, value: Value<'_>, holds: Holds) -> Result<(), CallError> {
        match holds {
            Holds::Nothing => {}
            Holds::Word => self.word(value),
            Holds::Prompt => self.prompt(value)?,
            Holds::Arguments if value.kind() == Kind::String => self.leaf(value, Place::Arguments),
            Holds::Arguments | Holds::Own => self.free(value, Owner::Caller),
            Holds::Schema if value.kind() == Kind::String => self.word(value),
            Holds::Text | Holds::Schema => self.free(value, Owner::Code),
            Holds::Free => self.free(value, Owner::Unknown),
            Holds::Object(shape) => match value.kind() {
                Kind::Object => self.object(value, shape)?,
                _ => self.word(value),
            },
            Holds::Each(shape) => value.elements().try_for_each(|element| self.object(element, shape))?,
            Holds::Content(shape) => self.content(value, shape)?,
            Holds::Data(modality) => self.data(value, modality),
            Holds::Link(modality) => self.link(value, modality),
            Holds::LinkOr(modality, shape) => match value.kind() {
                Kind::Object => self.object(value, shape)?,
                _ => self.link(value, modality),
            },
            Holds::Source => match value.kind() {
                Kind::Object => self.object(value, anthropic::source_shape(value))?,
                _ => self.free(value, Owner::Code),
            },
        }
        Ok(())
    }

    fn leaf(&mut self, value: Value<'_>, place: Place) {
        if matches!(place, Place::Text | Place::Arguments) {
            self.text_bytes += value.span().len().saturating_sub(2);
        }
        self.leaves.push(Leaf { node: value.id(), place });
    }

    /// Not a leaf if it can be nothing but a word of the protocol. Free text doesn't get by in an id.
    fn word(&mut self, value: Value<'_>) {
        match value.kind() {
            Kind::String if value.as_str().is_some_and(|word| is_word(&word)) => {}
            Kind::String => self.leaf(value, Place::Text),
            Kind::Array => value.elements().for_each(|element| self.word(element)),
            Kind::Object => self.free(value, Owner::Unknown),
            Kind::Null | Kind::Bool | Kind::Number => {}
        }
    }

    fn content(&mut self, value: Value<'_>, shape: &'static Shape) -> Result<(), CallError> {
        match value.kind() {
            Kind::Object => self.object(value, shape),
            Kind::Array => value.elements().try_for_each(|part| match part.kind() {
                Kind::String => {
                    self.leaf(part, Place::Text);
                    Ok(())
                }
                _ => self.object(part, shape),
            }),
            _ => {
                self.free(value, Owner::Code);
                Ok(())
            }
        }
    }

    fn prompt(&mut self, value: Value<'_>) -> Result<(), CallError> {
        let mut has_numbers = false;
        for element in value.elements() {
            match element.kind() {
                Kind::String => {}
                Kind::Number => has_numbers = true,
                Kind::Array => {
                    has_numbers = true;
                    element.elements().try_for_each(|token| expect(token, Kinds::NUMBER))?;
                }
                _ => {
                    return Err(wrong_type(element, Kinds::STRING.or(Kinds::NUMBER).or(Kinds::ARRAY)));
                }
            }
        }
        if has_numbers {
            self.opaque.push(Opaque::new(value.id(), Modality::TokenIds));
        }
        self.free(value, Owner::Code);
        Ok(())
    }

    fn data(&mut self, value: Value<'_>, modality: Modality) {
        let is_number = |element: Value<'_>| element.kind() == Kind::Number;
        match value.kind() {
            Kind::String
                if modality == Modality::Encrypted
                    && value.as_str().is_some_and(|text| !is_base64(&text)) =>
            {
                self.leaf(value, Place::Text);
            }
            Kind::String => self.opaque.push(Opaque::new(value.id(), modality)),
            Kind::Array if value.elements().any(is_number) => {
                self.opaque.push(Opaque::new(value.id(), modality));
                self.free(value, Owner::Code);
            }
            Kind::Array if modality != Modality::TokenIds => {
                value.elements().for_each(|element| self.data(element, modality));
            }
            _ => self.free(value, Owner::Unknown),
        }
    }

    /// Data in place is only data; an address is something to read as well.
    fn link(&mut self, value: Value<'_>, modality: Modality) {
        let Some(address) = value.as_str() else { return };
        self.opaque.push(Opaque::new(value.id(), modality));
        if !is_data_url(&address) {
            self.leaf(value, Place::Text);
        }
    }

    /// Everything in `value`, which no table describes.
    fn free(&mut self, value: Value<'_>, owner: Owner) {
        self.free_value(value, owner);
        for inner in value.descendants() {
            if owner != Owner::Code && inner.raw_key().is_some() {
                self.leaf(inner, Place::Key);
            }
            self.free_value(inner, owner);
        }
    }

    fn free_value(&mut self, value: Value<'_>, owner: Owner) {
        match value.kind() {
            Kind::String => self.leaf(value, Place::Text),
            Kind::Number if owner != Owner::Code && digits(value) >= MANY_DIGITS => {
                self.leaf(value, Place::Number);
            }
            _ => {}
        }
        if owner == Owner::Unknown && may_hide_text(value) {
            self.opaque.push(Opaque::new(value.id(), Modality::Unknown));
        }
    }
}

fn expect(value: Value<'_>, kinds: Kinds) -> Result<(), CallError> {
    // Null means "not set" for a field; it is no element and no body.
    if kinds.allow(value) && !value.is_null() { Ok(()) } else { Err(wrong_type(value, kinds)) }
}

fn wrong_type(value: Value<'_>, kinds: Kinds) -> CallError {
    CallError::at(value, CallErrorKind::WrongType { expected: kinds.describe() })
}

/// Whether a field that may refer to something kept does: not if it is off or empty.
fn is_used(value: Value<'_>) -> bool {
    match value.kind() {
        Kind::Null => false,
        Kind::Bool => value.as_bool() == Some(true),
        Kind::Array => value.elements().next().is_some(),
        Kind::Number | Kind::String | Kind::Object => true,
    }
}

/// A number of a person's may be nothing but digits and dashes, as an id may: such a word is looked into like text.
fn is_word(word: &str) -> bool {
    word.len() <= LONG_WORD
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:/+=".contains(&byte))
        && !has_long_number(word)
}

/// One more than a date has, such as providers put into the names of tools.
const DIGITS_IN_WORD: usize = 9;

/// Whether digits follow each other, with at most one separator between two, [`DIGITS_IN_WORD`] times.
fn has_long_number(word: &str) -> bool {
    let (mut digits, mut separators) = (0, 0);
    word.bytes().any(|byte| {
        match byte {
            b'0'..=b'9' => (digits, separators) = (digits + 1, 0),
            b'-' | b'.' | b'/' | b'_' if separators == 0 => separators = 1,
            _ => (digits, separators) = (0, 0),
        }
        digits >= DIGITS_IN_WORD
    })
}

fn is_data_url(address: &str) -> bool {
    address.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}

/// What a provider encrypted is base64; what is not, somebody else wrote.
fn is_base64(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte))
}

fn digits(number: Value<'_>) -> usize {
    number.raw().iter().filter(|byte| byte.is_ascii_digit()).count()
}

/// Whether a value of an unknown field may be text in an encoding that nobody looks into.
fn may_hide_text(value: Value<'_>) -> bool {
    match value.kind() {
        Kind::String => value.as_str().is_some_and(|text: Cow<'_, str>| {
            let data = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte);
            text.len() >= LONG_DATA && (is_data_url(&text) || text.bytes().all(data))
        }),
        Kind::Array => value
            .elements()
            .take_while(|element| element.kind() == Kind::Number)
            .nth(MANY_NUMBERS - 1)
            .is_some(),
        _ => false,
    }
}
