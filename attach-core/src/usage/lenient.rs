//! Types for what an upstream sends: a value of an unexpected kind is nothing, never an error.
//!
//! One odd field must not cost the figures next to it.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A count above this is taken as not given: no context window comes near.
const MAX_COUNT: u64 = 1_000_000_000_000;

/// A token count, if it is one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Count(pub(super) Option<u64>);

impl Count {
    pub(super) fn or_zero(self) -> u64 {
        self.0.unwrap_or(0)
    }
}

impl Lenient<'_> for Count {
    fn from_u64(value: u64) -> Self {
        Self((value <= MAX_COUNT).then_some(value))
    }

    fn from_f64(value: f64) -> Self {
        let whole = value.fract() == 0.0 && (0.0..=MAX_COUNT as f64).contains(&value);
        Self(whole.then_some(value as u64))
    }
}

/// The number of bytes in all strings of a value; keys don't count.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Text(pub(super) u64);

impl<'de> Lenient<'de> for Text {
    fn from_str(value: &str) -> Self {
        Self(u64::try_from(value.len()).unwrap_or(u64::MAX))
    }

    fn from_seq<A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        let mut sum = 0_u64;
        while let Some(Self(bytes)) = seq.next_element()? {
            sum = sum.saturating_add(bytes);
        }
        Ok(Self(sum))
    }

    fn from_map<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut sum = 0_u64;
        while let Some((IgnoredAny, Self(bytes))) = map.next_entry()? {
            sum = sum.saturating_add(bytes);
        }
        Ok(Self(sum))
    }
}

/// Whether a value says something: not absent, `null`, `false` or the empty string.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Set(pub(super) bool);

impl<'de> Lenient<'de> for Set {
    fn from_bool(value: bool) -> Self {
        Self(value)
    }

    fn from_u64(_: u64) -> Self {
        Self(true)
    }

    fn from_f64(_: f64) -> Self {
        Self(true)
    }

    fn from_str(value: &str) -> Self {
        Self(!value.is_empty())
    }

    fn from_seq<A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self(true))
    }

    fn from_map<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self(true))
    }
}

/// A string; empty if it is none.
#[derive(Debug, Default)]
pub(super) struct Name<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Lenient<'de> for Name<'a> {
    fn from_str(value: &str) -> Self {
        Self(Cow::Owned(value.to_owned()))
    }

    fn from_borrowed(value: &'de str) -> Self {
        Self(Cow::Borrowed(value))
    }
}

/// An object; the default if it is none.
#[derive(Debug, Default)]
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de> + Default> Lenient<'de> for Object<T> {
    fn from_map<A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Self)
    }
}

/// The objects of an array; none if it is none.
#[derive(Debug)]
pub(super) struct Objects<T>(pub(super) Vec<T>);

impl<T> Default for Objects<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de> + Default> Lenient<'de> for Objects<T> {
    fn from_seq<A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        let mut items = Vec::new();
        while let Some(Object(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Self(items))
    }
}

/// A type that can be made of any JSON value. What it doesn't expect is its default.
trait Lenient<'de>: Default {
    fn from_bool(_: bool) -> Self {
        Self::default()
    }

    fn from_u64(_: u64) -> Self {
        Self::default()
    }

    fn from_f64(_: f64) -> Self {
        Self::default()
    }

    fn from_str(_: &str) -> Self {
        Self::default()
    }

    fn from_borrowed(value: &'de str) -> Self {
        Self::from_str(value)
    }

    fn from_seq<A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    fn from_map<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

struct Any<T>(PhantomData<T>);

impl<'de, T: Lenient<'de>> Visitor<'de> for Any<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<T, E> {
        Ok(T::from_bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<T, E> {
        Ok(T::from_u64(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<T, E> {
        Ok(u64::try_from(value).map_or_else(|_| T::default(), T::from_u64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<T, E> {
        Ok(T::from_f64(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<T, E> {
        Ok(T::from_str(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<T, E> {
        Ok(T::from_borrowed(value))
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<T, A::Error> {
        T::from_seq(seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::from_map(map)
    }
}

macro_rules! deserialize {
    ($([$($generics:tt)*] $type:ty,)*) => {$(
        impl<'de, $($generics)*> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Any(PhantomData))
            }
        }
    )*};
}

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any(PhantomData))
    }
}

deserialize! {
    [] Count,
    [] Text,
    [] Set,
    [T: Deserialize<'de> + Default] Object<T>,
    [T: Deserialize<'de> + Default] Objects<T>,
}
