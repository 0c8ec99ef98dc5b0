//! The vocabulary of the tables that say which fields an object has, of which type, and what stands there.

use super::leaves::Modality;
use crate::json::{Kind, Value};

/// The fields of an object, the frequent ones first.
pub(super) struct Shape(pub(super) &'static [Field]);

impl Shape {
    /// The field called exactly `key`.
    pub(super) fn field(&self, key: &str) -> Option<&'static Field> {
        self.0.iter().find(|field| field.name == key)
    }

    /// The field that `key` equals only after trimming and case folding, as Go's JSON decoder compares.
    pub(super) fn look_alike(&self, key: &str) -> Option<&'static Field> {
        // A key of plain lower case and no space around folds to itself.
        let plain = |byte: u8| (0x21..0x7F).contains(&byte) && !byte.is_ascii_uppercase();
        if key.bytes().all(plain) {
            return None;
        }
        self.0.iter().find(|field| folds_to(key.trim(), field.name))
    }
}

/// Whether `key` is `name`, which is ASCII in lower case, after Unicode simple case folding.
fn folds_to(key: &str, name: &str) -> bool {
    let mut folded = key.chars().map(fold);
    name.chars().all(|expected| folded.next() == Some(expected)) && folded.next().is_none()
}

/// Only two characters outside ASCII fold to one inside: the long s and the Kelvin sign.
fn fold(c: char) -> char {
    match c {
        '\u{17F}' => 's',
        '\u{212A}' => 'k',
        other => other.to_ascii_lowercase(),
    }
}

/// A field of an object.
pub(super) struct Field {
    pub(super) name: &'static str,
    /// What it may be, besides null.
    pub(super) kinds: Kinds,
    pub(super) holds: Holds,
    /// Whether it refers to or creates something that the provider keeps.
    pub(super) state: bool,
}

impl Field {
    pub(super) const fn new(name: &'static str, kinds: Kinds, holds: Holds) -> Self {
        Self { name, kinds, holds, state: false }
    }

    pub(super) const fn state(self) -> Self {
        Self { state: true, ..self }
    }

    pub(super) const fn or(self, kinds: Kinds) -> Self {
        Self { kinds: self.kinds.or(kinds), ..self }
    }
}

/// What stands in a field.
#[derive(Clone, Copy)]
pub(super) enum Holds {
    /// A word of the protocol: a role, a type, an id, the name of a tool. Text if it doesn't look like one.
    Word,
    /// Nothing of the caller's: switches, numbers, a provider's signature.
    Nothing,
    /// Text, alone or in an array.
    Text,
    /// Text, alone or in an array, or the numbers of its tokens.
    Prompt,
    /// JSON in a string, or an object of the caller's own.
    Arguments,
    /// An object of the caller's own: its keys and numbers are free, too.
    Own,
    /// A JSON Schema or a grammar: keys are code, strings are text. A string instead is the word for one.
    Schema,
    /// An object of this shape; if it is a string instead, a word.
    Object(&'static Shape),
    /// An array of objects of this shape.
    Each(&'static Shape),
    /// Text, an object of this shape, or an array of both.
    Content(&'static Shape),
    /// Data that is not text, alone or in an array.
    Data(Modality),
    /// The address of data that is not text.
    Link(Modality),
    /// Such an address, or an object of this shape that has it.
    LinkOr(Modality, &'static Shape),
    /// Anthropic's source of an image or a document.
    Source,
    /// Anything: inspected as if the field were unknown.
    Free,
}

/// A set of JSON types.
#[derive(Clone, Copy)]
pub(super) struct Kinds(u8);

impl Kinds {
    pub(super) const STRING: Self = Self(1);
    pub(super) const NUMBER: Self = Self(2);
    /// A number without a fraction.
    pub(super) const WHOLE: Self = Self(4);
    pub(super) const BOOL: Self = Self(8);
    pub(super) const ARRAY: Self = Self(16);
    pub(super) const OBJECT: Self = Self(32);
    pub(super) const ANY: Self = Self(1 | 2 | 8 | 16 | 32);

    const NAMES: [(Self, &'static str); 6] = [
        (Self::STRING, "a string"),
        (Self::NUMBER, "a number"),
        (Self::WHOLE, "a whole number"),
        (Self::BOOL, "a boolean"),
        (Self::ARRAY, "an array"),
        (Self::OBJECT, "an object"),
    ];

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether `value` is of one of the types, or null: most providers take null for "not set", and the others
    /// refuse it.
    pub(super) fn allow(self, value: Value<'_>) -> bool {
        match value.kind() {
            Kind::Null => true,
            Kind::Bool => self.has(Self::BOOL),
            Kind::Number => self.has(Self::NUMBER) || (self.has(Self::WHOLE) && whole(value).is_some()),
            Kind::String => self.has(Self::STRING),
            Kind::Array => self.has(Self::ARRAY),
            Kind::Object => self.has(Self::OBJECT),
        }
    }

    /// The types' names: `a string or an array`.
    pub(super) fn describe(self) -> String {
        let names: Vec<_> =
            Self::NAMES.iter().filter(|(kind, _)| self.has(*kind)).map(|(_, name)| *name).collect();
        names.join(" or ")
    }
}

/// The value of a number without a fraction, however it is spelled (`100`, `100.0`, `1e2`).
pub(super) fn whole(value: Value<'_>) -> Option<i128> {
    /// Up to here every whole number is a double.
    const EXACT: f64 = (1_u64 << 53) as f64;
    let spelled = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
    spelled.or_else(|| {
        let number = value.as_f64()?;
        (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i128)
    })
}

pub(super) const fn word(name: &'static str) -> Field {
    Field::new(name, Kinds::STRING, Holds::Word)
}

pub(super) const fn words(name: &'static str) -> Field {
    Field::new(name, Kinds::ARRAY, Holds::Word)
}

pub(super) const fn switch(name: &'static str) -> Field {
    Field::new(name, Kinds::BOOL, Holds::Nothing)
}

pub(super) const fn number(name: &'static str) -> Field {
    Field::new(name, Kinds::NUMBER, Holds::Nothing)
}

pub(super) const fn count(name: &'static str) -> Field {
    Field::new(name, Kinds::WHOLE, Holds::Nothing)
}

pub(super) const fn text(name: &'static str) -> Field {
    Field::new(name, Kinds::STRING, Holds::Text)
}

pub(super) const fn texts(name: &'static str) -> Field {
    Field::new(name, Kinds::ARRAY, Holds::Text)
}

pub(super) const fn own(name: &'static str) -> Field {
    Field::new(name, Kinds::OBJECT, Holds::Own)
}

pub(super) const fn schema(name: &'static str) -> Field {
    Field::new(name, Kinds::OBJECT.or(Kinds::BOOL), Holds::Schema)
}

pub(super) const fn object(name: &'static str, shape: &'static Shape) -> Field {
    Field::new(name, Kinds::OBJECT, Holds::Object(shape))
}

pub(super) const fn each(name: &'static str, shape: &'static Shape) -> Field {
    Field::new(name, Kinds::ARRAY, Holds::Each(shape))
}

pub(super) const fn content(name: &'static str, shape: &'static Shape) -> Field {
    Field::new(name, Kinds::STRING.or(Kinds::ARRAY), Holds::Content(shape))
}

pub(super) const fn data(name: &'static str, modality: Modality) -> Field {
    Field::new(name, Kinds::STRING, Holds::Data(modality))
}

pub(super) const fn link(name: &'static str, modality: Modality) -> Field {
    Field::new(name, Kinds::STRING, Holds::Link(modality))
}

/// A string, or an object with the string in `url`.
pub(super) const fn link_or(name: &'static str, modality: Modality, shape: &'static Shape) -> Field {
    Field::new(name, Kinds::STRING.or(Kinds::OBJECT), Holds::LinkOr(modality, shape))
}

pub(super) const fn free(name: &'static str) -> Field {
    Field::new(name, Kinds::ANY, Holds::Free)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Api;

    const SHAPE: Shape = Shape(&[word("messages"), count("keep_alive"), word("model")]);

    #[test]
    fn keys_that_some_servers_fold_to_a_known_one_are_found() {
        for key in [
            "Model",
            "MODEL",
            " model",
            "model\u{a0}",
            "\u{2003}Model ",
            "me\u{17F}\u{17F}ages",
            "\u{212A}eep_alive",
        ] {
            assert!(SHAPE.look_alike(key).is_some(), "{key:?}");
            assert!(SHAPE.field(key).is_none(), "{key:?}");
        }
        for key in ["model", "modél", "Models", "m odel", "ｍodel", "", " "] {
            assert!(SHAPE.look_alike(key).is_none(), "{key:?}");
        }
    }

    #[test]
    fn every_name_is_lower_case_and_named_once_per_object() {
        for shape in all_shapes() {
            for (index, field) in shape.0.iter().enumerate() {
                assert!(
                    field.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
                    "{}",
                    field.name
                );
                assert!(shape.0[..index].iter().all(|other| other.name != field.name), "{}", field.name);
            }
        }
    }

    /// Every shape that some API's body can have in it.
    fn all_shapes() -> Vec<&'static Shape> {
        let mut shapes: Vec<&'static Shape> = Api::ALL.into_iter().map(super::super::shape).collect();
        let mut next = 0;
        while let Some(shape) = shapes.get(next) {
            for field in shape.0 {
                if let Holds::Object(inner)
                | Holds::Each(inner)
                | Holds::Content(inner)
                | Holds::LinkOr(_, inner) = field.holds
                    && !shapes.iter().any(|known| std::ptr::eq(*known, inner))
                {
                    shapes.push(inner);
                }
            }
            next += 1;
        }
        shapes.extend(super::super::anthropic::SOURCES);
        shapes
    }
}
