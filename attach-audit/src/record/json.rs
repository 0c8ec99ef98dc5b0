//! JSON as `serde_json` writes it, byte for byte, for what a record is made of.
//!
//! A record has about sixty members, two records are written for every call, and nearly all text in them has nothing to
//! escape. `serde_json` looks at every byte of every name and text by itself; this writer takes names as they are (they
//! are Rust identifiers), looks at texts many bytes at a time, and leaves to `serde_json` whatever needs more.

use std::fmt::{self, Write};

use serde::ser::{Error as _, Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple};
use serde::{Serialize, Serializer};
use serde_json::{Error, Result, to_writer};

use super::escape::is_plain;

/// Appends the members of `value`, an object, without its braces.
pub(super) fn append_members<T: Serialize>(out: &mut Vec<u8>, value: &T) -> Result<()> {
    let start = out.len();
    value.serialize(Json(out))?;
    let braced = out.get(start) == Some(&b'{') && out.last() == Some(&b'}');
    if !braced {
        return Err(Error::custom("not an object"));
    }
    out.pop();
    out.remove(start);
    Ok(())
}

/// Appends `value`.
pub(crate) fn append<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<()> {
    value.serialize(Json(out))
}

/// Writes one value.
struct Json<'a>(&'a mut Vec<u8>);

/// Writes what is between brackets or braces.
///
/// A comma goes before every element, because what is always the same is written fastest; the first becomes the bracket.
struct Elements<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    brackets: [u8; 2],
}

impl<'a> Elements<'a> {
    fn new(out: &'a mut Vec<u8>, brackets: [u8; 2]) -> Self {
        Self { start: out.len(), out, brackets }
    }

    fn close(self) -> Result<()> {
        let [open, close] = self.brackets;
        match self.out.get_mut(self.start) {
            Some(comma) => *comma = open,
            None => self.out.push(open),
        }
        self.out.push(close);
        Ok(())
    }
}

/// Appends a comma and the name of a member, which is a Rust identifier.
///
/// Put together first: inlined, all of it is a constant, which is stored at once.
#[allow(clippy::inline_always, reason = "a constant only where the name is known")]
#[inline(always)]
fn append_name(out: &mut Vec<u8>, name: &'static str) {
    let (mut member, length) = ([0; 32], name.len());
    if let Some((text, [quote, colon, ..])) =
        member.get_mut(2..).and_then(|rest| rest.split_at_mut_checked(length))
    {
        text.copy_from_slice(name.as_bytes());
        (*quote, *colon) = (b'"', b':');
        (member[0], member[1]) = (b',', b'"');
        out.extend_from_slice(&member[..length + 4]);
    } else {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
    }
}

/// Takes what a value's `Display` says.
struct Text<'a>(&'a mut Vec<u8>);

impl Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// Scalars, which `serde_json` writes just as fast.
macro_rules! scalars {
    ($($name:ident: $type:ty),*) => {
        $(
            #[inline]
            fn $name(self, value: $type) -> Result<()> {
                to_writer(self.0, &value)
            }
        )*
    };
}

impl<'a> Serializer for Json<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Elements<'a>;
    type SerializeTuple = Elements<'a>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Elements<'a>;
    type SerializeStruct = Elements<'a>;
    type SerializeStructVariant = Impossible<(), Error>;

    scalars! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_f32: f32,
        serialize_f64: f64, serialize_char: char, serialize_bytes: &[u8]
    }

    fn serialize_str(self, text: &str) -> Result<()> {
        if !is_plain(text.as_bytes()) {
            return to_writer(self.0, text);
        }
        self.0.push(b'"');
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b'"');
        Ok(())
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<()> {
        let start = self.0.len();
        self.0.push(b'"');
        write!(Text(self.0), "{value}").map_err(Error::custom)?;
        if self.0.get(start + 1..).is_some_and(is_plain) {
            self.0.push(b'"');
            return Ok(());
        }
        self.0.truncate(start);
        to_writer(self.0, &value.to_string())
    }

    fn serialize_none(self) -> Result<()> {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<()> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<()> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<()> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<()> {
        Err(none_such())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Elements<'a>> {
        Ok(Elements::new(self.0, *b"[]"))
    }

    fn serialize_tuple(self, length: usize) -> Result<Elements<'a>> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct> {
        Err(none_such())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant> {
        Err(none_such())
    }

    #[inline]
    fn serialize_map(self, _: Option<usize>) -> Result<Elements<'a>> {
        Ok(Elements::new(self.0, *b"{}"))
    }

    #[inline]
    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Elements<'a>> {
        self.serialize_map(Some(length))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant> {
        Err(none_such())
    }
}

/// Records have no enums with contents; one that gets some is noticed by its first test.
fn none_such() -> Error {
    Error::custom("records have no such value")
}

impl SerializeSeq for Elements<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.out.push(b',');
        value.serialize(Json(self.out))
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}

impl SerializeTuple for Elements<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}

impl SerializeMap for Elements<'_> {
    type Ok = ();
    type Error = Error;

    /// All our maps have texts for keys; of another key this makes no JSON, as `serde_json` would say.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.out.push(b',');
        let start = self.out.len();
        key.serialize(Json(self.out))?;
        if self.out.get(start) != Some(&b'"') {
            return Err(none_such());
        }
        self.out.push(b':');
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        value.serialize(Json(self.out))
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}

impl SerializeStruct for Elements<'_> {
    type Ok = ();
    type Error = Error;

    #[allow(clippy::inline_always, reason = "the name is known where this is called")]
    #[inline(always)]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<()> {
        append_name(self.out, name);
        value.serialize(Json(self.out))
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}
