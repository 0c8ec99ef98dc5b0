//! What is promised as a ratio, measured as one.

use std::fmt;

use attach_benches::bodies;
use attach_core::json::Document;
use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::audit;
use crate::quota_keys;
use crate::quota_layer;
use crate::race::{Contender, race};
use crate::token;

/// Prints the ratios.
pub(crate) fn print() {
    strict_json(&bodies::long_chat());
    audit::print_whole();
    token::print();
    quota_layer::print();
    quota_keys::print();
}

fn strict_json(body: &Bytes) {
    let mut contenders = [
        Contender::new("serde_json, IgnoredAny", || serde_json::from_slice::<IgnoredAny>(body).is_ok()),
        Contender::new("serde_json, every string decoded", || {
            serde_json::from_slice::<Decoded>(body).is_ok()
        }),
        Contender::new("Document::parse", || Document::parse(body.clone()).is_ok()),
        Contender::new("Document::parse, then every string decoded", || decoded(body)),
    ];
    println!("strict JSON, a chat of {} bytes (best / median)\n{}", body.len(), race(&mut contenders));
    let [ignored, strings, parse, both] = contenders.each_ref().map(Contender::least);
    println!("  parse : IgnoredAny                            {:.2}", parse / ignored);
    println!("  both with strings decoded                     {:.2}", both / strings);
    let budget = ignored + strings;
    let verdict = if parse <= budget { "held" } else { "NOT HELD" };
    println!("  parse <= 2 x IgnoredAny + strings             {parse:.0} <= {budget:.0} ns: {verdict}\n");
}

fn decoded(body: &Bytes) -> usize {
    let document = Document::parse(body.clone()).expect("is strict JSON");
    let length = |text: Option<std::borrow::Cow<'_, str>>| text.map_or(0, |text| text.len());
    document.root().descendants().map(|value| length(value.key()) + length(value.as_str())).sum()
}

/// Looks at every value and decodes every string, keeping nothing.
struct Decoded;

impl<'de> Deserialize<'de> for Decoded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Decoded {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, text: &str) -> Result<Self, E> {
        std::hint::black_box(text);
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self, A::Error> {
        while elements.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        while members.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}
